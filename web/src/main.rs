//! carrier: a webcam becomes a live object-detection station.
//!
//! Read `pipeline.rs` next: it is the one page where every thread and every slot is created.
//!
//! Never: names ort, nokhwa, opencv or the WebRTC crates.

mod addresses;
mod admin;
mod admin_sessions;
mod admission;
mod app;
mod assets;
mod banner;
mod bind_error;
mod booth;
mod cli;
mod commands;
mod complaint;
mod config;
mod connections;
mod cookie_key;
mod credentials;
mod environment;
mod guesses;
mod host_names;
mod ice_links;
#[cfg(debug_assertions)]
mod inject;
mod languages;
mod liveness;
mod log;
mod painter;
mod panics;
mod paths;
mod pipeline;
mod process;
mod public_address;
mod qr;
mod report;
mod rights;
mod routes;
mod stills;
mod stop;
mod tasks;
mod tls;
mod token_strength;
mod viewer_token;
mod visitor;
mod wifi;
mod without_places;

use std::io::Write;
use std::process::ExitCode;

use capture::Threads;

use crate::cli::{Cli, Command};
use crate::commands::OutputError;
use crate::complaint::plainly;
use crate::config::ConfigError;
use crate::log::Log;
use crate::tls::CertificateError;

/// Wrong usage or configuration, as clap and most tools have it.
const EXIT_USAGE: u8 = 2;

fn main() -> ExitCode {
    let (cli, left_out) = Cli::read();
    let threads = Threads::default();
    let station = matches!(cli.command, None | Some(Command::Run(_)));
    let log = match Log::start(station, &threads) {
        Ok(log) => log,
        Err(error) => return failed(&anyhow::Error::new(error).context("cannot start a thread")),
    };
    panics::log_and_count(&threads);
    #[cfg(debug_assertions)]
    inject::watch(&threads);
    for name in left_out {
        tracing::warn!("{name} holds an address where none belongs; it is left out");
    }
    let done = match cli.command {
        None => commands::run::run(&cli.run, &threads, &log),
        Some(Command::Run(args)) => commands::run::run(&args, &threads, &log),
        Some(Command::Devices) => commands::devices::run(),
        Some(Command::Models(command)) => commands::models::run(&command),
        Some(Command::Detect(args)) => commands::detect::run(&args),
        Some(Command::Eval(args)) => commands::eval::run(&args),
        Some(Command::Doctor(args)) => commands::doctor::run(&args),
        Some(Command::Token(args)) => commands::token::run(&args),
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
    let _ = writeln!(std::io::stderr(), "carrier: {}", plainly(error.as_ref()));
    let usage = error.is::<ConfigError>()
        || error.is::<CertificateError>()
        || error.is::<capture::SpecError>();
    if usage {
        ExitCode::from(EXIT_USAGE)
    } else {
        ExitCode::FAILURE
    }
}
