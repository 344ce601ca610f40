//! Conversion of packed formats: YUYV, NV12, BGR and RGB.

use yuv::{
    BufferStoreMut, YuvConversionMode, YuvError, YuvPackedImage, YuvPlanarImageMut, YuvRange,
    YuvStandardMatrix,
};

use super::{ConvertError, Range, Rows, chroma_to_limited, even_size, luma_to_limited, squeeze};
use crate::picture::{I420, PicturePool, PooledPicture};

/// Rows of pixels from a driver or decoder.
#[derive(Debug, Clone, Copy)]
pub struct Raster<'a> {
    /// Bytes after the last row are ignored.
    pub data: &'a [u8],
    pub width: u32,
    pub height: u32,
    /// Bytes from the start of a row to the start of the next.
    pub stride: usize,
}

/// Converts YUYV (YUY2), 4:2:2: four bytes are two pixels. The chroma of two rows is averaged.
pub fn yuyv(
    source: &Raster<'_>,
    range: Range,
    pool: &PicturePool,
) -> Result<PooledPicture, ConvertError> {
    let (width, height) = even_size(source.width, source.height)?;
    let row_bytes = source.width.div_ceil(2) as usize * 4;
    source
        .rows("YUYV", source.height as usize, row_bytes)
        .check(source.data.len())?;
    let mut picture = pool.take(width, height)?;
    split_yuyv(source, &mut picture)?;
    if range == Range::Full {
        squeeze(&mut picture);
    }
    Ok(picture)
}

/// Averages the chroma of two rows. The library's own conversion to 4:2:0 takes that of one row.
fn split_yuyv(source: &Raster<'_>, picture: &mut I420) -> Result<(), ConvertError> {
    /// Rows per step, whose chroma fits into the first-level cache.
    const STRIPE: usize = 8;
    let (width, half) = (picture.width() as usize, picture.width() as usize / 2);
    let (mut u_rows, mut v_rows) = (vec![0; half * STRIPE], vec![0; half * STRIPE]);
    let planes = picture.planes_mut();
    let halves = half * STRIPE / 2;
    let chroma = planes.u.chunks_mut(halves).zip(planes.v.chunks_mut(halves));
    for (stripe, (y, (u, v))) in planes.y.chunks_mut(width * STRIPE).zip(chroma).enumerate() {
        let rows = y.len() / width;
        for row in 0..rows {
            let from = &source.data[(stripe * STRIPE + row) * source.stride..][..2 * width];
            let planes = [
                &mut y[row * width..][..width],
                &mut u_rows[row * half..][..half],
                &mut v_rows[row * half..][..half],
            ];
            let mut target = target(planes, (width as u32, 1));
            let (width, yuy_stride) = (width as u32, 2 * width as u32);
            let packed = YuvPackedImage {
                yuy: from,
                yuy_stride,
                width,
                height: 1,
            };
            yuv::yuyv422_to_yuv422(&mut target, &packed)
                .map_err(|error| ConvertError::Library(error.to_string()))?;
        }
        for (to, from) in [(u, &u_rows), (v, &v_rows)] {
            for (to, pair) in to.chunks_exact_mut(half).zip(from.chunks_exact(2 * half)) {
                let (upper, lower) = pair.split_at(half);
                let both = to.iter_mut().zip(upper.iter().zip(lower));
                both.for_each(|(to, (above, below))| *to = mean(*above, *below));
            }
        }
    }
    Ok(())
}

/// Converts NV12, 4:2:0: a luma plane, then a plane of interleaved U and V, with the same stride.
pub fn nv12(
    source: &Raster<'_>,
    range: Range,
    pool: &PicturePool,
) -> Result<PooledPicture, ConvertError> {
    let (width, height) = even_size(source.width, source.height)?;
    let chroma_at = source.stride.saturating_mul(source.height as usize);
    let chroma_rows = source.height.div_ceil(2) as usize;
    let row_bytes = source.width.next_multiple_of(2) as usize;
    let rows = source.height as usize + chroma_rows;
    source
        .rows("NV12", rows, row_bytes)
        .check(source.data.len())?;
    let mut picture = pool.take(width, height)?;
    let (luma, chroma) = source.data.split_at(chroma_at);
    let (planes, stride) = ((luma, chroma), source.stride);
    match range {
        Range::Limited => split_nv12(planes, stride, &mut picture, (|y| y, |c| c)),
        Range::Full => {
            let maps = (luma_to_limited, chroma_to_limited);
            split_nv12(planes, stride, &mut picture, maps);
        }
    }
    Ok(picture)
}

fn split_nv12(
    (luma, chroma): (&[u8], &[u8]),
    stride: usize,
    picture: &mut I420,
    (map_luma, map_chroma): (impl Fn(u8) -> u8, impl Fn(u8) -> u8),
) {
    let width = picture.width() as usize;
    let planes = picture.planes_mut();
    for (to, from) in planes.y.chunks_exact_mut(width).zip(luma.chunks(stride)) {
        to.iter_mut()
            .zip(from)
            .for_each(|(to, from)| *to = map_luma(*from));
    }
    let rows = planes
        .u
        .chunks_exact_mut(width / 2)
        .zip(planes.v.chunks_exact_mut(width / 2));
    for ((u_row, v_row), from) in rows.zip(chroma.chunks(stride)) {
        for ((u, v), pair) in u_row.iter_mut().zip(v_row).zip(from.chunks_exact(2)) {
            *u = map_chroma(pair[0]);
            *v = map_chroma(pair[1]);
        }
    }
}

/// Converts three bytes per pixel, blue first, as OpenCV returns them.
pub fn bgr24(source: &Raster<'_>, pool: &PicturePool) -> Result<PooledPicture, ConvertError> {
    three_bytes(source, "BGR", pool, yuv::bgr_to_yuv420)
}

/// Converts three bytes per pixel, red first, as decoders of still pictures return them.
pub fn rgb24(source: &Raster<'_>, pool: &PicturePool) -> Result<PooledPicture, ConvertError> {
    three_bytes(source, "RGB", pool, yuv::rgb_to_yuv420)
}

/// A conversion function of the `yuv` crate.
type Convert = fn(
    &mut YuvPlanarImageMut<'_, u8>,
    &[u8],
    u32,
    YuvRange,
    YuvStandardMatrix,
    YuvConversionMode,
) -> Result<(), YuvError>;

fn three_bytes(
    source: &Raster<'_>,
    what: &'static str,
    pool: &PicturePool,
    convert: Convert,
) -> Result<PooledPicture, ConvertError> {
    let (width, height) = even_size(source.width, source.height)?;
    let row_bytes = source.width as usize * 3;
    source
        .rows(what, source.height as usize, row_bytes)
        .check(source.data.len())?;
    let stride = u32::try_from(source.stride).map_err(|_| ConvertError::Stride {
        what,
        stride: source.stride,
        row: row_bytes,
    })?;
    let mut picture = pool.take(width, height)?;
    let (planes, half) = (picture.planes_mut(), width as usize / 2);
    // The library silently skips rows whose padding is missing: the last two, when the data ends with
    // the last pixel. They are converted from a copy without padding.
    let padded = (source.data.len() / source.stride).min(height as usize) & !1;
    let (y, y_last) = planes.y.split_at_mut(padded * width as usize);
    let (u, u_last) = planes.u.split_at_mut(padded / 2 * half);
    let (v, v_last) = planes.v.split_at_mut(padded / 2 * half);
    if padded > 0 {
        let size = (width, padded as u32);
        call(convert, source.data, stride, [y, u, v], size)?;
    }
    if padded < height as usize {
        let rows = [padded, padded + 1].map(|row| &source.data[row * source.stride..][..row_bytes]);
        let planes = [y_last, u_last, v_last];
        let stride = row_bytes as u32;
        call(convert, &rows.concat(), stride, planes, (width, 2))?;
    }
    Ok(picture)
}

fn call(
    convert: Convert,
    data: &[u8],
    stride: u32,
    planes: [&mut [u8]; 3],
    size: (u32, u32),
) -> Result<(), ConvertError> {
    let (range, matrix) = (YuvRange::Limited, YuvStandardMatrix::Bt601);
    let mode = YuvConversionMode::Balanced;
    convert(&mut target(planes, size), data, stride, range, matrix, mode)
        .map_err(|error| ConvertError::Library(error.to_string()))
}

/// Planes of half the width for chroma, without padding, as the library writes them.
fn target([y, u, v]: [&mut [u8]; 3], (width, height): (u32, u32)) -> YuvPlanarImageMut<'_, u8> {
    YuvPlanarImageMut {
        y_plane: BufferStoreMut::Borrowed(y),
        y_stride: width,
        u_plane: BufferStoreMut::Borrowed(u),
        u_stride: width / 2,
        v_plane: BufferStoreMut::Borrowed(v),
        v_stride: width / 2,
        width,
        height,
    }
}

impl Raster<'_> {
    fn rows(&self, what: &'static str, rows: usize, row_bytes: usize) -> Rows {
        let picture_px = (self.width, self.height);
        Rows {
            what,
            picture_px,
            rows,
            row_bytes,
            stride: self.stride,
        }
    }
}

/// The mean of two bytes, a half rounded up.
#[inline]
pub(super) fn mean(a: u8, b: u8) -> u8 {
    ((u16::from(a) + u16::from(b) + 1) >> 1) as u8
}
