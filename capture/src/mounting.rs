//! How the camera is mounted: the rotation and the mirroring that make its pictures upright. Pure, but for the
//! control that the owner's thread writes and the source's thread reads.

use std::sync::atomic::{AtomicU8, Ordering};

use crate::convert::{Turn, mirror, rotate};
use crate::picture::{PictureError, PicturePool, PooledPicture};

/// What is done to each picture of the source, in this order. Detections of frames with different mountings do not
/// belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Mounting {
    /// Clockwise.
    pub turn: Option<Turn>,
    /// Left and right are swapped.
    pub is_mirrored: bool,
}

impl Mounting {
    /// `None`: pictures are rotated by quarters only.
    #[must_use]
    pub fn new(rotation_degrees: u32, is_mirrored: bool) -> Option<Self> {
        let turn = match rotation_degrees {
            0 => None,
            90 => Some(Turn::Quarter),
            180 => Some(Turn::Half),
            270 => Some(Turn::ThreeQuarters),
            _ => return None,
        };
        Some(Self { turn, is_mirrored })
    }

    /// Whether the camera's own pictures are upright.
    pub(crate) fn is_upright(self) -> bool {
        self == Self::default()
    }

    /// The picture as it is to be seen.
    pub(crate) fn turned(
        self,
        mut picture: PooledPicture,
        pool: &PicturePool,
    ) -> Result<PooledPicture, PictureError> {
        if let Some(turn) = self.turn {
            picture = rotate(&picture, turn, pool)?;
        }
        if self.is_mirrored {
            mirror(&mut picture);
        }
        Ok(picture)
    }

    /// Where a box (left, top, right, bottom) of a picture of this size is afterwards.
    pub(crate) fn box_px(
        self,
        [left, top, right, bottom]: [f32; 4],
        (width, height): (f32, f32),
    ) -> [f32; 4] {
        let (placed, width) = match self.turn {
            None => ([left, top, right, bottom], width),
            Some(Turn::Quarter) => ([height - bottom, left, height - top, right], height),
            Some(Turn::Half) => (
                [width - right, height - bottom, width - left, height - top],
                width,
            ),
            Some(Turn::ThreeQuarters) => ([top, width - right, bottom, width - left], height),
        };
        let [left, top, right, bottom] = placed;
        match self.is_mirrored {
            true => [width - right, top, width - left, bottom],
            false => placed,
        }
    }
}

/// The mounting in use; it may change while the source is open.
#[derive(Debug, Default)]
pub(crate) struct MountingControl(AtomicU8);

/// Above the two bits of the rotation.
const MIRRORED: u8 = 4;

impl MountingControl {
    pub(crate) fn set(&self, mounting: Mounting) {
        let turn = match mounting.turn {
            None => 0,
            Some(Turn::Quarter) => 1,
            Some(Turn::Half) => 2,
            Some(Turn::ThreeQuarters) => 3,
        };
        let mirrored = if mounting.is_mirrored { MIRRORED } else { 0 };
        self.0.store(turn | mirrored, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> Mounting {
        let bits = self.0.load(Ordering::Relaxed);
        let turn = match bits & 3 {
            0 => None,
            1 => Some(Turn::Quarter),
            2 => Some(Turn::Half),
            _ => Some(Turn::ThreeQuarters),
        };
        Mounting {
            turn,
            is_mirrored: bits & MIRRORED != 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::I420;

    const SIZE: (u32, u32) = (32, 20);

    fn all() -> impl Iterator<Item = Mounting> {
        let rotations = [0, 90, 180, 270].into_iter();
        rotations
            .flat_map(|degrees| [false, true].map(|mirrored| (degrees, mirrored)))
            .filter_map(|(degrees, mirrored)| Mounting::new(degrees, mirrored))
    }

    /// A picture with one bright object.
    fn picture(pool: &PicturePool) -> (PooledPicture, [f32; 4]) {
        let mut picture = pool.take(SIZE.0, SIZE.1).expect("even");
        picture.fill(16, 128, 128);
        let bright = [4, 2, 10, 6];
        let rows = picture.planes_mut().y.chunks_exact_mut(SIZE.0 as usize);
        for row in rows.take(bright[3]).skip(bright[1]) {
            row[bright[0]..bright[2]].fill(200);
        }
        (picture, bright.map(|side| side as f32))
    }

    /// Left, top, right, bottom of the bright pixels.
    fn bright(picture: &I420) -> [f32; 4] {
        let width = picture.width() as usize;
        let mut found = [usize::MAX, usize::MAX, 0, 0];
        let luma = picture.planes().y.iter().enumerate();
        for (at, _) in luma.filter(|(_, y)| **y == 200) {
            let (x, y) = (at % width, at / width);
            found = [
                found[0].min(x),
                found[1].min(y),
                found[2].max(x + 1),
                found[3].max(y + 1),
            ];
        }
        found.map(|side| side as f32)
    }

    #[test]
    fn pixels_and_boxes_move_together() {
        let pool = PicturePool::new(4);
        for mounting in all() {
            let (picture, bbox_px) = picture(&pool);
            let turned = mounting.turned(picture, &pool).expect("fits");
            let placed = mounting.box_px(bbox_px, (SIZE.0 as f32, SIZE.1 as f32));
            assert_eq!(placed, bright(&turned), "{mounting:?}");
            let is_on_its_side = matches!(mounting.turn, Some(Turn::Quarter | Turn::ThreeQuarters));
            let size = if is_on_its_side {
                (SIZE.1, SIZE.0)
            } else {
                SIZE
            };
            assert_eq!((turned.width(), turned.height()), size);
        }
        let quarter = Mounting::new(90, false).expect("a quarter");
        let turned = quarter.turned(picture(&pool).0, &pool).expect("fits");
        assert_eq!(bright(&turned), [14.0, 4.0, 18.0, 10.0], "left became top");
    }

    #[test]
    fn the_control_keeps_every_mounting() {
        let control = MountingControl::default();
        assert_eq!(control.get(), Mounting::default());
        for mounting in all() {
            control.set(mounting);
            assert_eq!(control.get(), mounting);
        }
        assert_eq!(all().count(), 8);
        assert_eq!(Mounting::new(45, false), None);
    }
}
