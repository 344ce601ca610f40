//! Brightness: balanced before a style, in few steps within one. Pure.

use super::plane::{Colour, luma};

/// Shares of pixels taken for black and for white.
const DARK_SHARE: f32 = 0.01;
const BRIGHT_SHARE: f32 = 0.99;

/// How much contrast is added at most.
const GAIN_MAX: f32 = 1.8;
const SPAN_MIN: f32 = 0.25;

/// Full contrast, and half of the picture about as bright as half of white: rooms are dark, halls are
/// grey, and each style expects a picture that is neither.
pub(super) fn balanced(picture: &Colour) -> Colour {
    let greys = quantiles(picture, [DARK_SHARE, 0.5, BRIGHT_SHARE]);
    let [dark, middle, bright] = greys;
    let gain = (1.0 / (bright - dark).max(SPAN_MIN)).min(GAIN_MAX);
    let stretch = |level: f32| ((level - dark) * gain).clamp(0.0, 1.0);
    let middle = stretch(middle).clamp(0.02, 0.98);
    let bend = (0.5_f32.ln() / middle.ln()).clamp(0.6, 1.25);
    // Not all the way: a picture at night stays one.
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

/// The brightness that so large a share of the picture has at most.
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

/// In `steps` steps with soft edges (Winnemöller, Olsen and Gooch, "Real-Time Video Abstraction", 2006).
#[inline]
pub(super) fn stepped(level: f32, steps: f32, sharpness: f32) -> f32 {
    let middle = ((level * steps).floor() + 0.5) / steps;
    middle + (sharpness * (level - middle) * steps).tanh() / (2.0 * steps)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builtin::plane::Plane;

    #[test]
    fn a_grey_picture_gets_contrast_and_a_dark_one_light() {
        let grey = Plane::of(64, 64, |x, _| [0.3 + x as f32 / 200.0; 3]);
        let [dark, bright] = quantiles(&balanced(&grey), [0.02, 0.98]);
        assert!(dark < 0.1 && bright > 0.5, "{dark} {bright}");
        let night = Plane::of(64, 64, |x, _| [x as f32 / 640.0; 3]);
        let [before] = quantiles(&night, [0.5]);
        let [after] = quantiles(&balanced(&night), [0.5]);
        assert!(after > before * 1.5, "{before} {after}");
    }

    #[test]
    fn one_flat_colour_stays_a_picture() {
        for level in [0.0, 0.5, 1.0] {
            let flat = Plane::of(16, 16, |_, _| [level; 3]);
            let balanced = balanced(&flat);
            assert!(
                balanced
                    .pixels
                    .as_flattened()
                    .iter()
                    .all(|l| (0.0..=1.0).contains(l))
            );
        }
    }
}
