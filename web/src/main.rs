//! carrier: a webcam becomes a live object-detection station.
//!
//! Read `pipeline.rs` next: it is the one page where every thread and every slot is created.
//!
//! Never: names ort, nokhwa, opencv or the WebRTC crates.

mod addresses;
mod admin;
mod app;
mod assets;
mod cli;
mod commands;
mod config;
mod painter;
mod paths;
mod pipeline;
mod process;
mod report;
mod routes;
mod stills;
mod stop;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use tracing_subscriber::EnvFilter;

use crate::cli::{Cli, Command};
use crate::config::ConfigError;

/// Wrong usage or configuration, as clap and most tools have it.
const EXIT_USAGE: u8 = 2;

fn main() -> ExitCode {
    let cli = Cli::parse();
    log_to_stderr();
    let done = match cli.command {
        None => commands::run::run(&cli.run),
        Some(Command::Run(args)) => commands::run::run(&args),
        Some(Command::Devices) => commands::devices::run(),
        Some(Command::Models(command)) => commands::models::run(&command),
        Some(Command::Detect(args)) => commands::detect::run(&args),
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "carrier: {error:#}");
            let usage = error.is::<ConfigError>() || error.is::<capture::SpecError>();
            if usage {
                ExitCode::from(EXIT_USAGE)
            } else {
                ExitCode::FAILURE
            }
        }
    }
}

/// `CARRIER_LOG` takes tracing's filter syntax, e.g. `debug` or `signaling=trace`.
fn log_to_stderr() {
    let filter = EnvFilter::try_from_env("CARRIER_LOG")
        .unwrap_or_else(|_| EnvFilter::new("info,rtc=error,webrtc=error,ort=warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_target(false)
        .compact()
        .init();
}
