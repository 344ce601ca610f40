//! Enlarges small pictures: noise and JPEG blocks are taken out before they grow into worms, and edges are
//! made steep again without halos, so that eyes of a webcam picture stay eyes.

use crate::builtin::filters::{bilateral, blur, resize};
use crate::builtin::plane::{Colour, Grey, Plane, luma};
use crate::builtin::stages::StyleError;

/// Enlargements below this need no repair.
const REPAIRED_FROM: f32 = 1.25;

/// Strength of the denoising in steps of 1/255: of a clean picture, and at most.
const CLEAN_LEVEL: f64 = 5.0;
const NOISY_LEVEL: f64 = 28.0;

/// How much of the detail that the enlargement lost is added again.
const SHARPENING: f32 = 1.1;

pub(super) fn enlarged(
    picture: &Colour,
    width: usize,
    height: usize,
) -> Result<Colour, StyleError> {
    let scale = width as f32 / picture.width as f32;
    if scale < REPAIRED_FROM {
        return Ok(resize(picture, width, height)?.clamped());
    }
    let level = (CLEAN_LEVEL + 2.2 * 255.0 * f64::from(noise(picture))).min(NOISY_LEVEL);
    let clean = bilateral(picture, level, 1.8)?;
    let large = resize(&clean, width, height)?.clamped();
    // Sharpening stays within the brightness that the neighbours of a pixel had, so that it adds no halo.
    let range = neighbours_range(&clean.map(|colour| [luma(colour)]));
    let range = resize(&range, width, height)?;
    let light = large.map(|colour| [luma(colour)]);
    let soft = blur(&light, 0.45 * scale + 0.4)?;
    let both = light.with(&soft, |[light], [soft]| [light, soft]);
    let added = both.with(&range, |[light, soft], [low, high]| {
        let sharp = light + SHARPENING * (light - soft);
        [sharp.clamp(low.min(high), high.max(low)) - light]
    });
    Ok(large
        .with(&added, |colour, [added]| colour.map(|level| level + added))
        .clamped())
}

/// Standard deviation of the noise (Immerkær, "Fast Noise Variance Estimation", 1996; with the median, which
/// ignores edges).
fn noise(picture: &Colour) -> f32 {
    let grey = picture.map(|colour| [luma(colour)]);
    let row = |y: usize| &grey.pixels[y * grey.width..(y + 1) * grey.width];
    let mut differences = Vec::new();
    for y in 1..grey.height.saturating_sub(1) {
        let (above, here, below) = (row(y - 1), row(y), row(y + 1));
        for x in 1..grey.width.saturating_sub(1) {
            let at = |row: &[[f32; 1]], x: usize| row[x][0];
            let corners = at(above, x - 1) + at(above, x + 1) + at(below, x - 1) + at(below, x + 1);
            let sides = at(above, x) + at(here, x - 1) + at(here, x + 1) + at(below, x);
            differences.push((corners - 2.0 * sides + 4.0 * at(here, x)).abs());
        }
    }
    if differences.is_empty() {
        return 0.0;
    }
    let middle = differences.len() / 2;
    let (_, median, _) = differences.select_nth_unstable_by(middle, f32::total_cmp);
    // The filter multiplies the deviation by six; 0.6745 is the median of a normal distribution's size.
    *median / 6.0 / 0.6745
}

/// The lowest and highest level among a pixel and its eight neighbours.
fn neighbours_range(grey: &Grey) -> Plane<2> {
    let (right, bottom) = (grey.width - 1, grey.height - 1);
    let rows = Plane::of(grey.width, grey.height, |x, y| {
        let places = [x.saturating_sub(1), x, (x + 1).min(right)];
        let levels = places.map(|x| grey.pixels[y * grey.width + x][0]);
        [
            levels.into_iter().fold(f32::INFINITY, f32::min),
            levels.into_iter().fold(f32::NEG_INFINITY, f32::max),
        ]
    });
    Plane::of(grey.width, grey.height, |x, y| {
        let places = [y.saturating_sub(1), y, (y + 1).min(bottom)];
        let ranges = places.map(|y| rows.pixels[y * grey.width + x]);
        [
            ranges
                .iter()
                .fold(f32::INFINITY, |low, range| low.min(range[0])),
            ranges
                .iter()
                .fold(f32::NEG_INFINITY, |high, range| high.max(range[1])),
        ]
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builtin::plane::white_noise;

    #[test]
    fn noise_is_measured_beside_edges() {
        let clean = Plane::of(80, 60, |x, _| [if x < 40 { 0.2 } else { 0.8 }; 3]);
        assert!(noise(&clean) < 0.001);
        let grain = white_noise(80, 60, 3);
        let noisy = clean.with(&grain, |colour, [grain]| {
            // Uniform over a tenth: a deviation of 0.029.
            colour.map(|level| level + 0.1 * (grain - 0.5))
        });
        let found = noise(&noisy);
        assert!((0.02..0.04).contains(&found), "{found}");
    }

    #[test]
    fn edges_are_steeper_than_interpolated_ones_and_have_no_halo() {
        let small = Plane::of(40, 30, |x, _| [if x < 20 { 0.3 } else { 0.7 }; 3]);
        let large = enlarged(&small, 160, 120).expect("larger");
        let row = &large.pixels[60 * 160..61 * 160];
        assert!(
            row.iter()
                .flatten()
                .all(|level| (0.28..0.72).contains(level))
        );
        let between = row
            .iter()
            .filter(|[level, ..]| (0.36..0.64).contains(level));
        assert!(between.count() <= 4);
    }
}
