//! `carrier models`: what is known, downloads, checks, measurements.

mod add;
mod bench;
mod list;
mod named;
mod pull;
mod remove;
mod verify;

use std::process::ExitCode;

use anyhow::Context;
use detector::{DetectorConfig, Device, ModelStore, Places, SessionConfig};

use crate::cli::ModelsCommand;
use crate::config::ConfigError;
use crate::environment;

pub(crate) fn run(command: &ModelsCommand) -> anyhow::Result<ExitCode> {
    let places = environment::detector_places();
    let store = ModelStore::new(&places).context("the built-in model manifest")?;
    match command {
        ModelsCommand::List => list::run(&store, &config(places, "auto")?),
        ModelsCommand::Pull { name } => pull::run(&store, &places, name),
        ModelsCommand::Verify { names, device } => {
            verify::run(&store, &config(places, device)?, names)
        }
        ModelsCommand::Bench {
            names,
            json,
            device,
        } => bench::run(&store, &config(places, device)?, names, *json),
        ModelsCommand::Remove { name } => remove::run(&store, &places, name),
        ModelsCommand::Add { file, force } => add::run(&store, &places, file, *force),
    }
}

/// As the station opens models on this device.
fn config(places: Places, device: &str) -> Result<DetectorConfig, ConfigError> {
    let why = || format!("one of {}", Device::FORMS);
    let parsed = device.parse::<Device>();
    Ok(DetectorConfig {
        session: SessionConfig {
            device: parsed.map_err(|_| ConfigError::value("device", device, why()))?,
            engines: places.engine_folder(),
            ..SessionConfig::default()
        },
        places,
        ..DetectorConfig::default()
    })
}
