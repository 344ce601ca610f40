//! What is published about the detector.

use crate::onnx::placement::Placement;

/// How a running model came to be in use, and where it runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunningDetails {
    /// Why `auto` took it; `None`: it was asked for by name.
    pub chosen: Option<String>,
    /// Why it runs on the processor, although the runtime is made for more.
    pub fallback: Option<String>,
    /// Where the nodes of its network run, the busiest provider first.
    pub placements: Vec<Placement>,
    /// The model that detects beside it.
    pub second: Option<SecondModel>,
}

/// A model that detects beside another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecondModel {
    pub model: String,
    /// The provider that is used.
    pub provider: &'static str,
}

/// The state of the detector. Published in a [`capture::Slot`] when it changes. It never affects the
/// feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DetectorState {
    /// No detection was requested.
    Off,
    /// No model or no runtime is installed. It is looked for again without any action.
    Missing {
        /// In plain words.
        message: String,
        /// The command that fixes it.
        fix: Option<String>,
    },
    /// A model is being opened.
    Warming,
    /// Frames are being detected.
    Running {
        model: String,
        /// The provider that is used: `cpu`, `openvino`, `cuda`, `tensorrt`.
        provider: &'static str,
        /// The model is less accurate than usual for its size.
        experimental: bool,
        /// What is odd about it: see [`crate::Detector::warning`].
        warning: Option<String>,
        details: RunningDetails,
    },
    /// The model cannot be opened, or failed several times. It is opened again without any action.
    Failed {
        /// In plain words.
        message: String,
        /// The command that fixes it, if there is one.
        fix: Option<String>,
    },
}
