//! What the owner changes about detection while it runs.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::detection::BBox;
use crate::tracker::{Thresholds, TrackerConfig};
use crate::zones::Zone;

/// Limits on what is tracked, painted and in `/api/tracks`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Tuning {
    /// The score from which on an object is shown; `None`: the model's own threshold.
    pub min_score: Option<f32>,
    /// The same for single classes, by label.
    pub class_scores: BTreeMap<String, f32>,
    /// The classes that are shown, by label; empty: all.
    pub classes: Vec<String>,
    /// Boxes that are smaller than this part of the picture, in width and in height, are left out.
    pub min_size: f32,
    pub zones: Vec<Zone>,
}

/// The [`Tuning`] in use, shared by whoever changes it and the detect thread.
#[derive(Debug, Default)]
pub struct TuningControl {
    tuning: Mutex<Arc<Tuning>>,
    /// Counts the changes, so that a reader takes the lock only after one.
    generation: AtomicU64,
}

impl TuningControl {
    #[must_use]
    pub fn new(tuning: Tuning) -> Self {
        Self {
            tuning: Mutex::new(Arc::new(tuning)),
            generation: AtomicU64::new(1),
        }
    }

    /// In effect with the next detection.
    pub fn set(&self, tuning: Tuning) {
        let tuning = Arc::new(tuning);
        *self.tuning.lock().unwrap_or_else(PoisonError::into_inner) = tuning;
        self.generation.fetch_add(1, Ordering::Release);
    }

    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    pub(super) fn tuning(&self) -> Arc<Tuning> {
        Arc::clone(&self.tuning.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Tuning {
    /// For each class of a model, whether it is shown.
    pub(super) fn shown(&self, labels: &[String]) -> Vec<bool> {
        let is_shown =
            |label: &String| self.classes.is_empty() || self.classes.iter().any(|one| one == label);
        labels.iter().map(is_shown).collect()
    }

    /// Whether a box, in pixels of a picture of this size, is large enough.
    pub(super) fn is_large_enough(&self, bbox: &BBox, (width, height): (u32, u32)) -> bool {
        let (width, height) = (width as f32 * self.min_size, height as f32 * self.min_size);
        bbox.width() >= width || bbox.height() >= height
    }

    /// `own_score`: the model's threshold.
    pub(super) fn thresholds(&self, own_score: f32, labels: &[String]) -> Thresholds {
        let others = TrackerConfig::for_score(self.min_score.unwrap_or(own_score));
        let own = labels.iter().enumerate().filter_map(|(class_id, label)| {
            let score = self.class_scores.get(label)?;
            Some((class_id, TrackerConfig::for_score(*score)))
        });
        Thresholds::new(others, own.collect())
    }
}
