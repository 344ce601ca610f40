//! How the detector is doing, in words for the page and the log.

/// Published in a [`capture::Slot`] whenever it changes. Whatever it says, the feed runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DetectorState {
    /// Nobody asked for detection.
    Off,
    /// No model or no runtime is installed. Looked for again by itself.
    Missing {
        /// What is missing, in plain words.
        message: String,
        /// The command that mends it.
        fix: Option<String>,
    },
    /// A model is being opened.
    Warming,
    /// Frames are being detected.
    Running {
        /// The model's name.
        model: String,
        /// What really computes: `cpu`, `openvino`, `cuda`.
        provider: &'static str,
        /// The model is not yet as good as its kind should be.
        experimental: bool,
    },
    /// The model cannot be opened, or failed again and again. Tried again by itself.
    Failed {
        /// What went wrong, in plain words.
        message: String,
        /// The command that mends it, where there is one.
        fix: Option<String>,
    },
}
