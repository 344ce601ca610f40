//! The detector as the worker uses it.

use std::sync::Arc;
use std::time::Duration;

use capture::{Backoff, I420};

use super::state::DetectorState;
use crate::detection::Detection;
use crate::detector::{DetectError, Detector};

/// Waits before a missing or failing model is opened again.
pub(super) const BACKOFF: Backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(30));

/// What the worker needs of a detector. A trait, so that tests need no model.
pub(super) trait Detect {
    fn detect(&mut self, picture: &I420, min_score: f32) -> Result<Vec<Detection>, DetectError>;
    fn name(&self) -> &str;
    fn labels(&self) -> Arc<[String]>;
    fn running(&self) -> DetectorState;
    fn min_score(&self) -> f32;
}

impl Detect for Detector {
    fn detect(&mut self, picture: &I420, min_score: f32) -> Result<Vec<Detection>, DetectError> {
        Self::detect(self, picture, min_score)
    }

    fn name(&self) -> &str {
        Self::name(self)
    }

    fn labels(&self) -> Arc<[String]> {
        Self::labels(self)
    }

    fn running(&self) -> DetectorState {
        DetectorState::Running {
            model: self.name().to_owned(),
            provider: self.provider().name(),
            experimental: self.experimental(),
            warning: self.warning().map(str::to_owned),
        }
    }

    fn min_score(&self) -> f32 {
        Self::min_score(self)
    }
}
