//! Scaling of pictures: for smaller renditions and previews.

use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::U8;
use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};
use thiserror::Error;

use crate::picture::I420;

/// Scaling failed. Not expected: an [`I420`] always has the bytes its size asks for.
#[derive(Debug, Error)]
#[error("cannot scale {}x{} to {}x{}: {reason}", .from.0, .from.1, .to.0, .to.1)]
pub struct ScaleError {
    from: (u32, u32),
    to: (u32, u32),
    reason: String,
}

/// Scales pictures and keeps its intermediate buffers from one to the next.
///
/// Every source pixel contributes, so that moving details do not flicker: a box filter when exactly two,
/// or three and more pixels become one, else a triangle filter as wide as two target pixels.
#[derive(Debug)]
pub struct Scaler {
    resizer: Resizer,
}

impl Default for Scaler {
    fn default() -> Self {
        Self::new()
    }
}

impl Scaler {
    /// A scaler without buffers, which the first picture allocates.
    #[must_use]
    pub fn new() -> Self {
        Self {
            resizer: Resizer::new(),
        }
    }

    /// Fills `to` with `from`, scaled to its size.
    pub fn scale(&mut self, from: &I420, to: &mut I420) -> Result<(), ScaleError> {
        let (from_size, to_size) = ((from.width(), from.height()), (to.width(), to.height()));
        if from_size == to_size {
            to.copy_from(from);
            return Ok(());
        }
        let (source, target) = (from.planes(), to.planes_mut());
        let halved = |(width, height)| (width / 2, height / 2);
        let (from_half, to_half) = (halved(from_size), halved(to_size));
        let scaled = self
            .plane(source.y, from_size, target.y, to_size)
            .and_then(|()| self.plane(source.u, from_half, target.u, to_half))
            .and_then(|()| self.plane(source.v, from_half, target.v, to_half));
        scaled.map_err(|reason| ScaleError {
            from: from_size,
            to: to_size,
            reason,
        })
    }

    fn plane(
        &mut self,
        from: &[u8],
        (from_width, from_height): (u32, u32),
        to: &mut [u8],
        (to_width, to_height): (u32, u32),
    ) -> Result<(), String> {
        if from_width == 2 * to_width && from_height == 2 * to_height {
            // 1280x720 to 640x360 takes a fifth of the time of the general resize.
            halve(from, from_width as usize, to);
            return Ok(());
        }
        let is_third_or_less = from_width >= 3 * to_width && from_height >= 3 * to_height;
        let filter = if is_third_or_less {
            FilterType::Box
        } else {
            FilterType::Bilinear
        };
        let algorithm = ResizeAlg::Convolution(filter);
        let options = ResizeOptions::new().resize_alg(algorithm).use_alpha(false);
        // The untyped call would compile the kernels of fourteen pixel formats, which takes minutes.
        let from = TypedImageRef::<U8>::from_buffer(from_width, from_height, from)
            .map_err(|error| error.to_string())?;
        let mut to = TypedImage::<U8>::from_buffer(to_width, to_height, to)
            .map_err(|error| error.to_string())?;
        self.resizer
            .resize_typed(&from, &mut to, &options)
            .map_err(|error| error.to_string())
    }
}

/// Averages 2x2 pixels of a plane with rows of `width` pixels. `to` has half the rows, each half as
/// long. An odd last row or column is left out.
///
/// # Panics
/// When `width` is below 2.
pub fn halve(from: &[u8], width: usize, to: &mut [u8]) {
    // Two neighbours are read as one number, which the compiler vectorises.
    let both = |pair: &[u8]| {
        let word = u16::from_le_bytes([pair[0], pair[1]]);
        (word & 0xff) + (word >> 8)
    };
    for (to, rows) in to
        .chunks_exact_mut(width / 2)
        .zip(from.chunks_exact(2 * width))
    {
        let (upper, lower) = rows.split_at(width);
        let quads = upper.chunks_exact(2).zip(lower.chunks_exact(2));
        for (to, (above, below)) in to.iter_mut().zip(quads) {
            *to = ((both(above) + both(below) + 2) >> 2) as u8;
        }
    }
}

/// The largest even size with the aspect ratio of `width` x `height` within `max_width` x
/// `max_height`; never larger than the source, never below 2x2.
#[must_use]
pub fn fit_within(width: u32, height: u32, max_width: u32, max_height: u32) -> (u32, u32) {
    let (width, height) = (width.max(2), height.max(2));
    let by_width = f64::from(max_width) / f64::from(width);
    let by_height = f64::from(max_height) / f64::from(height);
    let scale = by_width.min(by_height).min(1.0);
    let side = |side: u32, max: u32| {
        let nearest_even = (f64::from(side) * scale / 2.0).round() as u32 * 2;
        nearest_even.min(side.min(max) & !1).max(2)
    };
    (side(width, max_width), side(height, max_height))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The weight of a source pixel at some distance from the middle, in target pixels.
    type Weight = fn(f64) -> f64;

    /// The weighted mean around (`x`, `y`) in double precision.
    fn reference(
        from: &[u8],
        (width, height): (u32, u32),
        (x, y): (f64, f64),
        (step, weight): (f64, Weight),
    ) -> f64 {
        let weights = |centre: f64, side: u32| -> Vec<(u32, f64)> {
            let of = |at: u32| weight((f64::from(at) + 0.5 - centre).abs() / step);
            (0..side)
                .map(|at| (at, of(at)))
                .filter(|(_, weight)| *weight > 0.0)
                .collect()
        };
        let (columns, rows) = (weights(x, width), weights(y, height));
        let (mut sum, mut total) = (0.0, 0.0);
        for (row, row_weight) in &rows {
            for (column, column_weight) in &columns {
                let pixel = from[(row * width + column) as usize];
                sum += f64::from(pixel) * row_weight * column_weight;
                total += row_weight * column_weight;
            }
        }
        sum / total
    }

    #[test]
    fn halving_rounds_and_leaves_out_odd_columns_and_rows() {
        let mut halved = [0];
        halve(&[10, 20, 99, 30, 41, 99, 7, 7, 7], 3, &mut halved);
        assert_eq!(halved, [25]);
    }

    #[test]
    fn scaling_down_agrees_with_a_reference() {
        let mut from = I420::black(192, 96).expect("even");
        let mut state = 1_u32;
        for value in from.data_mut() {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            *value = (state >> 24) as u8;
        }
        let triangle = |away: f64| (1.0 - away).max(0.0);
        let mean = |away: f64| f64::from(u8::from(away < 0.5));
        let kinds: [((u32, u32), Weight); 4] = [
            ((128, 64), triangle),
            ((96, 48), mean),
            ((64, 32), mean),
            ((48, 24), mean),
        ];
        for ((width, height), weight) in kinds {
            let mut to = I420::black(width, height).expect("even");
            Scaler::new().scale(&from, &mut to).expect("scales");
            let step = 192.0 / f64::from(width);
            let (source, target) = (from.planes(), to.planes());
            let luma = (source.y, target.y, (192, 96), width);
            let u = (source.u, target.u, (96, 48), width / 2);
            let v = (source.v, target.v, (96, 48), width / 2);
            for (source, target, size, target_width) in [luma, u, v] {
                for (at, value) in (0_u32..).zip(target) {
                    let centre = |at: u32| (f64::from(at) + 0.5) * step;
                    let place = (centre(at % target_width), centre(at / target_width));
                    let expected = reference(source, size, place, (step, weight));
                    let off = (f64::from(*value) - expected).abs();
                    // Two passes, each rounded to a whole number, with 16-bit weights.
                    assert!(
                        off <= 1.1,
                        "{width}: pixel {at} is {value}, expected {expected}"
                    );
                }
            }
        }
    }

    #[test]
    fn the_same_size_is_a_copy_and_an_even_colour_stays() {
        let mut scaler = Scaler::new();
        let mut from = I420::black(64, 36).expect("even");
        from.fill(200, 90, 170);
        let mut same = I420::black(64, 36).expect("even");
        scaler.scale(&from, &mut same).expect("copies");
        assert!(same == from);
        for size in [(20, 12), (100, 80), (2, 2)] {
            let mut to = I420::black(size.0, size.1).expect("even");
            scaler.scale(&from, &mut to).expect("scales");
            let mut expected = I420::black(size.0, size.1).expect("even");
            expected.fill(200, 90, 170);
            assert!(to == expected, "{size:?}");
        }
    }

    #[test]
    fn fitting_keeps_the_shape_and_never_enlarges() {
        assert_eq!(fit_within(1280, 720, 416, 416), (416, 234));
        assert_eq!(fit_within(720, 1280, 416, 416), (234, 416));
        assert_eq!(fit_within(640, 480, 1280, 720), (640, 480));
        assert_eq!(fit_within(1920, 1080, 640, 360), (640, 360));
        assert_eq!(fit_within(333, 333, 1000, 1000), (332, 332));
        assert_eq!(fit_within(8192, 2, 320, 320), (320, 2));
        assert_eq!(fit_within(0, 0, 0, 0), (2, 2));
        for width in 2..200 {
            let (w, h) = fit_within(width, 101, 77, 55);
            assert!(
                w % 2 == 0 && h % 2 == 0 && w <= 77 && h <= 55,
                "{width}: {w}x{h}"
            );
        }
    }
}
