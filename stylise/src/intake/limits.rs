//! Limits of uploaded pictures, and why a picture is rejected.

use thiserror::Error;

/// Why a picture is rejected. The message is for whoever sent it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum IntakeError {
    #[error("the picture is empty: nothing was uploaded")]
    Empty,
    /// The file is too large.
    #[error("the picture is larger than {max_mb} MB: send a smaller one")]
    TooManyBytes { max_mb: usize },
    /// The picture has too many pixels; nothing was allocated for it.
    #[error(
        "the picture has {width}x{height} pixels: at most {max_megapixels} megapixels are accepted"
    )]
    TooManyPixels {
        width: u64,
        height: u64,
        max_megapixels: u64,
    },
    /// The file type is not supported.
    #[error("{kind} are not supported: {advice}")]
    Unsupported {
        kind: &'static str,
        advice: &'static str,
    },
    /// The file type is unknown.
    #[error("this is no picture that can be read: send a JPEG, PNG or WebP picture")]
    Unknown,
    /// A side is too short, or the aspect ratio too extreme.
    #[error(
        "the picture has {width}x{height} pixels: each side needs {min} at least, and the longer one at most {aspect} times the shorter",
        min = MIN_SIDE_PX,
        aspect = MAX_ASPECT
    )]
    Shape { width: u64, height: u64 },
    /// The file is truncated.
    #[error("the {0} picture is cut short: upload it again")]
    Truncated(&'static str),
    #[error("the {kind} picture is damaged: {detail}")]
    Damaged { kind: &'static str, detail: String },
    /// A failure on our side: a decoder panicked, or an encoder failed.
    #[error("the picture could not be read: {0}")]
    Broken(String),
}

/// The kind of error, one per HTTP status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IntakeErrorKind {
    /// Too many bytes or pixels: 413.
    TooLarge,
    /// Unsupported file type: 415.
    Unsupported,
    /// Supported file type, but unreadable: 422.
    Unreadable,
}

impl IntakeError {
    pub fn kind(&self) -> IntakeErrorKind {
        match self {
            Self::TooManyBytes { .. } | Self::TooManyPixels { .. } => IntakeErrorKind::TooLarge,
            Self::Unsupported { .. } | Self::Unknown => IntakeErrorKind::Unsupported,
            // `Broken` too: the same picture would fail again.
            Self::Empty
            | Self::Shape { .. }
            | Self::Truncated(_)
            | Self::Damaged { .. }
            | Self::Broken(_) => IntakeErrorKind::Unreadable,
        }
    }
}

/// Smaller sides show nothing, and more extreme aspect ratios become a line when downscaled.
const MIN_SIDE_PX: u32 = 16;
const MAX_ASPECT: u32 = 16;

/// What is accepted, and the size of the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Maximum size of the file.
    pub max_bytes: usize,
    /// Maximum number of pixels, by the file's header.
    pub max_pixels: u64,
    /// Maximum length of the longer side of the result.
    pub longest_side_px: u32,
}

impl Limits {
    /// For uploads of visitors.
    pub const UPLOAD: Self = Self {
        max_bytes: 12 << 20,
        max_pixels: 40_000_000,
        longest_side_px: 1536,
    };

    /// For the small picture that the previews of all styles are made of.
    pub const PREVIEW: Self = Self {
        max_bytes: 1 << 20,
        max_pixels: 2_000_000,
        longest_side_px: 640,
    };

    /// For results of stylists: PNG from ComfyUI is large.
    pub const RESULT: Self = Self {
        max_bytes: 64 << 20,
        max_pixels: 40_000_000,
        longest_side_px: 4096,
    };
}

/// Checks the size in a header before anything of that size is allocated.
pub(super) fn check_size(width: u64, height: u64, limits: &Limits) -> Result<(), IntakeError> {
    if width.saturating_mul(height) > limits.max_pixels {
        return Err(IntakeError::TooManyPixels {
            width,
            height,
            max_megapixels: limits.max_pixels / 1_000_000,
        });
    }
    let (short, long) = (width.min(height), width.max(height));
    if short < u64::from(MIN_SIDE_PX) || long > short * u64::from(MAX_ASPECT) {
        return Err(IntakeError::Shape { width, height });
    }
    Ok(())
}
