//! How a detector is opened.

use std::path::PathBuf;
use std::time::Duration;

use crate::detectors::SECOND_FPS;
use crate::models::places::Places;
use crate::models::store::ModelChoice;
use crate::onnx::provider::Provider;
use crate::onnx::runtime::{self, Runtime, RuntimeError};
use crate::onnx::session_config::SessionConfig;

/// How a detector is opened.
#[derive(Debug, Clone, Default)]
pub struct DetectorConfig {
    pub model: ModelChoice,
    pub session: SessionConfig,
    pub places: Places,
    /// The model that finds faces for privacy when `model` finds none; `auto` is the embedded one.
    pub faces: ModelChoice,
    /// How many detections a second `auto` has to be good for. `None`: it takes the most accurate model.
    pub wanted_fps: Option<f32>,
    /// How often the second of two models detects at most. `None`: [`SECOND_FPS`]; 0: each time the first does.
    pub second_fps: Option<f32>,
}

impl DetectorConfig {
    /// The places where the runtime of the device that was asked for is found, unless a flavour is named already.
    fn runtime_places(&self) -> Places {
        let asked = self.session.device.provider();
        let flavour = asked.filter(|provider| *provider != Provider::Cpu);
        let flavour = flavour.map(|provider| provider.flavour().name().to_owned());
        Places {
            runtime_flavour: self.places.runtime_flavour.clone().or(flavour),
            ..self.places.clone()
        }
    }

    /// The least interval between two detections of the second model.
    pub(crate) fn second_period(&self) -> Duration {
        let fps = self.second_fps.unwrap_or(SECOND_FPS);
        let period = Duration::try_from_secs_f32(1.0 / fps);
        period.unwrap_or(Duration::ZERO)
    }

    pub(crate) fn runtime(&self) -> Result<Runtime, RuntimeError> {
        Runtime::load(&self.runtime_places())
    }

    /// The library that [`Self::runtime`] would load, and the provider that it is made for.
    pub(crate) fn runtime_installed(&self) -> Result<(PathBuf, Provider), RuntimeError> {
        runtime::installed(&self.runtime_places())
    }
}
