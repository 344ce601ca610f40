//! The detector: an open model with its pre- and postprocessing; and how one is opened.

use std::sync::Arc;
use std::time::Instant;

use capture::I420;
use thiserror::Error;

use crate::detection::{Detection, suppress};
use crate::heads::{DecodeHead, HeadConfig, HeadError, InputSize};
use crate::metrics::DetectorMetrics;
use crate::models::installed::InstalledModel;
use crate::models::manifest::ModelEntry;
use crate::models::places::Places;
use crate::models::store::{ModelChoice, ModelStore, StoreError};
use crate::onnx::provider::{Provider, SessionConfig};
use crate::onnx::runtime::{Runtime, RuntimeError};
use crate::onnx::session::{Session, SessionError};
use crate::preprocess::Preprocessor;

/// The name of the model that is compiled into the program.
const EMBEDDED: &str = "embedded";

/// Why a picture has no detections.
#[derive(Debug, Error)]
pub enum DetectError {
    /// The model cannot be opened or run.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// The network's outputs cannot be decoded.
    #[error("the outputs of the model {model} cannot be decoded: {source}")]
    Head { model: String, source: HeadError },
}

/// An open model with its pre- and postprocessing. One thread owns it.
pub struct Detector {
    entry: Arc<ModelEntry>,
    session: Session,
    preprocessor: Preprocessor,
    metrics: Arc<DetectorMetrics>,
    head: Box<dyn DecodeHead>,
    found: Vec<Detection>,
}

impl Detector {
    /// Opens and warms up `model`, and decodes one output to check that the head fits it.
    pub fn open(
        runtime: &Runtime,
        model: &InstalledModel,
        config: &SessionConfig,
    ) -> Result<Self, DetectError> {
        let started = Instant::now();
        let entry = Arc::clone(&model.entry);
        let head = entry.head.decoder(HeadConfig {
            input: InputSize {
                width: entry.input.width as usize,
                height: entry.input.height as usize,
            },
            classes: entry.labels.len(),
            box_units: entry.box_units,
        });
        let session = Session::open(runtime, model, config, head.size_input())?;
        let preprocessor = Preprocessor::new(Arc::clone(&entry));
        let metrics = Arc::default();
        let mut detector = Self {
            entry,
            session,
            preprocessor,
            metrics,
            head,
            found: Vec::new(),
        };
        detector.infer(0.5)?;
        let open_ms = started.elapsed().as_millis() as u64;
        let provider = detector.provider();
        tracing::info!(model = detector.name(), %provider, open_ms, "model open");
        Ok(detector)
    }

    /// Sets the metrics to count in.
    #[must_use]
    pub fn with_metrics(mut self, metrics: Arc<DetectorMetrics>) -> Self {
        self.metrics = metrics;
        self
    }

    /// Detects objects with at least `min_score`, best first, in pixels of the picture and clipped to it.
    pub fn detect(
        &mut self,
        picture: &I420,
        min_score: f32,
    ) -> Result<Vec<Detection>, DetectError> {
        let started = Instant::now();
        let fit = self.preprocessor.prepare(picture);
        self.metrics
            .preprocess
            .observe(started.elapsed().as_secs_f64());

        let answered = self.infer(min_score)?;
        if let Some(max_iou) = self.entry.nms_iou {
            // Done before scaling to the frame, because scaling an axis does not change an IoU.
            suppress(&mut self.found, max_iou);
        }
        let in_frame = |one: &Detection| {
            let bbox = fit.to_frame(&one.bbox)?;
            Some(Detection { bbox, ..*one })
        };
        let detections = self.found.iter().filter_map(in_frame).collect();
        self.metrics
            .postprocess
            .observe(answered.elapsed().as_secs_f64());
        self.metrics.inferred.inc();
        Ok(detections)
    }

    /// Runs the network on the prepared input and decodes into `found`. Returns when the network finished.
    fn infer(&mut self, min_score: f32) -> Result<Instant, DetectError> {
        let (head, found) = (&mut self.head, &mut self.found);
        found.clear();
        let started = Instant::now();
        let (answered, decoded) = self.session.run(self.preprocessor.tensor(), |outputs| {
            (Instant::now(), head.decode(outputs, min_score, found))
        })?;
        decoded.map_err(|source| DetectError::Head {
            model: self.entry.name.clone(),
            source,
        })?;
        self.metrics.inferred_in(answered - started);
        Ok(answered)
    }

    #[must_use]
    pub fn labels(&self) -> Arc<[String]> {
        Arc::clone(&self.entry.labels)
    }

    #[must_use]
    pub fn name(&self) -> &str {
        &self.entry.name
    }

    /// Whether the model is less accurate than usual for its size.
    #[must_use]
    pub fn experimental(&self) -> bool {
        self.entry.experimental
    }

    #[must_use]
    pub fn provider(&self) -> Provider {
        self.session.provider()
    }

    /// The score below which boxes of this model are not shown.
    #[must_use]
    pub fn min_score(&self) -> f32 {
        self.entry.min_score
    }
}

impl std::fmt::Debug for Detector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Detector({} on {})", self.name(), self.provider())
    }
}

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

/// Finds the model, loads the runtime, opens and warms up the model. `Ok(None)` when no detection was
/// requested.
pub fn open(
    config: &DetectorConfig,
    metrics: &Arc<DetectorMetrics>,
) -> Result<Option<Detector>, OpenError> {
    let store = ModelStore::new(&config.places);
    let store = store.map_err(|error| OpenError::new(false, &error, None))?;
    let Some(model) = store.find(&config.model)? else {
        return Ok(None);
    };
    let runtime = Runtime::load(&config.places)?;
    let detector = Detector::open(&runtime, &model, &config.session)?;
    Ok(Some(detector.with_metrics(Arc::clone(metrics))))
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
