//! `carrier restore`

use std::fmt::Write;
use std::fs::File;
use std::process::ExitCode;

use anyhow::{Context, bail};

use crate::backup::kept::KeptFolders;
use crate::backup::manifest::Manifest;
use crate::backup::restoring::{self, RestoreReport, present};
use crate::backup::{checking, state_lock, swap};
use crate::cli::RestoreArgs;
use crate::commands::backup::kept_folders;
use crate::commands::meter::Meter;
use crate::output::print;
use crate::shutter::{now_unix_ms, rfc3339};

pub(crate) fn run(args: &RestoreArgs) -> anyhow::Result<ExitCode> {
    let folders = kept_folders(&args.kept)?;
    let file = args.file.display();
    let mut archive = File::open(&args.file).with_context(|| file.to_string())?;
    if !archive.metadata().is_ok_and(|file| file.is_file()) {
        bail!("{file} is no file: it is read twice, which a pipe or a folder cannot be");
    }
    let mut meter = Meter::new("checked");
    let checked = checking::check(&mut archive, &mut |done, all| meter.show(done, all));
    meter.end();
    let manifest = checked.with_context(|| file.to_string())?;
    if args.dry_run {
        print(&list(&manifest, &folders))?;
        return Ok(ExitCode::SUCCESS);
    }
    // Before the folder is looked at: a station may be about to start.
    let _alone = state_lock::exclusive(&folders.state)?;
    let booth = folders.booth();
    let _booth = booth
        .exists()
        .then(|| stylise::lock_booth(&booth))
        .transpose()?;
    swap::finish(&folders.state)?;
    let there = present(&folders);
    if !there.is_empty() && !args.replace {
        bail!("{}", replaced(&there));
    }
    let mut meter = Meter::new("restored");
    let restored = restoring::restore(
        &mut archive,
        &manifest,
        &folders,
        now_unix_ms(),
        &mut |done, all| meter.show(done, all),
    );
    meter.end();
    if restored.is_err() && !swap::is_interrupted(&folders.state) {
        swap::remove_leftover(&folders.state);
        swap::remove_leftover(&folders.data);
    }
    print(&words(&restored?))?;
    Ok(ExitCode::SUCCESS)
}

fn replaced(there: &[std::path::PathBuf]) -> String {
    let mut text = "there is something to lose here already:\n".to_owned();
    for path in there {
        let _ = writeln!(text, "  {}", path.display());
    }
    text + "make a backup of it (carrier backup FILE), and then restore with --replace"
}

fn list(manifest: &Manifest, folders: &KeptFolders) -> String {
    let mut text = format!(
        "made by carrier {} at {}; every entry is as its manifest says\n",
        manifest.program,
        rfc3339(manifest.made_at_unix_ms)
    );
    for (name, entry) in &manifest.entries {
        let _ = writeln!(text, "{:>12}  {name}", entry.bytes);
    }
    let there = present(folders);
    if !there.is_empty() {
        text += "It would replace:\n";
        for path in there {
            let _ = writeln!(text, "  {}", path.display());
        }
    }
    text
}

fn words(report: &RestoreReport) -> String {
    let mut text = format!(
        "restored: {} jobs, {} pictures\n",
        report.jobs, report.pictures
    );
    if report.expired > 0 {
        let _ = writeln!(
            text,
            "{} jobs were over their time and are not restored",
            report.expired
        );
    }
    text += match report.is_closed {
        true => "The camera is closed until somebody opens it.\n",
        false => "The camera is open, as it was.\n",
    };
    text
}
