//! The detector: an open model with its pre- and postprocessing.

use std::sync::Arc;
use std::time::Instant;

use capture::I420;
use thiserror::Error;

use crate::detection::{Detection, suppress};
use crate::heads::{DecodeHead, HeadConfig, HeadError, InputSize};
use crate::metrics::DetectorMetrics;
use crate::models::installed::InstalledModel;
use crate::models::manifest::ModelEntry;
use crate::onnx::placement::Placement;
use crate::onnx::provider::Provider;
use crate::onnx::runtime::Runtime;
use crate::onnx::session::{Session, SessionError};
use crate::onnx::session_config::SessionConfig;
use crate::preprocess::Preprocessor;
use crate::self_test::{Answer, TestPicture, odd_things};

/// Why a picture has no detections.
#[derive(Debug, Error)]
pub enum DetectError {
    /// The model cannot be opened or run.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// The network's outputs cannot be decoded.
    #[error("the outputs of the model {model} cannot be decoded: {source}")]
    Head { model: String, source: HeadError },
    #[error("the model {model} returns nothing but NaN: the file is damaged, or not made for this")]
    NotNumbers { model: String },
    #[error("the test picture cannot be painted")]
    NoTestPicture,
}

/// An open model with its pre- and postprocessing. One thread owns it.
pub struct Detector {
    entry: Arc<ModelEntry>,
    session: Session,
    preprocessor: Preprocessor,
    metrics: Arc<DetectorMetrics>,
    head: Box<dyn DecodeHead>,
    found: Vec<Detection>,
    /// The label of each id of the network; `None`: they are the same.
    classes: Option<Vec<Option<usize>>>,
    /// How much of the last outputs was NaN; only counted by the self-test.
    nan_share: f32,
    /// What the self-test found odd.
    warning: Option<String>,
    /// Why `auto` took it.
    chosen: Option<String>,
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
            input: input_size(&entry),
            classes: entry.network_classes(),
            box_units: entry.box_units,
        });
        let session = Session::open(runtime, model, config, head.size_input())?;
        let preprocessor = Preprocessor::new(Arc::clone(&entry));
        let metrics = Arc::default();
        let mut detector = Self {
            classes: entry.class_ids.as_deref().map(labels_by_id),
            entry,
            session,
            preprocessor,
            metrics,
            head,
            found: Vec::new(),
            nan_share: 0.0,
            warning: None,
            chosen: None,
        };
        detector.infer(0.5, false)?;
        let open_ms = started.elapsed().as_millis() as u64;
        let provider = detector.provider();
        tracing::info!(model = detector.name(), %provider, open_ms, "model open");
        Ok(detector)
    }

    /// Like [`Self::open`]; a model that nobody has tried is tested, too.
    pub(crate) fn open_tested(
        runtime: &Runtime,
        model: &InstalledModel,
        config: &SessionConfig,
    ) -> Result<Self, DetectError> {
        let mut detector = Self::open(runtime, model, config)?;
        if model.entry.sha256.is_none() {
            detector.test()?;
        }
        Ok(detector)
    }

    /// Sets why `auto` took this model.
    pub(crate) fn chosen_because(mut self, why: String) -> Self {
        self.chosen = Some(why);
        self
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

        let answered = self.infer(min_score, false)?;
        self.name_classes();
        self.found.retain(|one| one.bbox.is_finite());
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

    /// Runs the model on the test scene and remembers what is odd about its answer: see [`Self::warning`].
    pub fn test(&mut self) -> Result<(), DetectError> {
        let Some(picture) = TestPicture::paint() else {
            return Ok(());
        };
        let shown = self.detect(&picture.frame.pixels, self.min_score())?;
        self.infer(0.0, true)?;
        if self.nan_share == 1.0 {
            let model = self.entry.name.clone();
            return Err(DetectError::NotNumbers { model });
        }
        self.name_classes();
        let odd = odd_things(&Answer {
            input: input_size(&self.entry),
            raw: &self.found,
            chooses: self.entry.nms_iou.is_none(),
            nan_share: self.nan_share,
            shown: &shown,
            labels: &self.entry.labels,
            picture: &picture,
        });
        if !odd.is_empty() {
            let warning = format!("its answer to a test picture is odd: {}", odd.join("; "));
            tracing::warn!(model = self.name(), "{warning}");
            self.warning = Some(warning);
        }
        Ok(())
    }

    /// Replaces the network's ids of classes by the places of their labels.
    fn name_classes(&mut self) {
        let Some(classes) = &self.classes else {
            return;
        };
        self.found.retain_mut(|one| {
            let label = classes.get(one.class_id).copied().flatten();
            one.class_id = label.unwrap_or_default();
            label.is_some()
        });
    }

    /// Runs the network on the prepared input and decodes into `found`. Returns when the network finished.
    fn infer(&mut self, min_score: f32, counts_nan: bool) -> Result<Instant, DetectError> {
        let (head, found) = (&mut self.head, &mut self.found);
        let nan_share = &mut self.nan_share;
        found.clear();
        let started = Instant::now();
        let (answered, decoded) = self.session.run(self.preprocessor.tensor(), |outputs| {
            let answered = Instant::now();
            if counts_nan {
                *nan_share = outputs.nan_share();
            }
            (answered, head.decode(outputs, min_score, found))
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

    /// What is odd about the model's answer to a test picture. Only models without a known hash are tested.
    #[must_use]
    pub fn warning(&self) -> Option<&str> {
        self.warning.as_deref()
    }

    #[must_use]
    pub fn provider(&self) -> Provider {
        self.session.provider()
    }

    /// Where the nodes of the network run, the busiest provider first.
    #[must_use]
    pub fn placements(&self) -> &[Placement] {
        self.session.placements()
    }

    /// Why the network runs on the processor, although the runtime is made for more.
    #[must_use]
    pub fn fallback(&self) -> Option<&str> {
        self.session.fallback()
    }

    /// Why `auto` took this model; `None`: it was asked for by name.
    #[must_use]
    pub fn chosen(&self) -> Option<&str> {
        self.chosen.as_deref()
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

fn input_size(entry: &ModelEntry) -> InputSize {
    InputSize {
        width: entry.input.width as usize,
        height: entry.input.height as usize,
    }
}

/// For each id that a network may use, the place of its label.
fn labels_by_id(ids: &[usize]) -> Vec<Option<usize>> {
    let mut labels = vec![None; ids.iter().max().map_or(0, |most| most + 1)];
    for (label, id) in ids.iter().enumerate() {
        labels[*id] = Some(label);
    }
    labels
}
