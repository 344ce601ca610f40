//! Conversion of planar formats of any usual chroma subsampling, stride and range.

use super::packed::mean;
use super::{ConvertError, Range, Rows, chroma_to_limited, even_size, luma_to_limited};
use crate::picture::{PicturePool, PooledPicture};

/// Chroma subsampling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chroma {
    Mono,
    /// 4:2:0, two by two pixels.
    Cs420,
    /// 4:2:2, two pixels side by side.
    Cs422,
    /// 4:4:0, two pixels one above the other, as in a 4:2:2 JPEG rotated by 90 degrees.
    Cs440,
    /// 4:4:4, each its own.
    Cs444,
}

impl Chroma {
    /// Width and height of a chroma plane for a picture of this size.
    #[must_use]
    pub fn plane_size(self, width: u32, height: u32) -> (u32, u32) {
        match self {
            Self::Mono => (0, 0),
            Self::Cs420 => (width.div_ceil(2), height.div_ceil(2)),
            Self::Cs422 => (width.div_ceil(2), height),
            Self::Cs440 => (width, height.div_ceil(2)),
            Self::Cs444 => (width, height),
        }
    }

    /// Bytes of a picture of this size, with planes without padding.
    #[must_use]
    pub fn picture_bytes(self, width: u32, height: u32) -> usize {
        let (chroma_width, chroma_height) = self.plane_size(width, height);
        width as usize * height as usize + 2 * chroma_width as usize * chroma_height as usize
    }
}

/// The rows of one component.
#[derive(Debug, Clone, Copy)]
pub struct Plane<'a> {
    /// Bytes after the last row are ignored.
    pub data: &'a [u8],
    /// Bytes from the start of a row to the start of the next.
    pub stride: usize,
}

/// A picture in three planes.
#[derive(Debug, Clone, Copy)]
pub struct Planar<'a> {
    pub width: u32,
    pub height: u32,
    pub chroma: Chroma,
    pub range: Range,
    pub y: Plane<'a>,
    /// Blue difference; empty when [`Chroma::Mono`].
    pub u: Plane<'a>,
    /// Red difference; empty when [`Chroma::Mono`].
    pub v: Plane<'a>,
}

impl<'a> Planar<'a> {
    /// Planes without padding, one after the other in `data`, as in y4m.
    pub fn contiguous(
        data: &'a [u8],
        (width, height): (u32, u32),
        chroma: Chroma,
        range: Range,
    ) -> Result<Self, ConvertError> {
        // Refuses sizes that no picture can have.
        even_size(width, height)?;
        let (needed, got) = (chroma.picture_bytes(width, height), data.len());
        if got < needed {
            let what = "planar picture";
            return Err(ConvertError::TooShort {
                what,
                got,
                needed,
                width,
                height,
            });
        }
        let (chroma_width, chroma_height) = chroma.plane_size(width, height);
        let chroma_len = chroma_width as usize * chroma_height as usize;
        let (y, rest) = data.split_at(width as usize * height as usize);
        let (u, v) = rest.split_at(chroma_len);
        let plane = |data, stride| Plane { data, stride };
        Ok(Self {
            width,
            height,
            chroma,
            range,
            y: plane(y, width as usize),
            u: plane(u, chroma_width as usize),
            v: plane(&v[..chroma_len], chroma_width as usize),
        })
    }

    fn check(&self) -> Result<(), ConvertError> {
        let picture_px = (self.width, self.height);
        let chroma_px = self.chroma.plane_size(self.width, self.height);
        let planes = [
            ("Y plane", picture_px, self.y),
            ("U plane", chroma_px, self.u),
            ("V plane", chroma_px, self.v),
        ];
        let used = if self.chroma == Chroma::Mono { 1 } else { 3 };
        for (what, (width, rows), plane) in planes.into_iter().take(used) {
            let (rows, row_bytes) = (rows as usize, width as usize);
            Rows {
                what,
                picture_px,
                rows,
                row_bytes,
                stride: plane.stride,
            }
            .check(plane.data.len())?;
        }
        Ok(())
    }
}

/// Converts a planar picture. Chroma above 4:2:0 is averaged.
pub fn planar(source: &Planar<'_>, pool: &PicturePool) -> Result<PooledPicture, ConvertError> {
    let (width, height) = even_size(source.width, source.height)?;
    source.check()?;
    let mut picture = pool.take(width, height)?;
    let planes = picture.planes_mut();
    let (width, half) = (width as usize, width as usize / 2);
    match source.range {
        Range::Limited => copy_rows(source.y, planes.y, width, |y| y),
        Range::Full => copy_rows(source.y, planes.y, width, luma_to_limited),
    }
    for (from, to) in [(source.u, planes.u), (source.v, planes.v)] {
        match source.range {
            Range::Limited => convert_chroma(source.chroma, from, to, half, |c| c),
            Range::Full => convert_chroma(source.chroma, from, to, half, chroma_to_limited),
        }
    }
    Ok(picture)
}

fn copy_rows(from: Plane<'_>, to: &mut [u8], width: usize, map: impl Fn(u8) -> u8) {
    for (to, from) in to
        .chunks_exact_mut(width)
        .zip(from.data.chunks(from.stride))
    {
        to.iter_mut()
            .zip(from)
            .for_each(|(to, from)| *to = map(*from));
    }
}

/// Converts one chroma plane to half width and half height. [`Planar::check`] has found that its rows are complete;
/// otherwise splitting two rows would panic.
fn convert_chroma(
    chroma: Chroma,
    from: Plane<'_>,
    to: &mut [u8],
    width: usize,
    map: impl Fn(u8) -> u8,
) {
    match chroma {
        Chroma::Mono => to.fill(128),
        Chroma::Cs420 => copy_rows(from, to, width, map),
        Chroma::Cs422 => {
            let rows = to
                .chunks_exact_mut(width)
                .zip(from.data.chunks(2 * from.stride));
            for (to, pair) in rows {
                let (upper, lower) = pair.split_at(from.stride);
                for ((to, above), below) in to.iter_mut().zip(upper).zip(lower) {
                    *to = map(mean(*above, *below));
                }
            }
        }
        Chroma::Cs440 => {
            for (to, from) in to
                .chunks_exact_mut(width)
                .zip(from.data.chunks(from.stride))
            {
                for (to, pair) in to.iter_mut().zip(from.chunks_exact(2)) {
                    *to = map(mean(pair[0], pair[1]));
                }
            }
        }
        Chroma::Cs444 => {
            let rows = to
                .chunks_exact_mut(width)
                .zip(from.data.chunks(2 * from.stride));
            for (to, pair) in rows {
                let (upper, lower) = pair.split_at(from.stride);
                let quads = upper.chunks_exact(2).zip(lower.chunks_exact(2));
                for (to, (above, below)) in to.iter_mut().zip(quads) {
                    let sum = [above[0], above[1], below[0], below[1]].map(u16::from);
                    *to = map(((sum.iter().sum::<u16>() + 2) >> 2) as u8);
                }
            }
        }
    }
}
