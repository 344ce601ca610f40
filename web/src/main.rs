//! carrier: turns a webcam into a live object-detection station.
//!
//! From the command line to a request: [`cli`] and [`config`] read options; [`startup`] starts the
//! threads (every thread and slot is made in `startup/pipeline.rs`); [`http`] accepts connections;
//! [`layers`] check each request with the tokens of [`access`]; [`routes`] answer it from [`app`], the
//! shared state. [`supervision`] restarts and watches threads. `commands` are the other subcommands.
//!
//! This crate never names ort, nokhwa, opencv or the WebRTC crates.

mod access;
mod app;
mod assets;
mod backup;
mod booth;
mod carriers;
mod cli;
mod commands;
mod config;
mod counting;
mod display;
mod environment;
mod events;
mod export;
mod games;
#[cfg(test)]
mod generated_page;
mod http;
mod keepsake;
mod layers;
mod metrics;
mod mjpeg;
mod network;
mod output;
mod power;
mod print;
mod private_file;
mod qr;
mod redaction;
mod routes;
mod settings;
mod shutter;
mod startup;
mod stills;
mod stopping;
mod supervision;
mod telemetry;
#[cfg(test)]
mod test_folder;

use std::io::Write;
use std::process::ExitCode;

use capture::Threads;

use crate::cli::{Cli, Command};
use crate::config::ConfigError;
use crate::environment::CredentialError;
use crate::http::tls::CertificateError;
use crate::metrics::Metrics;
use crate::output::{OutputError, error_chain};
use crate::supervision::log::Log;

/// Wrong usage or configuration; clap uses the same code.
const EXIT_USAGE: u8 = 2;

fn main() -> ExitCode {
    environment::disable_telemetry();
    let (cli, ignored) = Cli::read();
    let threads = Threads::default();
    let station = match &cli.command {
        None => Some(&cli.run),
        Some(Command::Run(args)) => Some(&**args),
        Some(_) => None,
    };
    let format = station.and_then(|args| args.log_format).unwrap_or_default();
    let metrics = Metrics::default();
    let dropped = metrics.log_lines_dropped.clone();
    let log = match Log::start(station.is_some(), format, &threads, dropped) {
        Ok(log) => log,
        Err(error) => return failed(&anyhow::Error::new(error).context("cannot start a thread")),
    };
    supervision::log_and_count_panics(&threads);
    #[cfg(debug_assertions)]
    supervision::inject::watch(&threads);
    for name in ignored {
        tracing::warn!("{name} holds a URL, which it does not take; it is ignored");
    }
    let done = match cli.command {
        None => startup::run(&cli.run, &threads, &metrics),
        Some(Command::Run(args)) => startup::run(&args, &threads, &metrics),
        Some(Command::Devices(args)) => commands::inventory::devices(args),
        Some(Command::Models(command)) => commands::models::run(&command),
        Some(Command::Detect(args)) => commands::detect::run(&args),
        Some(Command::Eval(args)) => commands::eval::run(&args),
        Some(Command::Doctor(args)) => commands::doctor::run(&args),
        Some(Command::Backup(args)) => commands::backup::run(&args),
        Some(Command::Restore(args)) => commands::restore::run(&args),
        Some(Command::Token(args)) => commands::token::run(&args),
        Some(Command::Reload(args)) => commands::reload::run(&args),
        Some(Command::Health(args)) => commands::health::run(&args),
        Some(Command::Completions { shell }) => commands::manual::completions(shell),
        Some(Command::Man { folder }) => commands::manual::man(folder.as_deref()),
        Some(Command::Hotspot(args)) => commands::hotspot::run(&args),
        Some(Command::Mesh { wish, run }) => commands::mesh::run(&wish, &run),
        Some(Command::RestoreConsole { graphics, keyboard }) => {
            let restored = screen::restore_console(graphics, keyboard);
            restored.map(|()| ExitCode::SUCCESS).map_err(Into::into)
        }
    };
    log.flush();
    match done {
        Ok(code) => code,
        Err(error) => failed(&error),
    }
}

fn failed(error: &anyhow::Error) -> ExitCode {
    let output = error.downcast_ref::<OutputError>();
    if output.is_some_and(OutputError::is_reader_gone) {
        return ExitCode::SUCCESS;
    }
    let _ = writeln!(
        std::io::stderr(),
        "carrier: {}",
        error_chain(error.as_ref())
    );
    let usage = error.is::<ConfigError>()
        || error.is::<CredentialError>()
        || error.is::<CertificateError>()
        || error.is::<capture::SpecError>();
    if usage {
        ExitCode::from(EXIT_USAGE)
    } else {
        ExitCode::FAILURE
    }
}
