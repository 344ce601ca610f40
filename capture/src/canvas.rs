//! Drawing directly on an [`I420`] picture, without a conversion to RGB.
//!
//! Everything is clipped to the picture, and to a smaller rectangle if requested: no coordinate,
//! however large or NaN, panics or writes outside. Coordinates are luma pixels. A chroma sample covers
//! 2x2 of them and is blended by the mean coverage of the four, so that the colour edges of shapes at
//! odd positions are soft, not shifted.

mod coverage;
mod rect;
mod shapes;
#[cfg(test)]
mod tests;
mod text;

use crate::I420;
use coverage::{Coverage, OPAQUE, blend_flat, mix, weight_of};

pub use rect::{Ink, Rect};
pub use text::Text;

/// A stencil, such as a glyph: the coverage of each pixel, 0..=255, row by row.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mask {
    pub width: u32,
    pub height: u32,
    /// `width * height` values; rows that are missing are not drawn.
    pub coverage: Vec<u8>,
}

/// A picture to draw on, and the rectangle that limits drawing.
///
/// ```
/// use capture::I420;
/// use capture::canvas::{Canvas, Ink, Rect};
///
/// let mut picture = I420::black(64, 32).unwrap();
/// let mut canvas = Canvas::new(&mut picture);
/// canvas.fill_rect(Rect { x: 8, y: 8, width: 16, height: 8 }, Ink::WHITE, 255);
/// assert_eq!(picture.planes().y[8 * 64 + 8], 235);
/// ```
#[derive(Debug)]
pub struct Canvas<'a> {
    picture: &'a mut I420,
    clip: Rect,
    coverage: Coverage,
}

impl<'a> Canvas<'a> {
    /// Allows drawing on all of `picture`.
    pub fn new(picture: &'a mut I420) -> Self {
        let clip = Rect::of_size(picture.width(), picture.height());
        Self {
            picture,
            clip,
            coverage: Coverage::default(),
        }
    }

    /// Limits all further drawing to `clip`.
    #[must_use]
    pub fn clipped(mut self, clip: Rect) -> Self {
        self.clip = self.clip.intersection(clip);
        self
    }

    /// Width of the picture in pixels.
    #[must_use]
    pub fn width(&self) -> u32 {
        self.picture.width()
    }

    /// Height of the picture in pixels.
    #[must_use]
    pub fn height(&self) -> u32 {
        self.picture.height()
    }

    /// The rectangle that can be drawn on.
    #[must_use]
    pub fn clip(&self) -> Rect {
        self.clip
    }

    /// Fills a rectangle. `alpha`: 255 is opaque, 0 is transparent.
    pub fn fill_rect(&mut self, rect: Rect, ink: Ink, alpha: u8) {
        let area = rect.intersection(self.clip);
        if area.is_empty() || alpha == 0 {
            return;
        }
        let weight = weight_of(alpha);
        let stride = self.picture.width() as usize;
        let (left, right) = (area.x as usize, area.right() as usize);
        let (top, bottom) = (area.y as usize, area.bottom() as usize);
        let planes = self.picture.planes_mut();
        for row in planes.y.chunks_exact_mut(stride).take(bottom).skip(top) {
            blend_flat(&mut row[left..right], ink.y, weight);
        }
        for (plane, value) in [(planes.u, ink.u), (planes.v, ink.v)] {
            let rows = plane.chunks_exact_mut(stride / 2).enumerate();
            for (index, row) in rows.take(bottom.div_ceil(2)).skip(top / 2) {
                let lines = bottom.min(index * 2 + 2) - top.max(index * 2);
                blend_chroma_row(row, left, right, value, weight * lines as u16 / 2);
            }
        }
    }

    /// Draws the border of a rectangle, `thickness_px` wide and wholly inside it.
    pub fn stroke_rect(&mut self, rect: Rect, thickness_px: u32, ink: Ink) {
        let thickness = i32::try_from(thickness_px).unwrap_or(i32::MAX);
        if rect.is_empty() || thickness == 0 {
            return;
        }
        if thickness > (rect.width.min(rect.height) - 1) / 2 {
            return self.fill_rect(rect, ink, 255);
        }
        let (right, bottom) = (rect.right() - thickness, rect.bottom() - thickness);
        let sides = rect.rows(
            rect.y.saturating_add(thickness),
            rect.height - 2 * thickness,
        );
        for edge in [
            rect.rows(rect.y, thickness),
            rect.rows(bottom, thickness),
            sides.columns(rect.x, thickness),
            sides.columns(right, thickness),
        ] {
            self.fill_rect(edge, ink, 255);
        }
    }

    /// Blends `ink` through a stencil whose upper left corner is at (`x`, `y`).
    pub fn blend_mask(&mut self, x: i32, y: i32, mask: &Mask, ink: Ink) {
        let width = i32::try_from(mask.width).unwrap_or(i32::MAX);
        let height = i32::try_from(mask.height).unwrap_or(i32::MAX);
        let area = Rect::new(x, y, width, height).intersection(self.clip);
        if area.is_empty() {
            return;
        }
        // The area is inside the clip, so these differences are small and not negative.
        let skip = (i64::from(area.x) - i64::from(x)) as usize;
        let stride = mask.width as usize;
        let first_row = i64::from(y);
        self.coverage
            .draw(self.picture, area, ink, OPAQUE, |line, cover| {
                let start = (i64::from(line) - first_row) as usize * stride + skip;
                if let Some(row) = mask.coverage.get(start..start + area.width as usize) {
                    cover.set_bytes(row);
                }
            });
    }
}

/// Blends one row of a chroma plane below the luma columns `left..right`. At odd ends, half of the
/// chroma sample is covered.
fn blend_chroma_row(row: &mut [u8], left: usize, right: usize, value: u8, weight: u16) {
    let (mut first, mut end) = (left / 2, right.div_ceil(2));
    if left % 2 == 1 {
        row[first] = mix(row[first], value, weight / 2);
        first += 1;
    }
    if right % 2 == 1 && end > first {
        end -= 1;
        row[end] = mix(row[end], value, weight / 2);
    }
    if end > first {
        blend_flat(&mut row[first..end], value, weight);
    }
}
