//! Whatever a camera or a decoder hands out, to the one pixel format inside.
//!
//! Every function checks the given bytes against the given size before it touches a picture: a
//! driver, a pipe or a peer may say anything. Odd sizes lose their last column or row.

mod geometry;
mod packed;
mod planar;
#[cfg(test)]
mod tests;

use thiserror::Error;

use crate::picture::{I420, PictureError};

pub(crate) use geometry::{PixelAspect, Squarer, mirror};
pub use geometry::{Turn, rotate};
pub use packed::{Raster, bgr24, nv12, rgb24, yuyv};
pub(crate) use planar::blend_fields;
pub use planar::{Chroma, Planar, Plane, planar};

/// Which numbers stand for black and white.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Range {
    /// Luma 16..=235, chroma 16..=240: video, and what is kept inside.
    Limited,
    /// 0..=255: JPEG.
    Full,
}

/// Why pixels cannot be taken. The caller drops the frame and counts it.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ConvertError {
    /// Less than 2x2 pixels.
    #[error("a picture of {width}x{height} pixels is too small: 2x2 is the least")]
    TooSmall {
        /// Width said, in pixels.
        width: u32,
        /// Height said, in pixels.
        height: u32,
    },
    /// Rows that would overlap.
    #[error("{what}: rows are {stride} bytes apart, but a row of this width has {row} bytes")]
    Stride {
        /// Which data.
        what: &'static str,
        /// Bytes from row to row as said.
        stride: usize,
        /// Bytes in a row.
        row: usize,
    },
    /// The data ends before the picture does.
    #[error(
        "{what}: {got} bytes, but {width}x{height} pixels need {needed}; the frame is cut short"
    )]
    TooShort {
        /// Which data.
        what: &'static str,
        /// Bytes there are.
        got: usize,
        /// Bytes the size asks for.
        needed: usize,
        /// Width said, in pixels.
        width: u32,
        /// Height said, in pixels.
        height: u32,
    },
    /// No picture of this size.
    #[error(transparent)]
    Picture(#[from] PictureError),
    /// The conversion library refused. Not expected once sizes are checked.
    #[error("pixels could not be converted: {0}")]
    Library(String),
}

/// The even size kept of `width` x `height`; refuses what no picture can be.
fn even_size(width: u32, height: u32) -> Result<(u32, u32), ConvertError> {
    if width < 2 || height < 2 {
        return Err(ConvertError::TooSmall { width, height });
    }
    if width > I420::MAX_SIDE_PX || height > I420::MAX_SIDE_PX {
        return Err(PictureError::TooLarge { width, height }.into());
    }
    Ok((width & !1, height & !1))
}

/// Rows of one plane as said by its source, for checking.
struct Rows {
    what: &'static str,
    /// Width and height of the whole picture, for the message.
    picture_px: (u32, u32),
    rows: usize,
    row_bytes: usize,
    stride: usize,
}

impl Rows {
    /// Whether `got` bytes hold these rows. The last row may lack its padding.
    fn check(&self, got: usize) -> Result<(), ConvertError> {
        let (what, (width, height)) = (self.what, self.picture_px);
        if self.stride < self.row_bytes {
            return Err(ConvertError::Stride {
                what,
                stride: self.stride,
                row: self.row_bytes,
            });
        }
        let before_last = self.stride.saturating_mul(self.rows.saturating_sub(1));
        let needed = before_last.saturating_add(self.row_bytes);
        if got < needed {
            return Err(ConvertError::TooShort {
                what,
                got,
                needed,
                width,
                height,
            });
        }
        Ok(())
    }
}

/// Luma 0..=255 to 16..=235, rounded to nearest.
#[inline]
pub(crate) const fn luma_to_limited(full: u8) -> u8 {
    ((full as u16 * 219 + 127) / 255 + 16) as u8
}

/// Chroma 0..=255 to 16..=240 around 128, rounded to nearest. 4095 = 128 * (255 - 224) + 127.
#[inline]
pub(crate) const fn chroma_to_limited(full: u8) -> u8 {
    ((full as u16 * 224 + 4095) / 255) as u8
}

/// Luma 16..=235 to 0..=255, rounded to nearest; what lies outside is clamped.
#[inline]
pub(crate) fn luma_to_full(limited: u8) -> u8 {
    let above_black = u16::from(limited.saturating_sub(16).min(219));
    ((above_black * 255 + 109) / 219) as u8
}

/// Chroma 16..=240 to 0..=255 around 128, rounded to nearest; what lies outside is clamped.
#[inline]
pub(crate) fn chroma_to_full(limited: u8) -> u8 {
    let above_least = u16::from(limited.saturating_sub(16).min(224));
    ((above_least * 255 + 224) / 224).min(255) as u8
}

/// A picture whose planes hold full range becomes limited range.
pub(crate) fn squeeze(picture: &mut I420) {
    let planes = picture.planes_mut();
    planes
        .y
        .iter_mut()
        .for_each(|value| *value = luma_to_limited(*value));
    planes
        .u
        .iter_mut()
        .for_each(|value| *value = chroma_to_limited(*value));
    planes
        .v
        .iter_mut()
        .for_each(|value| *value = chroma_to_limited(*value));
}

/// Writes the planes of `picture`, widened to full range, one after the other into `full`.
pub(crate) fn widen(picture: &I420, full: &mut Vec<u8>) {
    let planes = picture.planes();
    full.clear();
    full.extend(planes.y.iter().map(|value| luma_to_full(*value)));
    full.extend(
        planes
            .u
            .iter()
            .chain(planes.v)
            .map(|value| chroma_to_full(*value)),
    );
}
