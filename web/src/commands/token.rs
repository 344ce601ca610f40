//! `carrier token`

use std::io::{Write, stderr};
use std::process::ExitCode;

use anyhow::{Context, bail};

use super::print;
use crate::admin::AdminToken;
use crate::cli::{RunArgs, TokenArgs};
use crate::config::Config;
use crate::paths::Paths;

pub(crate) fn run(args: &TokenArgs) -> anyhow::Result<ExitCode> {
    let paths = Paths::of_user();
    let told = RunArgs {
        config: args.config.clone(),
        ..RunArgs::default()
    };
    let config = Config::load(&told, paths.config_file().as_deref())?;
    if let Some(token) = &config.admin_token {
        if args.new {
            bail!(
                "the admin token is set by admin_token in the configuration, or by CARRIER_ADMIN_TOKEN: \
                 change it there"
            );
        }
        print(&format!("{}\n", token.trim()))?;
        return Ok(ExitCode::SUCCESS);
    }
    let Some(file) = paths.admin_token_file() else {
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
