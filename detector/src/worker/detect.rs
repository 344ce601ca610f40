//! The detector as the worker uses it.

use std::sync::Arc;
use std::time::Duration;

use capture::{Backoff, I420};

use super::state::{DetectorState, RunningDetails, SecondModel};
use crate::detection::Detection;
use crate::detector::{DetectError, Detector};
use crate::detectors::{Detectors, Second};

/// Waits before a missing or failing model is opened again.
pub(super) const BACKOFF: Backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(30));

/// What the worker needs of a detector. A trait, so that tests need no model.
pub(super) trait Detect {
    fn detect(&mut self, picture: &I420, min_score: f32) -> Result<Vec<Detection>, DetectError>;
    fn name(&self) -> &str;
    fn labels(&self) -> Arc<[String]>;
    fn running(&self) -> DetectorState;
    fn min_score(&self) -> f32;

    /// The model that detects beside this one, and the least interval between two of its detections.
    fn second(&mut self) -> Option<(&mut dyn Detect, Duration)> {
        None
    }
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
            details: RunningDetails {
                chosen: self.chosen().map(str::to_owned),
                fallback: self.fallback().map(str::to_owned),
                placements: self.placements().to_vec(),
                second: None,
            },
        }
    }

    fn min_score(&self) -> f32 {
        Self::min_score(self)
    }
}

impl Detect for Detectors {
    fn detect(&mut self, picture: &I420, min_score: f32) -> Result<Vec<Detection>, DetectError> {
        self.main.detect(picture, min_score)
    }

    fn name(&self) -> &str {
        self.main.name()
    }

    fn labels(&self) -> Arc<[String]> {
        self.main.labels()
    }

    fn running(&self) -> DetectorState {
        let mut state = Detect::running(&self.main);
        if let DetectorState::Running {
            details, warning, ..
        } = &mut state
            && let Some(Second { detector, .. }) = &self.second
        {
            details.second = Some(SecondModel {
                model: detector.name().to_owned(),
                provider: detector.provider().name(),
            });
            let of_second = detector
                .warning()
                .map(|odd| format!("{}: {odd}", detector.name()));
            *warning = warning.take().or(of_second);
        }
        state
    }

    fn min_score(&self) -> f32 {
        self.main.min_score()
    }

    fn second(&mut self) -> Option<(&mut dyn Detect, Duration)> {
        let Second { detector, period } = self.second.as_mut()?;
        let detector: &mut dyn Detect = detector;
        Some((detector, *period))
    }
}
