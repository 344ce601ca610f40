//! Pictures of strangers: looked at, decoded within bounds, set upright, made smaller, and encoded anew.
//!
//! What comes out are pixels that our own encoder wrote: no metadata, no thumbnail, nothing behind the
//! picture. Colour profiles are not applied: wide-gamut pictures come out a little paler.

mod decoded;
mod error;
mod jpeg;
mod kind;
mod png;
mod raster;
#[cfg(test)]
pub(crate) mod samples;
#[cfg(test)]
mod tests;
mod webp;

use std::sync::{Mutex, PoisonError};

use crate::apart;
use decoded::Decoded;
use kind::Kind;

pub use error::{Fault, IntakeError};
pub(crate) use jpeg::encode;
pub(crate) use raster::Raster;

/// One picture at a time in the whole process: the largest takes up to 280 MB while it
/// is decoded, and visitors come in crowds.
static TURN: Mutex<()> = Mutex::new(());

/// Of the JPEG that is kept.
const QUALITY: i32 = 92;

/// Below the threads of the live feed, above those that only wait for nobody.
const NICE: i32 = 5;

/// A picture with fewer pixels on a side shows nothing, and one that is longer than this many times its
/// width would be nothing but a line once it is made smaller.
const MIN_SIDE_PX: u32 = 16;
const MAX_ASPECT: u32 = 16;

/// What is accepted, and how large it becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the file.
    pub max_bytes: usize,
    /// Pixels that the file's header claims.
    pub max_pixels: u64,
    /// The longer side of what comes out, at most.
    pub longest_side_px: u32,
}

impl Limits {
    /// For what visitors send.
    pub const UPLOAD: Self = Self {
        max_bytes: 12 << 20,
        max_pixels: 40_000_000,
        longest_side_px: 1536,
    };

    /// For what a stylist made: PNG from ComfyUI is large.
    pub const RESULT: Self = Self {
        max_bytes: 64 << 20,
        max_pixels: 40_000_000,
        longest_side_px: 4096,
    };
}

impl Default for Limits {
    fn default() -> Self {
        Self::UPLOAD
    }
}

/// A checked picture: an upright JPEG of our own encoder.
#[derive(Clone, PartialEq, Eq)]
pub struct Intake {
    jpeg: Vec<u8>,
    width_px: u32,
    height_px: u32,
}

impl Intake {
    /// Reads a JPEG, PNG or WebP picture. Waits while another one is read.
    ///
    /// # Errors
    /// See [`IntakeError`]; its words are for whoever sent the picture.
    pub fn read(bytes: &[u8], limits: &Limits) -> Result<Self, IntakeError> {
        if bytes.len() > limits.max_bytes {
            return Err(IntakeError::TooManyBytes {
                max_mb: limits.max_bytes >> 20,
            });
        }
        let kind = kind::of(bytes)?;
        // overflow: awaited
        let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        // Decoders are other people's code, fed by strangers: a panic in one ends its thread, no more.
        apart::run("carrier-intake", NICE, || Self::decode(bytes, kind, limits))
            .unwrap_or_else(|died| Err(IntakeError::Broken(died.to_string())))
    }

    fn decode(bytes: &[u8], kind: Kind, limits: &Limits) -> Result<Self, IntakeError> {
        let Decoded {
            raster,
            orientation,
        } = match kind {
            Kind::Jpeg => jpeg::decode(bytes, limits)?,
            Kind::Png => png::decode(bytes, limits)?,
            Kind::Webp => webp::decode(bytes, limits)?,
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

    /// The picture: 4:4:4 baseline JPEG without metadata.
    #[must_use]
    pub fn jpeg(&self) -> &[u8] {
        &self.jpeg
    }

    /// Its width.
    #[must_use]
    pub fn width_px(&self) -> u32 {
        self.width_px
    }

    /// Its height.
    #[must_use]
    pub fn height_px(&self) -> u32 {
        self.height_px
    }
}

/// Not the picture itself: logs are read by more people than may see it.
impl std::fmt::Debug for Intake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Intake({}x{})", self.width_px, self.height_px)
    }
}

/// Looks at a header's size before anything of that size is allocated.
fn check_size(width: u64, height: u64, limits: &Limits) -> Result<(), IntakeError> {
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
