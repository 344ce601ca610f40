//! Planes of pixels with one to four levels: arithmetic, tone curves and deterministic noise. Pure.

use crate::intake::raster::Raster;

/// `N` levels per pixel, usually 0 to 1; rows without padding.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Plane<const N: usize> {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) pixels: Vec<[f32; N]>,
}

/// One level: brightness, coverage or noise.
pub(super) type Grey = Plane<1>;

/// Red, green and blue, gamma-encoded as in the picture.
pub(super) type Colour = Plane<3>;

impl<const N: usize> Plane<N> {
    /// Computes each pixel from its column and row.
    pub(super) fn of(
        width: usize,
        height: usize,
        mut pixel: impl FnMut(usize, usize) -> [f32; N],
    ) -> Self {
        let mut pixels = Vec::with_capacity(width * height);
        for y in 0..height {
            pixels.extend((0..width).map(|x| pixel(x, y)));
        }
        Self {
            width,
            height,
            pixels,
        }
    }

    pub(super) fn map<const M: usize>(&self, change: impl Fn([f32; N]) -> [f32; M]) -> Plane<M> {
        Plane {
            width: self.width,
            height: self.height,
            pixels: self.pixels.iter().map(|pixel| change(*pixel)).collect(),
        }
    }

    /// The rectangle of that size at that place, which lies within the plane.
    pub(super) fn cropped(&self, left: usize, top: usize, width: usize, height: usize) -> Self {
        let rows = self.pixels.chunks_exact(self.width).skip(top).take(height);
        Self {
            width,
            height,
            pixels: rows
                .flat_map(|row| &row[left..left + width])
                .copied()
                .collect(),
        }
    }

    /// Levels from 0 to 1; Lanczos resampling overshoots.
    pub(super) fn clamped(mut self) -> Self {
        for level in self.pixels.as_flattened_mut() {
            *level = level.clamp(0.0, 1.0);
        }
        self
    }

    /// Combines each pixel with the one of `other` at the same place.
    pub(super) fn with<const M: usize, const K: usize>(
        &self,
        other: &Plane<M>,
        join: impl Fn([f32; N], [f32; M]) -> [f32; K],
    ) -> Plane<K> {
        let pairs = self.pixels.iter().zip(&other.pixels);
        Plane {
            width: self.width,
            height: self.height,
            pixels: pairs.map(|(one, two)| join(*one, *two)).collect(),
        }
    }

    /// Bilinear interpolation; clamped at the edges.
    #[inline]
    pub(super) fn sample(&self, x: f32, y: f32) -> [f32; N] {
        let x = x.clamp(0.0, (self.width - 1) as f32);
        let y = y.clamp(0.0, (self.height - 1) as f32);
        let (left, top) = (x as usize, y as usize);
        let right = (left + 1).min(self.width - 1);
        let bottom = (top + 1).min(self.height - 1);
        let (dx, dy) = (x - left as f32, y - top as f32);
        let (upper, lower) = (top * self.width, bottom * self.width);
        let corners = [upper + left, upper + right, lower + left, lower + right];
        let [a, b, c, d] = corners.map(|at| self.pixels[at]);
        std::array::from_fn(|n| {
            let over = a[n] + (b[n] - a[n]) * dx;
            let under = c[n] + (d[n] - c[n]) * dx;
            over + (under - over) * dy
        })
    }
}

impl Colour {
    pub(super) fn of_raster(raster: &Raster) -> Self {
        let (pixels, _) = raster.rgb.as_chunks::<3>();
        let colour = |pixel: &[u8; 3]| pixel.map(|level| f32::from(level) / 255.0);
        Self {
            width: raster.width_px,
            height: raster.height_px,
            pixels: pixels.iter().map(colour).collect(),
        }
    }

    pub(super) fn raster(&self) -> Raster {
        let levels = self.pixels.as_flattened().iter();
        Raster {
            width_px: self.width,
            height_px: self.height,
            // `as u8` saturates.
            rgb: levels.map(|level| (level * 255.0 + 0.5) as u8).collect(),
        }
    }
}

impl Grey {
    /// Scaled to mean 0 and standard deviation 1.
    pub(super) fn normalised(&self) -> Self {
        let count = self.pixels.len().max(1) as f64;
        let sum: f64 = self.pixels.iter().map(|[level]| f64::from(*level)).sum();
        let mean = sum / count;
        let square = |[level]: &[f32; 1]| (f64::from(*level) - mean).powi(2);
        let variance = self.pixels.iter().map(square).sum::<f64>() / count;
        let gain = 1.0 / variance.sqrt().max(1e-6);
        self.map(|[level]| [((f64::from(level) - mean) * gain) as f32])
    }
}

/// Smooth step from 0 at `low` to 1 at `high`.
#[inline]
pub(super) fn smoothstep(low: f32, high: f32, level: f32) -> f32 {
    let t = ((level - low) / (high - low)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

#[inline]
pub(super) fn mix(from: [f32; 3], to: [f32; 3], share: f32) -> [f32; 3] {
    std::array::from_fn(|n| from[n] + (to[n] - from[n]) * share)
}

#[inline]
pub(super) fn luma([red, green, blue]: [f32; 3]) -> f32 {
    0.299 * red + 0.587 * green + 0.114 * blue
}

/// Scales the distance from grey by `gain`.
#[inline]
pub(super) fn saturate(colour: [f32; 3], gain: f32) -> [f32; 3] {
    let grey = luma(colour);
    colour.map(|level| (grey + (level - grey) * gain).clamp(0.0, 1.0))
}

/// Share of pixels that become black, and white.
const DARK_SHARE: f32 = 0.01;
const BRIGHT_SHARE: f32 = 0.99;

/// Limit of the added contrast.
const GAIN_MAX: f32 = 1.8;
const SPAN_MIN: f32 = 0.25;

/// Auto levels: stretches the contrast and moves the median towards the middle, because rooms are dark and
/// styles expect average brightness.
pub(super) fn auto_levels(picture: &Colour) -> Colour {
    let greys = quantiles(picture, [DARK_SHARE, 0.5, BRIGHT_SHARE]);
    let [dark, middle, bright] = greys;
    let gain = (1.0 / (bright - dark).max(SPAN_MIN)).min(GAIN_MAX);
    let stretch = |level: f32| ((level - dark) * gain).clamp(0.0, 1.0);
    let middle = stretch(middle).clamp(0.02, 0.98);
    let bend = (0.5_f32.ln() / middle.ln()).clamp(0.6, 1.25);
    // Only 70 %, so that a night picture stays dark.
    let bend = 1.0 + (bend - 1.0) * 0.7;
    let table: Vec<f32> = (0..=255)
        .map(|level| stretch(level as f32 / 255.0).powf(bend))
        .collect();
    picture.map(|colour| {
        colour.map(|level| {
            let place = level * 255.0;
            let below = (place as usize).min(254);
            table[below] + (table[below + 1] - table[below]) * (place - below as f32)
        })
    })
}

/// The brightness below which each share of the pixels lies.
pub(super) fn quantiles<const K: usize>(picture: &Colour, shares: [f32; K]) -> [f32; K] {
    let mut counts = [0_usize; 256];
    for colour in &picture.pixels {
        counts[((luma(*colour) * 255.0 + 0.5) as usize).min(255)] += 1;
    }
    shares.map(|share| {
        let wanted = (share * picture.pixels.len() as f32) as usize;
        let mut seen = 0;
        let found = counts.iter().position(|count| {
            seen += count;
            seen > wanted
        });
        found.unwrap_or(255) as f32 / 255.0
    })
}

/// The levels below which each share of those within a radius lies.
pub(super) fn quantiles_within<const K: usize>(
    levels: &Grey,
    radius: &Grey,
    radius_max: f32,
    shares: [f32; K],
) -> [f32; K] {
    let pairs = levels.pixels.iter().zip(&radius.pixels);
    let within = pairs.filter(|(_, [radius])| *radius < radius_max);
    let mut within: Vec<f32> = within.map(|([level], _)| *level).collect();
    within.sort_unstable_by(f32::total_cmp);
    let last = within.len().saturating_sub(1) as f32;
    shares.map(|share| {
        let place = (share * last) as usize;
        within.get(place).copied().unwrap_or(0.0)
    })
}

/// Posterises to `steps` steps with soft edges (Winnemöller, Olsen and Gooch, "Real-Time Video Abstraction",
/// 2006).
#[inline]
pub(super) fn posterise(level: f32, steps: f32, sharpness: f32) -> f32 {
    let middle = ((level * steps).floor() + 0.5) / steps;
    middle + (sharpness * (level - middle) * steps).tanh() / (2.0 * steps)
}

/// 0 to 1 by position and seed (the finaliser of MurmurHash3 over a mix of the three).
#[inline]
fn hash(x: u32, y: u32, seed: u32) -> f32 {
    let mut h =
        x.wrapping_mul(0x9e37_79b1) ^ y.wrapping_mul(0x85eb_ca77) ^ seed.wrapping_mul(0xc2b2_ae3d);
    h = (h ^ (h >> 16)).wrapping_mul(0x85eb_ca6b);
    h = (h ^ (h >> 13)).wrapping_mul(0xc2b2_ae35);
    ((h ^ (h >> 16)) >> 8) as f32 / (1 << 24) as f32
}

pub(super) fn white_noise(width: usize, height: usize, seed: u32) -> Grey {
    Plane::of(width, height, |x, y| [hash(x as u32, y as u32, seed)])
}

/// Fractal noise from -0.5 to 0.5: value noise with cells of `cell_px`, each further octave with half the
/// size and half the strength.
pub(super) fn fractal_noise(
    width: usize,
    height: usize,
    cell_px: u32,
    octaves: u32,
    seed: u32,
) -> Grey {
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

/// Value noise, interpolated between the corners of a grid.
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

/// A kernel that blurs along a line: its side in pixels and its weights, whose sum is 1.
pub(super) fn stroke_kernel(length_px: usize, angle_deg: f32) -> (usize, Vec<f32>) {
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
    use crate::builtin::plane::Plane;

    #[test]
    fn auto_levels_adds_contrast_and_brightness() {
        let grey = Plane::of(64, 64, |x, _| [0.3 + x as f32 / 200.0; 3]);
        let [dark, bright] = quantiles(&auto_levels(&grey), [0.02, 0.98]);
        assert!(dark < 0.1 && bright > 0.5, "{dark} {bright}");
        let night = Plane::of(64, 64, |x, _| [x as f32 / 640.0; 3]);
        let [before] = quantiles(&night, [0.5]);
        let [after] = quantiles(&auto_levels(&night), [0.5]);
        assert!(after > before * 1.5, "{before} {after}");
    }

    #[test]
    fn auto_levels_handles_flat_pictures() {
        for level in [0.0, 0.5, 1.0] {
            let flat = Plane::of(16, 16, |_, _| [level; 3]);
            let auto_levels = auto_levels(&flat);
            assert!(
                auto_levels
                    .pixels
                    .as_flattened()
                    .iter()
                    .all(|l| (0.0..=1.0).contains(l))
            );
        }
    }

    #[test]
    fn noise_is_uniform_and_deterministic() {
        let plane = white_noise(128, 128, 7);
        let mean = plane.pixels.iter().map(|[level]| level).sum::<f32>() / (128.0 * 128.0);
        assert!((mean - 0.5).abs() < 0.01, "{mean}");
        assert_eq!(plane, white_noise(128, 128, 7));
        assert_ne!(plane, white_noise(128, 128, 8));
        let clouds = fractal_noise(128, 128, 32, 4, 1);
        assert!(
            clouds
                .pixels
                .iter()
                .all(|[level]| (-0.5..=0.5).contains(level))
        );
    }

    #[test]
    fn stroke_kernels_are_normalised() {
        for angle in [-52.0, 0.0, 62.0, 90.0] {
            let (side, kernel) = stroke_kernel(31, angle);
            assert_eq!(kernel.len(), side * side);
            assert!((kernel.iter().sum::<f32>() - 1.0).abs() < 1e-4);
        }
    }
}
