//! How a detector is opened: which model is meant, what kind of file it is, and why it cannot be used.

use std::path::Path;
use std::sync::Arc;

use thiserror::Error;

use crate::detector::{DetectError, Detector};
use crate::metrics::DetectorMetrics;
use crate::models::installed::{InstalledModel, ModelFile};
use crate::models::places::Places;
use crate::models::recognise::{Recognised, Unclear, recognise};
use crate::models::store::{ModelChoice, ModelStore, StoreError};
use crate::onnx::model_file::read_signature;
use crate::onnx::provider::SessionConfig;
use crate::onnx::runtime::{Runtime, RuntimeError};
use crate::onnx::session::SessionError;

/// The name of the model that is compiled into the program.
const EMBEDDED: &str = "embedded";

/// How a detector is opened.
#[derive(Debug, Clone, Default)]
pub struct DetectorConfig {
    pub model: ModelChoice,
    pub session: SessionConfig,
    pub places: Places,
    /// The model that finds faces for privacy when `model` finds none; `auto` is the embedded one.
    pub faces: ModelChoice,
}

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
    let model = match store.find(&config.model) {
        Ok(None) => return Ok(None),
        Ok(Some(model)) => model,
        Err(StoreError::UnknownFile { path, .. }) => recognise_file(&config.places, &path)?,
        Err(error) => return Err(error.into()),
    };
    let runtime = Runtime::load(&config.places)?;
    let mut detector = Detector::open(&runtime, &model, &config.session)?;
    if model.entry.sha256.is_none() {
        detector.test()?;
    }
    Ok(Some(detector.with_metrics(Arc::clone(metrics))))
}

fn recognise_file(places: &Places, path: &Path) -> Result<InstalledModel, OpenError> {
    let shown = path.display();
    let Recognised {
        entry, assumptions, ..
    } = examine(places, path)?.map_err(|unclear| {
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
    let runtime = Runtime::load(places)?;
    let signature = read_signature(&runtime, path).map_err(DetectError::Session)?;
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    Ok(recognise(&stem, &signature))
}

/// Like [`open`], for the second model that finds faces.
pub(crate) fn open_for_faces(config: &DetectorConfig) -> Result<Option<Detector>, OpenError> {
    let model = match &config.faces {
        ModelChoice::Auto => ModelChoice::Named(EMBEDDED.to_owned()),
        other => other.clone(),
    };
    let config = DetectorConfig {
        model,
        ..config.clone()
    };
    // Metrics of its own: those of the main model must not count it.
    open(&config, &Arc::default())
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
        let fix = cpu.then(|| "carrier run --provider cpu".to_owned());
        Self::new(false, &error, fix)
    }
}
