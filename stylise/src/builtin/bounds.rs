//! Rectangles within a picture.

use crate::builtin::plane::Colour;
use crate::people::PictureArea;

/// A rectangle within a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bounds {
    pub(super) left: usize,
    pub(super) top: usize,
    pub(super) width: usize,
    pub(super) height: usize,
}

/// Size of a face's oval relative to its rectangle.
const OVAL: f32 = 1.3;

impl Bounds {
    /// `None` for what lies outside the picture, or is no rectangle.
    pub(super) fn of(area: &PictureArea, picture: &Colour) -> Option<Self> {
        let clamped = |from: f32, length: f32, side: usize| {
            let side = side as f32;
            let (start, end) = (from * side, (from + length) * side);
            let (start, end) = (start.clamp(0.0, side), end.clamp(0.0, side));
            // Not a number ends here too.
            (end - start >= 1.0).then_some((start as usize, (end - start) as usize))
        };
        let (left, width) = clamped(area.left, area.width, picture.width)?;
        let (top, height) = clamped(area.top, area.height, picture.height)?;
        Some(Self {
            left,
            top,
            width,
            height,
        })
    }

    /// Grown on each side by `margin` times its own sides, within the picture.
    pub(super) fn grown(self, margin: f32, picture: &Colour) -> Self {
        let more_x = (self.width as f32 * margin) as usize;
        let more_y = (self.height as f32 * margin) as usize;
        let left = self.left.saturating_sub(more_x);
        let top = self.top.saturating_sub(more_y);
        Self {
            left,
            top,
            width: (self.left + self.width + more_x).min(picture.width) - left,
            height: (self.top + self.height + more_y).min(picture.height) - top,
        }
    }

    /// The distance from the centre: 1 on the oval that has the rectangle's corners half outside.
    pub(super) fn radius(self, x: f32, y: f32) -> f32 {
        let (half_width, half_height) = (self.width as f32 / 2.0, self.height as f32 / 2.0);
        let across = (x + 0.5 - self.left as f32 - half_width) / half_width;
        let down = (y + 0.5 - self.top as f32 - half_height) / half_height;
        across.hypot(down) / OVAL
    }
}
