//! What looks random and is the same every time: paper, pigment, strokes. Pure.

use super::plane::{Grey, Plane};

/// From 0 to 1, by place and seed (the finaliser of MurmurHash3 over a mix of the three).
#[inline]
fn hash(x: u32, y: u32, seed: u32) -> f32 {
    let mut h =
        x.wrapping_mul(0x9e37_79b1) ^ y.wrapping_mul(0x85eb_ca77) ^ seed.wrapping_mul(0xc2b2_ae3d);
    h = (h ^ (h >> 16)).wrapping_mul(0x85eb_ca6b);
    h = (h ^ (h >> 13)).wrapping_mul(0xc2b2_ae35);
    ((h ^ (h >> 16)) >> 8) as f32 / (1 << 24) as f32
}

/// Each pixel for itself.
pub(super) fn white(width: usize, height: usize, seed: u32) -> Grey {
    Plane::of(width, height, |x, y| [hash(x as u32, y as u32, seed)])
}

/// Clouds: blotches `cell_px` wide, half as strong ones half as wide, and so on. From -0.5 to 0.5.
pub(super) fn clouds(width: usize, height: usize, cell_px: u32, octaves: u32, seed: u32) -> Grey {
    let total = 2.0 - 0.5_f32.powi(octaves as i32 - 1);
    Plane::of(width, height, |x, y| {
        let (mut sum, mut share) = (0.0, 1.0);
        for octave in 0..octaves {
            let cell = (cell_px >> octave).max(1) as f32;
            sum += share * value(x as f32 / cell, y as f32 / cell, seed + octave);
            share *= 0.5;
        }
        [sum / total - 0.5]
    })
}

/// Between the corners of a grid.
fn value(x: f32, y: f32, seed: u32) -> f32 {
    let ease = |t: f32| t * t * (3.0 - 2.0 * t);
    let (column, row) = (x as u32, y as u32);
    let (dx, dy) = (ease(x.fract()), ease(y.fract()));
    let upper = hash(column, row, seed);
    let lower = hash(column, row + 1, seed);
    let over = upper + (hash(column + 1, row, seed) - upper) * dx;
    let under = lower + (hash(column + 1, row + 1, seed) - lower) * dx;
    over + (under - over) * dy
}

/// A kernel that smears along a line: its side in pixels, and its weights, which are 1 together.
pub(super) fn stroke(length_px: usize, angle_deg: f32) -> (usize, Vec<f32>) {
    let side = length_px | 1;
    let mut kernel = vec![0.0; side * side];
    let (dy, dx) = angle_deg.to_radians().sin_cos();
    let middle = (side / 2) as f32;
    let reach = middle - 1.0;
    let samples = side * 8;
    for sample in 0..=samples {
        let t = reach * (2.0 * sample as f32 / samples as f32 - 1.0);
        let (x, y) = (middle + t * dx, middle + t * dy);
        let (left, top) = (x as usize, y as usize);
        let (fx, fy) = (x.fract(), y.fract());
        for (right, down, weight) in [
            (0, 0, (1.0 - fx) * (1.0 - fy)),
            (1, 0, fx * (1.0 - fy)),
            (0, 1, (1.0 - fx) * fy),
            (1, 1, fx * fy),
        ] {
            kernel[(top + down) * side + left + right] += weight / (samples + 1) as f32;
        }
    }
    (side, kernel)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_is_even_and_the_same_every_time() {
        let plane = white(128, 128, 7);
        let mean = plane.pixels.iter().map(|[level]| level).sum::<f32>() / (128.0 * 128.0);
        assert!((mean - 0.5).abs() < 0.01, "{mean}");
        assert_eq!(plane, white(128, 128, 7));
        assert_ne!(plane, white(128, 128, 8));
        let clouds = clouds(128, 128, 32, 4, 1);
        assert!(
            clouds
                .pixels
                .iter()
                .all(|[level]| (-0.5..=0.5).contains(level))
        );
    }

    #[test]
    fn a_stroke_keeps_brightness() {
        for angle in [-52.0, 0.0, 62.0, 90.0] {
            let (side, kernel) = stroke(31, angle);
            assert_eq!(kernel.len(), side * side);
            assert!((kernel.iter().sum::<f32>() - 1.0).abs() < 1e-4);
        }
    }
}
