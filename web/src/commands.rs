//! The commands besides `run`, one file each, and what several of them share: checks of a requested
//! model or file, with suggestions for misspelt names, and opening a detector.

use std::io;
use std::path::Path;
use std::sync::Arc;

use anyhow::{anyhow, bail};
use capture::{SelectedSource, SourceSpec};
use detector::{Detector, DetectorConfig, DetectorMetrics, ModelChoice, ModelStore, OpenError};

use crate::cli::RunArgs;
use crate::config::ConfigError;
use crate::environment;

pub(crate) mod backup;
pub(crate) mod detect;
pub(crate) mod doctor;
pub(crate) mod eval;
pub(crate) mod health;
pub(crate) mod hotspot;
pub(crate) mod inventory;
pub(crate) mod manual;
pub(crate) mod mesh;
mod meter;
pub(crate) mod models;
mod named_cameras;
pub(crate) mod reload;
pub(crate) mod restore;
mod running_station;
pub(crate) mod token;

/// Paths below these may appear when a device is plugged in.
const WAITED_FOR: [&str; 3] = ["/dev", "/media", "/run/media"];

/// Similarity from which a name is suggested as the intended one.
const ALIKE: f64 = 0.6;

/// Checks the model and the source of `carrier run`. A missing file is an error if it was given on the
/// command line; one from the environment or the configuration may appear later.
pub(crate) fn check_requested(
    args: &RunArgs,
    selected: &SelectedSource,
    model: &str,
) -> anyhow::Result<()> {
    check_model_name("model", model)?;
    let typed = |value: &Option<String>, variable: &str| {
        value.is_some() && *value != environment::value(variable)
    };
    if let SelectedSource::Unnamed(SourceSpec::File(path)) = selected
        && typed(&args.source, "CARRIER_SOURCE")
    {
        check_file("source", path, "`carrier --source scene` needs no file")?;
    }
    let Ok(choice) = model.parse();
    if let ModelChoice::File(path) = choice
        && typed(&args.model, "CARRIER_MODEL")
    {
        check_file(
            "model",
            &path,
            "`carrier models list` shows those that have a name",
        )?;
    }
    Ok(())
}

/// Refuses a model name that the manifest does not have.
pub(crate) fn check_model_name(key: &'static str, model: &str) -> anyhow::Result<()> {
    let Ok(choice) = model.parse::<ModelChoice>();
    let store = ModelStore::new(&environment::detector_places())?;
    check_named(key, &choice, &store)
}

fn check_named(key: &'static str, choice: &ModelChoice, store: &ModelStore) -> anyhow::Result<()> {
    let name = match choice {
        ModelChoice::Named(name) => name,
        ModelChoice::Both(first, second) => {
            check_named(key, first, store)?;
            return check_named(key, second, store);
        }
        ModelChoice::Auto | ModelChoice::None | ModelChoice::File(_) => return Ok(()),
    };
    match store.unknown(name) {
        Some(error) => Err(ConfigError::value(key, name.clone(), error.to_string()).into()),
        None => Ok(()),
    }
}

fn check_file(key: &'static str, path: &Path, otherwise: &str) -> Result<(), ConfigError> {
    let why = match path.metadata() {
        Ok(metadata) if metadata.is_dir() => "this is a folder, name a file in it".to_owned(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => match alike(path) {
            Some(name) => format!("there is no such file. Did you mean \"{name}\"?"),
            None => format!("there is no such file; {otherwise}"),
        },
        _ => return Ok(()),
    };
    let is_waited_for = WAITED_FOR.iter().any(|folder| path.starts_with(folder));
    if is_waited_for {
        return Ok(());
    }
    Err(ConfigError::value(key, path.display().to_string(), why))
}

/// The file in the same folder whose name is most similar.
fn alike(path: &Path) -> Option<String> {
    let folder = path.parent().filter(|folder| *folder != Path::new(""));
    let wanted = path.file_name()?.to_string_lossy().to_lowercase();
    let beside = std::fs::read_dir(folder.unwrap_or(Path::new("."))).ok()?;
    let names = beside
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok());
    let likeness =
        |name: &String| strsim::normalized_damerau_levenshtein(&wanted, &name.to_lowercase());
    let scored = names.map(|name| (likeness(&name), name));
    let best = scored
        .filter(|(alike, _)| *alike >= ALIKE)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    let (_, name) = best?;
    let path = folder.map_or_else(|| name.clone().into(), |folder| folder.join(&name));
    Some(path.display().to_string())
}

/// Opens the model that `--model` names. An error if it names none.
pub(crate) fn open_detector(model: &str) -> anyhow::Result<Detector> {
    check_model_name("model", model)?;
    let Ok(model) = model.parse();
    let config = DetectorConfig {
        model,
        places: environment::detector_places(),
        ..DetectorConfig::default()
    };
    match detector::open(&config, &Arc::new(DetectorMetrics::default())) {
        Ok(Some(detector)) => Ok(detector),
        Ok(None) => bail!("--model none detects nothing"),
        Err(error) => Err(with_fix(error)),
    }
}

/// The error with the command that fixes it.
fn with_fix(OpenError { message, fix, .. }: OpenError) -> anyhow::Error {
    match fix {
        Some(fix) => anyhow!("{message}. To fix it: {fix}"),
        None => anyhow!(message),
    }
}
