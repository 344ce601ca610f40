//! A model or a video that was asked for and cannot be had: told at once, with what may have been meant.

use std::io;
use std::path::Path;

use capture::SourceSpec;
use detector::{ModelChoice, ModelStore, Places};

use crate::cli::RunArgs;
use crate::config::ConfigError;
use crate::environment;

/// What lies below may come with a device.
const WAITED_FOR: [&str; 3] = ["/dev", "/media", "/run/media"];

/// From here on two names are so alike that one is a slip for the other.
const ALIKE: f64 = 0.6;

/// What `carrier run` was asked for. A file that is not there is a mistake when it was typed: in the
/// environment and the configuration it may be one that comes later, and is waited for.
pub(super) fn check_wanted(args: &RunArgs, source: &SourceSpec, model: &str) -> anyhow::Result<()> {
    check_model_name(model)?;
    let typed = |value: &Option<String>, variable: &str| {
        value.is_some() && *value != environment::value(variable)
    };
    if let SourceSpec::File(path) = source
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

/// A name that no model has will not have one later.
pub(super) fn check_model_name(model: &str) -> anyhow::Result<()> {
    let Ok(ModelChoice::Named(name)) = model.parse() else {
        return Ok(());
    };
    let store = ModelStore::new(&Places::from_env())?;
    match store.unknown(&name) {
        Some(error) => Err(mistake("model", &name, error.to_string()).into()),
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
    Err(mistake(key, &path.display().to_string(), why))
}

fn mistake(key: &'static str, value: &str, why: String) -> ConfigError {
    ConfigError::Value {
        key,
        value: value.to_owned(),
        why,
    }
}

/// The path of the file beside `path` whose name is most like it.
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
