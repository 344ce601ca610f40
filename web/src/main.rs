//! carrier: a webcam becomes a live object-detection station.
//!
//! Read `pipeline.rs` next: it is the one page where every thread and every slot is created.
//!
//! Never: names ort, nokhwa, opencv or the WebRTC crates.

mod addresses;
mod admin;
mod admission;
mod app;
mod assets;
mod booth;
mod cli;
mod commands;
mod complaint;
mod config;
mod connections;
mod credentials;
mod ice_links;
mod languages;
mod painter;
mod paths;
mod pipeline;
mod process;
mod public_address;
mod publish_key;
mod qr;
mod report;
mod routes;
mod stills;
mod stop;
mod tls;
mod token_strength;
mod viewer_token;
mod visitor;
mod wifi;

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use clap::Parser;
use tracing_subscriber::EnvFilter;

use crate::cli::{Cli, Command};
use crate::complaint::plainly;
use crate::config::ConfigError;
use crate::tls::CertificateError;

/// Wrong usage or configuration, as clap and most tools have it.
const EXIT_USAGE: u8 = 2;

fn main() -> ExitCode {
    let cli = Cli::parse();
    log_to_stderr(matches!(cli.command, None | Some(Command::Run(_))));
    let done = match cli.command {
        None => commands::run::run(&cli.run),
        Some(Command::Run(args)) => commands::run::run(&args),
        Some(Command::Devices) => commands::devices::run(),
        Some(Command::Models(command)) => commands::models::run(&command),
        Some(Command::Detect(args)) => commands::detect::run(&args),
        Some(Command::Eval(args)) => commands::eval::run(&args),
        Some(Command::Doctor(args)) => commands::doctor::run(&args),
    };
    match done {
        Ok(code) => code,
        Err(error) => {
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
    }
}

/// `CARRIER_LOG` takes tracing's filter syntax, e.g. `debug` or `signaling=trace`. Only the station
/// tells what it does unasked: whoever runs another command wants its answer alone.
fn log_to_stderr(station: bool) {
    let unasked = if station { "info" } else { "warn" };
    // The WebRTC crates warn about every check a browser sends to an address it keeps to itself.
    let quiet = format!("{unasked},rtc=error,rtc_ice=error,ort=warn");
    let filter = EnvFilter::try_from_env("CARRIER_LOG").unwrap_or_else(|_| EnvFilter::new(quiet));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .compact()
        .init();
}
