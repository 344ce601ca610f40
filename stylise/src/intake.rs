//! Reads untrusted pictures: detects the file type, decodes within limits, applies the orientation,
//! downscales, and encodes a new JPEG.
//!
//! The result contains only pixels from our own encoder: no metadata, no thumbnail, no data after the
//! picture. Colour profiles are not applied, so wide-gamut pictures become slightly paler.

mod file_type;
pub(crate) mod formats;
pub(crate) mod limits;
pub(crate) mod raster;
#[cfg(test)]
pub(crate) mod tests;

use std::sync::{Mutex, PoisonError};

pub use limits::{IntakeError, IntakeErrorKind, Limits};

use crate::intake::file_type::FileType;
use crate::intake::formats::{Decoded, encode};
use crate::isolate;

/// Decodes one picture at a time, since the largest takes up to 280 MB.
static DECODE_LOCK: Mutex<()> = Mutex::new(());

/// Quality of the stored JPEG.
const QUALITY: i32 = 92;

/// Below the threads of the live feed, above those of the styles.
const NICE: i32 = 5;

/// An upright JPEG without metadata, written by our own encoder.
#[derive(Clone, PartialEq, Eq)]
pub struct CheckedPicture {
    jpeg: Vec<u8>,
    width_px: u32,
    height_px: u32,
}

impl CheckedPicture {
    /// Reads a JPEG, PNG or WebP picture. Waits while another one is decoded.
    pub fn read(bytes: &[u8], limits: &Limits) -> Result<Self, IntakeError> {
        if bytes.len() > limits.max_bytes {
            return Err(IntakeError::TooManyBytes {
                max_mb: limits.max_bytes >> 20,
            });
        }
        let kind = file_type::detect(bytes)?;
        // overflow: awaited
        let _one_at_a_time = DECODE_LOCK.lock().unwrap_or_else(PoisonError::into_inner);
        // Decoders are third-party code that reads untrusted data: a panic must only end their thread.
        isolate::run("carrier-intake", NICE, || Self::decode(bytes, kind, limits))
            .unwrap_or_else(|error| Err(IntakeError::Broken(error.to_string())))
    }

    fn decode(bytes: &[u8], kind: FileType, limits: &Limits) -> Result<Self, IntakeError> {
        let Decoded {
            raster,
            orientation,
        } = match kind {
            FileType::Jpeg => formats::decode_jpeg(bytes, limits)?,
            FileType::Png => formats::decode_png(bytes, limits)?,
            FileType::Webp => formats::decode_webp(bytes, limits)?,
        };
        let upright = raster
            .within(limits.longest_side_px)?
            .upright(orientation)?;
        Ok(Self {
            jpeg: encode(&upright, QUALITY)?,
            width_px: upright.width_px as u32,
            height_px: upright.height_px as u32,
        })
    }

    /// A 4:4:4 baseline JPEG without metadata.
    pub fn jpeg(&self) -> &[u8] {
        &self.jpeg
    }

    pub fn width_px(&self) -> u32 {
        self.width_px
    }

    pub fn height_px(&self) -> u32 {
        self.height_px
    }
}

/// Does not print the picture, because more people read logs than may see it.
impl std::fmt::Debug for CheckedPicture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CheckedPicture({}x{})", self.width_px, self.height_px)
    }
}
