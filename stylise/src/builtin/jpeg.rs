//! Pictures of styles from and to JPEG.

use turbojpeg::PixelFormat;

use crate::builtin::plane::{Colour, Plane};
use crate::builtin::stages::StyleError;
use crate::intake::formats;
use crate::intake::raster::Raster;

pub(super) fn read_jpeg(jpeg: &[u8]) -> Result<Colour, StyleError> {
    let image = turbojpeg::decompress(jpeg, PixelFormat::RGB)
        .map_err(|error| StyleError::Failed(error.to_string()))?;
    Ok(Plane::of_raster(&Raster {
        width_px: image.width,
        height_px: image.height,
        rgb: image.pixels,
    }))
}

pub(super) fn write_jpeg(picture: &Colour, quality: i32) -> Result<Vec<u8>, StyleError> {
    let written = formats::encode(&picture.raster(), quality);
    written.map_err(|error| StyleError::Failed(error.to_string()))
}
