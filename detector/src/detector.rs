//! A picture in, boxes out.

use std::sync::Arc;
use std::time::Instant;

use capture::I420;
use thiserror::Error;

use crate::detection::Detection;
use crate::heads::{
    Head, HeadError, InputSize, RawOutputs, deimv2, fastestdet, nanodet_plus, yolox,
};
use crate::manifest::ModelEntry;
use crate::metrics::DetectorMetrics;
use crate::nms::suppress;
use crate::preprocess::Preprocessor;
use crate::provider::Provider;
use crate::runtime::Runtime;
use crate::session::{Session, SessionConfig, SessionError};
use crate::store::InstalledModel;

/// Why there is no answer.
#[derive(Debug, Error)]
pub enum DetectError {
    /// The model cannot be opened or run.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// The network's answer cannot be read.
    #[error("the model's answer cannot be read: {0}")]
    Head(#[from] HeadError),
}

/// An open model with everything around it. One thread owns it.
pub struct Detector {
    entry: Arc<ModelEntry>,
    session: Session,
    preprocessor: Preprocessor,
    metrics: Arc<DetectorMetrics>,
    units: yolox::Units,
    found: Vec<Detection>,
}

impl Detector {
    /// Opens and warms up `model`, and reads one answer to see that the head fits it.
    pub fn open(
        runtime: &Runtime,
        model: &InstalledModel,
        config: &SessionConfig,
    ) -> Result<Self, DetectError> {
        let started = Instant::now();
        let session = Session::open(runtime, model, config)?;
        let entry = Arc::clone(&model.entry);
        let preprocessor = Preprocessor::new(Arc::clone(&entry));
        let metrics = Arc::default();
        let units = yolox::Units::new(entry.box_units);
        let mut detector = Self {
            entry,
            session,
            preprocessor,
            metrics,
            units,
            found: Vec::new(),
        };
        detector.infer(0.5)?;
        let open_ms = started.elapsed().as_millis() as u64;
        let provider = detector.provider();
        tracing::info!(model = detector.name(), %provider, open_ms, "model open");
        Ok(detector)
    }

    /// Counts into `metrics` from now on.
    #[must_use]
    pub fn with_metrics(mut self, metrics: Arc<DetectorMetrics>) -> Self {
        self.metrics = metrics;
        self
    }

    /// What is seen in `picture` with at least `min_score`, best first, in pixels of the picture
    /// and clipped to it.
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
            // IoU does not change when an axis is stretched, so this may come before the way back.
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

    /// Runs the network on the prepared input and decodes into `found`; tells when the network
    /// answered.
    fn infer(&mut self, min_score: f32) -> Result<Instant, DetectError> {
        let (entry, units, found) = (&self.entry, &mut self.units, &mut self.found);
        found.clear();
        let started = Instant::now();
        let (answered, decoded) = self.session.run(self.preprocessor.tensor(), |outputs| {
            (
                Instant::now(),
                decode(entry, outputs, units, min_score, found),
            )
        })?;
        decoded?;
        self.metrics.inferred_in(answered - started);
        Ok(answered)
    }

    /// Names of the classes.
    #[must_use]
    pub fn labels(&self) -> Arc<[String]> {
        Arc::clone(&self.entry.labels)
    }

    /// The model's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.entry.name
    }

    /// Whether the model is not yet as good as its kind should be.
    #[must_use]
    pub fn experimental(&self) -> bool {
        self.entry.experimental
    }

    /// What really computes.
    #[must_use]
    pub fn provider(&self) -> Provider {
        self.session.provider()
    }

    /// The score under which this model's boxes are not worth showing.
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

/// The model's raw answer to boxes in pixels of its input.
fn decode(
    entry: &ModelEntry,
    outputs: RawOutputs<'_>,
    units: &mut yolox::Units,
    min_score: f32,
    found: &mut Vec<Detection>,
) -> Result<(), HeadError> {
    let (width, height) = (entry.input.width as usize, entry.input.height as usize);
    let (input, classes) = (InputSize { width, height }, entry.labels.len());
    match (entry.head, outputs) {
        (Head::Yolox, RawOutputs::Rows(rows)) => {
            yolox::decode(rows, input, classes, units, min_score, found)
        }
        (Head::NanodetPlus, RawOutputs::Rows(rows)) => {
            nanodet_plus::decode(rows, input, classes, min_score, found)
        }
        (
            _,
            RawOutputs::Boxes {
                labels,
                boxes,
                scores,
            },
        ) => deimv2::decode(labels, boxes, scores, classes, min_score, found),
        (_, RawOutputs::Planes(planes)) => {
            fastestdet::decode(planes, input, classes, min_score, found)
        }
        // The session makes what the head says; these never get rows.
        (Head::Deimv2 | Head::Fastestdet, RawOutputs::Rows(_)) => Ok(()),
    }
}
