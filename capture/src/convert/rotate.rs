//! Pictures of cameras and phones that were held another way up.

use crate::picture::{I420, PictureError};
use crate::pool::{PicturePool, PooledPicture};

/// A turn in quarters, clockwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// By 90 degrees: left becomes top.
    Quarter,
    /// By 180 degrees: upside down.
    Half,
    /// By 270 degrees: right becomes top.
    ThreeQuarters,
}

/// The source turned clockwise.
pub fn rotate(
    source: &I420,
    turn: Turn,
    pool: &PicturePool,
) -> Result<PooledPicture, PictureError> {
    let (width, height) = (source.width(), source.height());
    let mut target = match turn {
        Turn::Half => pool.take(width, height)?,
        Turn::Quarter | Turn::ThreeQuarters => pool.take(height, width)?,
    };
    let (from, to) = (source.planes(), target.planes_mut());
    let (width, height) = (width as usize, height as usize);
    turn_plane(from.y, to.y, width, height, turn);
    turn_plane(from.u, to.u, width / 2, height / 2, turn);
    turn_plane(from.v, to.v, width / 2, height / 2, turn);
    Ok(target)
}

/// Swaps left and right.
pub(crate) fn mirror(picture: &mut I420) {
    let width = picture.width() as usize;
    let planes = picture.planes_mut();
    planes.y.chunks_exact_mut(width).for_each(<[u8]>::reverse);
    planes
        .u
        .chunks_exact_mut(width / 2)
        .for_each(<[u8]>::reverse);
    planes
        .v
        .chunks_exact_mut(width / 2)
        .for_each(<[u8]>::reverse);
}

fn turn_plane(from: &[u8], to: &mut [u8], width: usize, height: usize, turn: Turn) {
    match turn {
        Turn::Half => to
            .iter_mut()
            .zip(from.iter().rev())
            .for_each(|(to, from)| *to = *from),
        Turn::Quarter => transpose(to, width, height, |x, y| from[(height - 1 - y) * width + x]),
        Turn::ThreeQuarters => {
            transpose(to, width, height, |x, y| from[y * width + width - 1 - x]);
        }
    }
}

/// Fills `to`, `width` rows of `height` pixels, with `pick(x, y)` at row x, column y.
fn transpose(to: &mut [u8], width: usize, height: usize, pick: impl Fn(usize, usize) -> u8) {
    /// Pixels on a side of a tile: its rows of both pictures stay in the first-level cache.
    const TILE_PX: usize = 32;
    for tile_y in (0..height).step_by(TILE_PX) {
        for tile_x in (0..width).step_by(TILE_PX) {
            let columns = tile_y..(tile_y + TILE_PX).min(height);
            for x in tile_x..(tile_x + TILE_PX).min(width) {
                let row = &mut to[x * height..][columns.clone()];
                row.iter_mut()
                    .zip(columns.clone())
                    .for_each(|(to, y)| *to = pick(x, y));
            }
        }
    }
}
