//! `carrier backup`

use std::io::{BufWriter, IsTerminal, Write, stderr, stdout};
use std::path::Path;
use std::process::ExitCode;

use anyhow::bail;

use crate::backup::kept::KeptFolders;
use crate::backup::new_file::NewFile;
use crate::backup::state_lock;
use crate::backup::writing::{self, BackupReport, Secrets};
use crate::cli::{BackupArgs, KeptArgs, RunArgs};
use crate::commands::meter::Meter;
use crate::config::Config;
use crate::environment::{Environment, UserFolders};
use crate::shutter::now_unix_ms;

const CHUNK_BYTES: usize = 256 << 10;

pub(crate) fn run(args: &BackupArgs) -> anyhow::Result<ExitCode> {
    let folders = kept_folders(&args.kept)?;
    let _shared = state_lock::shared(&folders.state)?;
    let secrets = match args.without_secrets {
        true => Secrets::LeftOut,
        false => Secrets::Included,
    };
    let mut meter = Meter::new("pictures");
    let mut write = |out: &mut dyn Write| {
        let out = BufWriter::with_capacity(CHUNK_BYTES, out);
        let report = writing::write(out, &folders, secrets, now_unix_ms(), &mut |done, all| {
            meter.show(done, all);
        });
        meter.end();
        report
    };
    let report = if args.file == Path::new("-") {
        if stdout().is_terminal() {
            bail!("a backup is no text: name a file, or send standard output to one");
        }
        write(&mut stdout().lock())?
    } else {
        let mut new = NewFile::create(&args.file, args.force)?;
        let report = write(&mut new.file)?;
        new.finish()?;
        report
    };
    let _ = stderr().write_all(words(&report).as_bytes());
    Ok(ExitCode::SUCCESS)
}

fn words(report: &BackupReport) -> String {
    let mut text = format!(
        "{} jobs, {} pictures, {:.1} MB\n",
        report.jobs,
        report.pictures,
        report.bytes as f64 / 1e6
    );
    if report.erased > 0 {
        text += &format!(
            "{} jobs were erased meanwhile and are left out\n",
            report.erased
        );
    }
    if report.secrets.is_empty() {
        text += "no tokens and keys: a restore keeps those that are there\n";
    } else {
        let secrets = report.secrets.join(", ");
        text += &format!("secrets in it: {secrets}. Keep it where nobody else can read it.\n");
    }
    text
}

/// The folders of the station with this configuration.
pub(super) fn kept_folders(args: &KeptArgs) -> anyhow::Result<KeptFolders> {
    let folders = UserFolders::read();
    let run = RunArgs {
        file: args.file.clone(),
        data: args.data.clone(),
        ..RunArgs::default()
    };
    let default_file = folders.config_file();
    let config = Config::load(&run, &Environment::read()?, default_file.as_deref(), Ok)?;
    let state = folders.state_folder().map(Path::to_owned);
    match (state, config.data_folder(&folders)) {
        (Some(state), Some(data)) => Ok(KeptFolders { state, data }),
        _ => bail!(
            "there is no home folder, so nothing is kept: set HOME, or XDG_STATE_HOME and --data"
        ),
    }
}
