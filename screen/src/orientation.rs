//! How the display hangs. The picture is turned on the CPU, because most drivers cannot turn a linear buffer by
//! a quarter. Pure.

use capture::canvas::Rect;
use capture::convert::{Turn, mirror, rotate_into};
use capture::{I420, PictureError};

/// A quarter turn or more, clockwise.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Rotation {
    #[default]
    None,
    Quarter,
    Half,
    ThreeQuarters,
}

impl Rotation {
    /// From degrees; `None` unless 0, 90, 180 or 270.
    #[must_use]
    pub fn from_degrees(degrees: u32) -> Option<Self> {
        match degrees {
            0 => Some(Self::None),
            90 => Some(Self::Quarter),
            180 => Some(Self::Half),
            270 => Some(Self::ThreeQuarters),
            _ => None,
        }
    }
}

/// The upright picture is mirrored left to right, for a projector behind the screen, and then turned.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Orientation {
    pub rotation: Rotation,
    pub is_mirrored: bool,
}

impl Orientation {
    /// Whether turning changes nothing.
    #[must_use]
    pub fn is_upright(self) -> bool {
        self == Self::default()
    }

    /// The size of the upright picture for a display of this size, and the other way round.
    #[must_use]
    pub fn turned_size(self, (width, height): (u32, u32)) -> (u32, u32) {
        match self.rotation {
            Rotation::None | Rotation::Half => (width, height),
            Rotation::Quarter | Rotation::ThreeQuarters => (height, width),
        }
    }

    /// Where a rectangle of the upright picture of this size is on the display.
    #[must_use]
    pub fn turned_rect(self, rect: Rect, (width, height): (u32, u32)) -> Rect {
        let (width, height) = (width as i32, height as i32);
        let Rect {
            mut x,
            y,
            width: w,
            height: h,
        } = rect;
        if self.is_mirrored {
            x = width - x - w;
        }
        match self.rotation {
            Rotation::None => Rect::new(x, y, w, h),
            Rotation::Quarter => Rect::new(height - y - h, x, h, w),
            Rotation::Half => Rect::new(width - x - w, height - y - h, w, h),
            Rotation::ThreeQuarters => Rect::new(y, width - x - w, h, w),
        }
    }

    /// Fills `to`, which gets the turned size, with `from`.
    ///
    /// # Errors
    /// When the size is none of a picture.
    pub fn turn(self, from: &I420, to: &mut I420) -> Result<(), PictureError> {
        // Mirrored before a quarter turn is the same as mirrored after the opposite one.
        let turn = match (self.rotation, self.is_mirrored) {
            (Rotation::None, _) => None,
            (Rotation::Half, _) => Some(Turn::Half),
            (Rotation::Quarter, false) | (Rotation::ThreeQuarters, true) => Some(Turn::Quarter),
            (Rotation::ThreeQuarters, false) | (Rotation::Quarter, true) => {
                Some(Turn::ThreeQuarters)
            }
        };
        match turn {
            Some(turn) => rotate_into(from, turn, to)?,
            None => to.clone_from(from),
        }
        if self.is_mirrored {
            mirror(to);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROTATIONS: [Rotation; 4] = [
        Rotation::None,
        Rotation::Quarter,
        Rotation::Half,
        Rotation::ThreeQuarters,
    ];

    fn orientations() -> impl Iterator<Item = Orientation> {
        ROTATIONS.into_iter().flat_map(|rotation| {
            [false, true].map(|is_mirrored| Orientation {
                rotation,
                is_mirrored,
            })
        })
    }

    /// The luma of each corner: upper left, upper right, lower left, lower right.
    fn corners(picture: &I420) -> [u8; 4] {
        let (width, height) = (picture.width() as usize, picture.height() as usize);
        let luma = picture.planes().y;
        [
            (0, 0),
            (width - 1, 0),
            (0, height - 1),
            (width - 1, height - 1),
        ]
        .map(|(x, y)| luma[y * width + x])
    }

    #[test]
    fn corners_are_where_a_turned_display_shows_them() {
        let mut upright = I420::black(70, 36).expect("even");
        for (index, (x, y)) in [(0, 0), (69, 0), (0, 35), (69, 35)].into_iter().enumerate() {
            upright.planes_mut().y[y * 70 + x] = index as u8 + 1;
        }
        let expected = [
            [1, 2, 3, 4],
            [2, 1, 4, 3],
            [3, 1, 4, 2],
            [4, 2, 3, 1],
            [4, 3, 2, 1],
            [3, 4, 1, 2],
            [2, 4, 1, 3],
            [1, 3, 2, 4],
        ];
        for (orientation, expected) in orientations().zip(expected) {
            let mut turned = I420::black(2, 2).expect("even");
            orientation.turn(&upright, &mut turned).expect("fits");
            assert_eq!(corners(&turned), expected, "{orientation:?}");
            let size = orientation.turned_size((70, 36));
            assert_eq!((turned.width(), turned.height()), size);
        }
    }

    #[test]
    fn a_rectangle_is_turned_with_the_picture() {
        let rect = Rect::new(10, 4, 20, 8);
        let mut upright = I420::black(64, 40).expect("even");
        for y in 4..12 {
            upright.planes_mut().y[y * 64 + 10..y * 64 + 30].fill(200);
        }
        for orientation in orientations() {
            let mut turned = I420::black(2, 2).expect("even");
            orientation.turn(&upright, &mut turned).expect("fits");
            let inside = orientation.turned_rect(rect, (64, 40));
            for (index, luma) in turned.planes().y.iter().enumerate() {
                let (x, y) = (
                    index as i32 % turned.width() as i32,
                    index as i32 / turned.width() as i32,
                );
                let is_inside = (inside.x..inside.right()).contains(&x)
                    && (inside.y..inside.bottom()).contains(&y);
                assert_eq!(*luma == 200, is_inside, "{orientation:?} {x} {y}");
            }
        }
    }
}
