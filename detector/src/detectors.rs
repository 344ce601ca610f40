//! The models that detect at the same time.

use std::time::Duration;

use crate::detector::Detector;

/// How many detections a second the second model makes at most, unless another rate is configured.
pub const SECOND_FPS: f32 = 5.0;

/// One open model, or two.
#[derive(Debug)]
pub struct Detectors {
    pub main: Detector,
    pub second: Option<Second>,
}

/// A model that detects beside another one.
#[derive(Debug)]
pub struct Second {
    pub detector: Detector,
    /// The least interval between two of its detections.
    pub period: Duration,
}

impl From<Detector> for Detectors {
    fn from(main: Detector) -> Self {
        Self { main, second: None }
    }
}
