//! `carrier models`: what is known, downloads, checks, measurements.

mod add;
mod bench;
mod list;
mod pull;
mod remove;
mod verify;

use std::process::ExitCode;

use anyhow::{Context, bail};
use detector::{
    DetectorConfig, Device, Installed, InstalledModel, ModelChoice, ModelStore, Places,
    SessionConfig, UnpinnedModel,
};

use super::{check_model_name, with_fix};
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

/// The models that are meant: those of these names, or all that are installed. Names may be of files.
fn meant(store: &ModelStore, names: &[String]) -> anyhow::Result<Vec<InstalledModel>> {
    let installed: Vec<String>;
    let names = match names {
        [] => {
            let is_here =
                |state: &Installed| matches!(state, Installed::At(_) | Installed::BuiltIn);
            let listed = store.list().into_iter();
            installed = listed
                .filter(|model| is_here(&model.state))
                .map(|model| model.entry.name.clone())
                .collect();
            installed.as_slice()
        }
        names => names,
    };
    let one = |name: &String| {
        check_model_name("model", name)?;
        let Ok(choice) = name.parse::<ModelChoice>();
        if let ModelChoice::None | ModelChoice::Auto = choice {
            bail!("`{name}` is no model; `carrier models list` shows them");
        }
        let found = store.find(&choice).map_err(detector::OpenError::from);
        let found = found.map_err(with_fix)?;
        found.with_context(|| format!("`{name}` is no model"))
    };
    names.iter().map(one).collect()
}

/// Where to get a model of which no file is pinned, and what to do with the file.
fn how_to_get(model: &UnpinnedModel, places: &Places) -> String {
    let file = places.pull_folder().join(format!("{}.onnx", model.name));
    format!(
        "no file of `{}` is pinned. Get one: {}. Put it at {} and use it by that path; `carrier models add` \
         writes a manifest for it",
        model.name,
        model.obtain,
        file.display()
    )
}
