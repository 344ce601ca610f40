//! Sprites: objects that are drawn once and blended over many pictures, with soft edges.

use crate::canvas::Canvas;
use crate::picture::{I420, PictureError};

/// One plane of a sprite: its own levels, and its transparency.
#[derive(Debug)]
struct Layer {
    width: usize,
    /// Its levels over a ground of the lowest level (16), premultiplied by its opacity.
    own: Vec<u8>,
    /// 255 is transparent, 0 is opaque.
    through: Vec<u8>,
}

/// The sprite at one parity of its position: chroma samples cover 2x2 pixels, so that the chroma at
/// odd positions differs from that at even ones.
#[derive(Debug)]
struct Variant {
    layers: [Layer; 3],
}

/// A drawing that can be blended at any whole pixel, also partly or wholly outside the picture.
#[derive(Debug)]
pub(super) struct Sprite {
    width: u32,
    height: u32,
    /// Index: `x & 1 | (y & 1) << 1`.
    variants: [Variant; 4],
}

const LOW: u8 = 16;
const HIGH_LUMA: u8 = 235;
const HIGH_CHROMA: u8 = 240;

impl Sprite {
    /// Records what `draw` draws within `width` x `height` from the origin that it is passed.
    ///
    /// The transparency is found by drawing on the lowest and on the highest levels: where the two
    /// results differ, the ground shows through.
    pub(super) fn new(
        width: u32,
        height: u32,
        draw: impl Fn(&mut Canvas<'_>, f32, f32),
    ) -> Result<Self, PictureError> {
        let even = (
            width.next_multiple_of(2) + 2,
            height.next_multiple_of(2) + 2,
        );
        let (mut low, mut high) = (I420::black(even.0, even.1)?, I420::black(even.0, even.1)?);
        let mut variant = |index: usize| {
            let (x, y) = ((index & 1) as f32, (index >> 1) as f32);
            low.fill(LOW, LOW, LOW);
            high.fill(HIGH_LUMA, HIGH_CHROMA, HIGH_CHROMA);
            draw(&mut Canvas::new(&mut low), x, y);
            draw(&mut Canvas::new(&mut high), x, y);
            let (low, high, width) = (low.planes(), high.planes(), even.0 as usize);
            let layers = [
                Layer::between(low.y, high.y, HIGH_LUMA, width),
                Layer::between(low.u, high.u, HIGH_CHROMA, width / 2),
                Layer::between(low.v, high.v, HIGH_CHROMA, width / 2),
            ];
            Variant { layers }
        };
        let variants = [variant(0), variant(1), variant(2), variant(3)];
        Ok(Self {
            width,
            height,
            variants,
        })
    }

    /// Blends the sprite over `picture` with its centre at (`x`, `y`).
    pub(super) fn lay(&self, picture: &mut I420, x: f32, y: f32) {
        let left = (x - self.width as f32 / 2.0).round() as isize;
        let top = (y - self.height as f32 / 2.0).round() as isize;
        let variant = &self.variants[(left & 1 | (top & 1) << 1) as usize];
        let (width, planes) = (picture.width() as usize, picture.planes_mut());
        let (even_left, even_top) = (left & !1, top & !1);
        let [y_layer, u_layer, v_layer] = &variant.layers;
        y_layer.lay(planes.y, width, even_left, even_top);
        u_layer.lay(planes.u, width / 2, even_left / 2, even_top / 2);
        v_layer.lay(planes.v, width / 2, even_left / 2, even_top / 2);
    }
}

impl Layer {
    fn between(low: &[u8], high: &[u8], highest: u8, width: usize) -> Self {
        let span = u16::from(highest - LOW);
        let through = |(low, high): (&u8, &u8)| {
            ((u16::from(high.saturating_sub(*low)) * 255 + span / 2) / span).min(255) as u8
        };
        Self {
            width,
            own: low.to_vec(),
            through: low.iter().zip(high).map(through).collect(),
        }
    }

    fn lay(&self, plane: &mut [u8], plane_width: usize, left: isize, top: isize) {
        let skip = left.min(0).unsigned_abs();
        let start = left.max(0) as usize;
        let Some(room) = plane_width.checked_sub(start) else {
            return;
        };
        let columns = self.width.saturating_sub(skip).min(room);
        let rows = self
            .own
            .chunks_exact(self.width)
            .zip(self.through.chunks_exact(self.width));
        for (row, (own, through)) in (top..).zip(rows) {
            let Ok(row) = usize::try_from(row) else {
                continue;
            };
            let at = row * plane_width + start;
            let Some(ground) = plane.get_mut(at..at + columns) else {
                return;
            };
            let thing = own[skip.min(own.len())..]
                .iter()
                .zip(&through[skip.min(own.len())..]);
            for (ground, (own, through)) in ground.iter_mut().zip(thing) {
                let shown = u16::from(ground.saturating_sub(LOW)) * u16::from(*through);
                *ground = own.saturating_add(((shown + 127) / 255) as u8);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canvas::Ink;

    fn disc(canvas: &mut Canvas<'_>, x: f32, y: f32) {
        canvas.fill_ellipse(x + 15.0, y + 10.0, 14.5, 9.5, Ink::rgb(200, 40, 60));
    }

    #[test]
    fn a_sprite_looks_as_if_drawn_in_place_at_every_parity() {
        let sprite = Sprite::new(30, 20, disc).expect("small");
        for (left, top) in [
            (10, 8),
            (11, 8),
            (10, 9),
            (11, 9),
            (-7, -5),
            (50, 33),
            (63, 47),
        ] {
            let mut drawn = I420::black(64, 48).expect("even");
            drawn.fill(150, 100, 180);
            let mut laid = drawn.clone();
            disc(&mut Canvas::new(&mut drawn), left as f32, top as f32);
            sprite.lay(&mut laid, left as f32 + 15.0, top as f32 + 10.0);
            let worst = drawn
                .data()
                .iter()
                .zip(laid.data())
                .map(|(a, b)| a.abs_diff(*b))
                .max();
            assert!(worst <= Some(2), "{left},{top}: {worst:?} levels off");
        }
    }

    #[test]
    fn a_sprite_far_outside_changes_nothing() {
        let sprite = Sprite::new(30, 20, disc).expect("small");
        let mut picture = I420::black(64, 48).expect("even");
        let before = picture.clone();
        for (x, y) in [(-500.0, 10.0), (10.0, -500.0), (500.0, 10.0), (10.0, 500.0)] {
            sprite.lay(&mut picture, x, y);
        }
        assert!(picture == before);
    }
}
