//! How a detector is opened: which model is meant, what kind of file it is, and why it cannot be used.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use thiserror::Error;

use crate::config::DetectorConfig;
use crate::detector::{DetectError, Detector};
use crate::detectors::{Detectors, Second};
use crate::measuring::AutomaticChoice;
use crate::metrics::DetectorMetrics;
use crate::models::automatic::{Step, longest_ms};
use crate::models::installed::{InstalledModel, ModelFile};
use crate::models::places::Places;
use crate::models::recognise::{Recognised, Unclear, recognise};
use crate::models::store::{ModelChoice, ModelStore, StoreError};
use crate::onnx::model_file::read_signature;
use crate::onnx::runtime::{Runtime, RuntimeError};
use crate::onnx::session::SessionError;

/// The name of the model that is compiled into the program.
const EMBEDDED: &str = "embedded";

/// Why no detector can be opened.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct OpenError {
    /// Something is not installed, as opposed to installed and not working.
    pub is_missing: bool,
    /// In plain words.
    pub message: String,
    /// The command that fixes it, if there is one.
    pub fix: Option<String>,
}

impl OpenError {
    fn new(is_missing: bool, error: &impl ToString, fix: Option<String>) -> Self {
        let message = error.to_string();
        Self {
            is_missing,
            message,
            fix,
        }
    }
}

/// Finds the model, or recognises its file, loads the runtime, opens and warms up the model. One that nobody
/// has tried is tested. `Ok(None)` when no detection was requested.
pub fn open(
    config: &DetectorConfig,
    metrics: &Arc<DetectorMetrics>,
) -> Result<Option<Detector>, OpenError> {
    let store = ModelStore::new(&config.places);
    let store = store.map_err(|error| OpenError::new(false, &error, None))?;
    let detector = match &config.model {
        ModelChoice::Auto => best(&store, config)?,
        choice => {
            let Some(model) = find(&store, choice, config)? else {
                return Ok(None);
            };
            Detector::open_tested(&config.runtime()?, &model, &config.session)?
        }
    };
    Ok(Some(detector.with_metrics(Arc::clone(metrics))))
}

/// Like [`open`], also for two models at once.
pub fn open_all(
    config: &DetectorConfig,
    metrics: &Arc<DetectorMetrics>,
) -> Result<Option<Detectors>, OpenError> {
    let ModelChoice::Both(first, second) = &config.model else {
        return Ok(open(config, metrics)?.map(Detectors::from));
    };
    let one = |model: &ModelChoice, metrics: &Arc<DetectorMetrics>| {
        let config = DetectorConfig {
            model: model.clone(),
            ..config.clone()
        };
        let none = || {
            let message = format!("{model} is no model that could be one of two");
            OpenError::new(false, &message, None)
        };
        open(&config, metrics)?.ok_or_else(none)
    };
    Ok(Some(Detectors {
        main: one(first, metrics)?,
        second: Some(Second {
            // Metrics of its own: those of the main model must not count it.
            detector: one(second, &Arc::default())?,
            period: config.second_period(),
        }),
    }))
}

/// The model that is meant. One without a manifest is recognised by its file.
pub(crate) fn find(
    store: &ModelStore,
    choice: &ModelChoice,
    config: &DetectorConfig,
) -> Result<Option<InstalledModel>, OpenError> {
    match store.find(choice) {
        Ok(found) => Ok(found),
        Err(StoreError::UnknownFile { path, .. }) => recognise_file(config, &path).map(Some),
        Err(error) => Err(error.into()),
    }
}

fn recognise_file(config: &DetectorConfig, path: &Path) -> Result<InstalledModel, OpenError> {
    let shown = path.display();
    let Recognised {
        entry, assumptions, ..
    } = examine_with(&config.runtime()?, path)?.map_err(|unclear| {
        let message = format!("{shown}: carrier cannot tell how to use this model: {unclear}");
        let fix = format!("carrier models add {shown}, and fill in what it asks for");
        OpenError::new(false, &message, Some(fix))
    })?;
    for assumption in &assumptions {
        tracing::warn!(model = entry.name, "{assumption}");
    }
    tracing::info!(
        model = entry.name,
        head = ?entry.head,
        "a model without a manifest was recognised; `carrier models add` writes one"
    );
    Ok(InstalledModel {
        entry: Arc::new(entry),
        file: ModelFile::At(path.to_owned()),
    })
}

/// Reads what a file says of itself and recognises what kind of model it is. The outer error is one of the file
/// or of the runtime.
pub fn examine(places: &Places, path: &Path) -> Result<Result<Recognised, Unclear>, OpenError> {
    examine_with(&Runtime::load(places)?, path)
}

fn examine_with(runtime: &Runtime, path: &Path) -> Result<Result<Recognised, Unclear>, OpenError> {
    let signature = read_signature(runtime, path).map_err(DetectError::Session)?;
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    Ok(recognise(&stem, &signature))
}

/// Like [`open`], for the second model that finds faces.
pub(crate) fn open_for_faces(config: &DetectorConfig) -> Result<Option<Detectors>, OpenError> {
    let model = match &config.faces {
        ModelChoice::Auto => ModelChoice::Named(EMBEDDED.to_owned()),
        other => other.clone(),
    };
    let config = DetectorConfig {
        model,
        ..config.clone()
    };
    // Metrics of its own: those of the main model must not count it.
    Ok(open(&config, &Arc::default())?.map(Detectors::from))
}

/// The time within which models are measured before one is taken.
const MEASURING_MAX: Duration = Duration::from_secs(5);

/// Opens the most accurate installed model that is fast enough. What is not known of its speed is measured and
/// remembered.
fn best(store: &ModelStore, config: &DetectorConfig) -> Result<Detector, OpenError> {
    let (models, runtime) = (store.candidates(), config.runtime()?);
    let mut choice = AutomaticChoice::new(models, config);
    let longest = longest_ms(config.wanted_fps);
    let (started, mut problem) = (Instant::now(), OpenError::from(StoreError::NoneInstalled));
    while let Some(step) = choice.next(longest, started.elapsed() < MEASURING_MAX) {
        let result = match step {
            Step::Measure(index) => choice.measure(index, &runtime).map(|()| None),
            Step::Take { index, why } => {
                let opened = choice.open(index, &runtime);
                opened.map(|detector| Some(detector.chosen_because(why)))
            }
        };
        match result {
            Ok(None) => {}
            Ok(Some(detector)) => {
                let (model, why) = (detector.name(), detector.chosen());
                tracing::info!(model, why, "model chosen");
                return Ok(detector);
            }
            // The others would fail in the same way.
            Err(error @ DetectError::Session(SessionError::Provider { .. })) => {
                return Err(error.into());
            }
            Err(error) => problem = error.into(),
        }
    }
    Err(problem)
}

impl From<StoreError> for OpenError {
    fn from(error: StoreError) -> Self {
        let is_missing = matches!(
            error,
            StoreError::NoneInstalled | StoreError::NotInstalled { .. }
        );
        Self::new(is_missing, &error, error.fix())
    }
}

impl From<RuntimeError> for OpenError {
    fn from(error: RuntimeError) -> Self {
        let is_missing = matches!(
            error,
            RuntimeError::Missing { .. } | RuntimeError::WrongPath { .. }
        );
        Self::new(is_missing, &error, Some(error.fix().to_owned()))
    }
}

impl From<DetectError> for OpenError {
    fn from(error: DetectError) -> Self {
        let cpu = matches!(error, DetectError::Session(SessionError::Provider { .. }));
        let fix = cpu.then(|| "carrier run --device cpu".to_owned());
        Self::new(false, &error, fix)
    }
}
