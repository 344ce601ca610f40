//! What is published about the detector.

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
        /// The provider that is used: `cpu`, `openvino`, `cuda`.
        provider: &'static str,
        /// The model is less accurate than usual for its size.
        experimental: bool,
        /// What is odd about it: see [`crate::Detector::warning`].
        warning: Option<String>,
    },
    /// The model cannot be opened, or failed several times. It is opened again without any action.
    Failed {
        /// In plain words.
        message: String,
        /// The command that fixes it, if there is one.
        fix: Option<String>,
    },
}
