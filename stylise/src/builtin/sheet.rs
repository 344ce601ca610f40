//! A JPEG of ours to pixels of the size that styles work at, and back.

use turbojpeg::PixelFormat;

use super::filters::resized;
use super::plane::{Colour, Plane};
use super::stages::Interrupted;
use crate::intake::{self, Raster};

/// Pixels that styles work on: 1280x720, in the picture's own shape. Smaller pictures are enlarged, so
/// that strokes and dots are as fine on all.
pub(super) const WORK_PX: f64 = 1280.0 * 720.0;

/// The caller encodes the result anew: this one must not show.
const QUALITY: i32 = 97;

pub(super) fn read(jpeg: &[u8]) -> Result<Colour, Interrupted> {
    let image = turbojpeg::decompress(jpeg, PixelFormat::RGB)
        .map_err(|error| Interrupted::Failed(error.to_string()))?;
    let (pixels, _) = image.pixels.as_chunks::<3>();
    let picture = Plane {
        width: image.width,
        height: image.height,
        pixels: pixels
            .iter()
            .map(|pixel| pixel.map(|level| f32::from(level) / 255.0))
            .collect(),
    };
    let scale = (WORK_PX / (image.width * image.height) as f64).sqrt();
    let side = |side: usize| ((side as f64 * scale).round() as usize).max(8);
    let (width, height) = (side(image.width), side(image.height));
    if (width, height) == (picture.width, picture.height) {
        return Ok(picture);
    }
    let mut picture = resized(&picture, width, height)?;
    // Lanczos overshoots.
    for level in picture.pixels.as_flattened_mut() {
        *level = level.clamp(0.0, 1.0);
    }
    Ok(picture)
}

pub(super) fn write(picture: &Colour) -> Result<Vec<u8>, Interrupted> {
    let (width, height) = (picture.width, picture.height);
    let levels = picture.pixels.as_flattened().iter();
    // A conversion to u8 cuts off what is below 0 or above 255.
    let bytes: Vec<u8> = levels.map(|level| (level * 255.0 + 0.5) as u8).collect();
    let raster = Raster {
        width_px: width,
        height_px: height,
        rgb: bytes,
    };
    intake::encode(&raster, QUALITY).map_err(|error| Interrupted::Failed(error.to_string()))
}
