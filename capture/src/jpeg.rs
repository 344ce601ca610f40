//! JPEG from cameras and to viewers, through libjpeg-turbo's planar interface: no RGB on the way.
//!
//! JPEG is full range, inside is limited range; both directions convert the levels.

mod decode;
mod encode;
#[cfg(test)]
mod odd_tests;
pub mod orientation;
mod reader;
mod repair;
#[cfg(test)]
mod tests;

use thiserror::Error;

use crate::convert::ConvertError;

pub use decode::JpegDecoder;
pub use encode::JpegEncoder;
pub use reader::{JpegReadError, JpegReader, OpenedJpeg};
pub(crate) use repair::{Marker, next_marker};

/// Why a JPEG could not be read or written. The caller drops the frame and counts it.
#[derive(Debug, Error)]
pub enum JpegError {
    /// Its bytes cannot be read.
    #[error(transparent)]
    Read(#[from] JpegReadError),
    /// The header promises more than is accepted; nothing was allocated.
    #[error("the JPEG claims {width}x{height} pixels; at most {max} pixels in all are accepted",
        max = JpegDecoder::MAX_PIXELS)]
    TooLarge {
        /// Width claimed, in pixels.
        width: usize,
        /// Height claimed, in pixels.
        height: usize,
    },
    /// A kind of JPEG that no camera sends (CMYK).
    #[error("JPEGs with {0} colours are not supported")]
    Unsupported(String),
    /// A size that no picture has.
    #[error(transparent)]
    Convert(#[from] ConvertError),
    /// The encoder refused.
    #[error("the picture could not be written as JPEG: {0}")]
    Encode(String),
    /// The library could not start, out of memory most likely.
    #[error("libjpeg-turbo could not be started: {0}")]
    Library(String),
}
