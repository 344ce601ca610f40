//! `carrier token`

use std::io::{Write, stderr};
use std::process::ExitCode;

use anyhow::{Context, bail};

use crate::access::admin::AdminToken;
use crate::cli::{RunArgs, TokenArgs};
use crate::config::Config;
use crate::environment::{Environment, UserFolders};
use crate::output::print;

pub(crate) fn run(args: &TokenArgs) -> anyhow::Result<ExitCode> {
    let folders = UserFolders::read();
    let run = RunArgs {
        file: args.file.clone(),
        ..RunArgs::default()
    };
    let default_file = folders.config_file();
    let config = Config::load(&run, &Environment::read()?, default_file.as_deref(), Ok)?;
    if let Some(token) = &config.admin_token {
        if args.new {
            bail!(
                "the admin token is set by admin_token in the configuration, by CARRIER_ADMIN_TOKEN or by a \
                 credential: change it there"
            );
        }
        print(&format!("{}\n", token.trim()))?;
        return Ok(ExitCode::SUCCESS);
    }
    let Some(file) = folders.admin_token_file() else {
        bail!(
            "there is no home folder to keep an admin token in: set HOME, XDG_STATE_HOME or \
             CARRIER_ADMIN_TOKEN"
        );
    };
    let token = if args.new {
        AdminToken::make(&file)
    } else {
        AdminToken::kept_or_made(&file)
    };
    let token = token.with_context(|| format!("the admin token in {}", file.display()))?;
    print(&format!("{}\n", token.reveal()))?;
    if args.new {
        let _ = writeln!(
            stderr(),
            "It is in {}. A running station takes it at its next start.",
            file.display()
        );
    }
    Ok(ExitCode::SUCCESS)
}
