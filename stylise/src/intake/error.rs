//! Why a picture is not taken, in words for whoever sent it.

use thiserror::Error;

/// Why a picture is not taken.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum IntakeError {
    /// Nothing was sent.
    #[error("the picture is empty: nothing was uploaded")]
    Empty,
    /// Too large a file.
    #[error("the picture is larger than {max_mb} MB: send a smaller one")]
    TooManyBytes {
        /// The most that is accepted.
        max_mb: usize,
    },
    /// Too large a picture; nothing was allocated for it.
    #[error(
        "the picture has {width}x{height} pixels: at most {max_megapixels} megapixels are accepted"
    )]
    TooManyPixels {
        /// As its header claims.
        width: u64,
        /// As its header claims.
        height: u64,
        /// The most that is accepted.
        max_megapixels: u64,
    },
    /// Another kind of file, or a kind of picture that is not read.
    #[error("{kind} are not supported: {advice}")]
    Unsupported {
        /// Which kind, in the plural.
        kind: &'static str,
        /// What to do instead.
        advice: &'static str,
    },
    /// Bytes that say nothing.
    #[error("this is no picture that can be read: send a JPEG, PNG or WebP picture")]
    Unknown,
    /// No picture has this size.
    #[error(
        "the picture has {width}x{height} pixels: each side needs {min} at least, and the longer one at most {aspect} times the shorter",
        min = super::MIN_SIDE_PX,
        aspect = super::MAX_ASPECT
    )]
    Shape {
        /// As its header claims.
        width: u64,
        /// As its header claims.
        height: u64,
    },
    /// The file ends before the picture does.
    #[error("the {0} picture is cut short: upload it again")]
    Truncated(&'static str),
    /// It begins as a picture and is none.
    #[error("the {kind} picture is damaged: {detail}")]
    Damaged {
        /// Which kind.
        kind: &'static str,
        /// The decoder's words.
        detail: String,
    },
    /// Our own failure: a decoder that panicked, an encoder that refused.
    #[error("the picture could not be read: {0}")]
    Broken(String),
}

/// Whose fault it is; each has its HTTP status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Too many bytes or pixels: 413.
    TooLarge,
    /// A kind that is not read: 415.
    Unsupported,
    /// A kind that is read, but not this one: 422.
    Unreadable,
}

impl IntakeError {
    /// Which of the three it is.
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self {
            Self::TooManyBytes { .. } | Self::TooManyPixels { .. } => Fault::TooLarge,
            Self::Unsupported { .. } | Self::Unknown => Fault::Unsupported,
            // Broken too: it is this picture that does it, and sending it again would not help.
            Self::Empty
            | Self::Shape { .. }
            | Self::Truncated(_)
            | Self::Damaged { .. }
            | Self::Broken(_) => Fault::Unreadable,
        }
    }
}
