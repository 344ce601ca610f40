//! What a decoder gives.

use image::metadata::Orientation;

use super::raster::Raster;

/// A picture, made smaller perhaps, and how it is to be turned.
pub(super) struct Decoded {
    pub(super) raster: Raster,
    pub(super) orientation: Orientation,
}
