//! Oil painting: the Kuwahara filter, blurred along edges, with a relief of bristles.

use crate::builtin::edges::{edge_flow, gradient, smear_along};
use crate::builtin::filters::{blur, separable};
use crate::builtin::plane::{Colour, Plane, fractal_noise, luma, saturate, white_noise};
use crate::builtin::stages::{Stages, StyleError};
use crate::builtin::style::BuiltinStyle;
use crate::builtin::subject::{Part, Subject};

pub(super) const STYLE: BuiltinStyle = BuiltinStyle {
    id: "oil",
    title: "Oil painting",
    steps: 4,
    make,
};

/// Exponent of the weight of an even quadrant.
const EVENNESS: i32 = 2;

/// Reach of dabs, and half the length of strokes, in the picture and in an enlarged face.
const DABS_PX: [usize; 2] = [5, 2];
const STROKES: [usize; 2] = [10, 4];

/// Strength of the relief on a face.
const RELIEF_ON_FACES: f32 = 0.4;

fn make(subject: &Subject, stages: &Stages) -> Result<Colour, StyleError> {
    let both = subject.paint(stages, strokes)?;
    let pulled = both.map(|[red, green, blue, _]| [red, green, blue]);
    let bristles = both.map(|[.., bristle]| [bristle]);
    let relief = gradient(&bristles).map(|[gx, gy]| [gx + gy]).normalised();
    let surface = bristles.with(&relief, |bristle, relief| [bristle[0], relief[0]]);
    let surface = surface.with(&subject.face_cover(), |[bristle, relief], [face]| {
        let strength = 1.0 - (1.0 - RELIEF_ON_FACES) * face;
        [bristle * strength, relief * strength]
    });
    let painted = pulled.with(&surface, |colour, [bristle, relief]| {
        saturate(colour, 1.35).map(|level| {
            // Pigment shows in mid-tones, gloss everywhere.
            let pigment = 0.024 * bristle * (2.4 * level * (1.0 - level) + 0.4);
            (level + pigment + 0.026 * relief - 0.5) * 1.08 + 0.5
        })
    });
    stages.advance()?;
    Ok(painted)
}

/// Strokes of colour, and the bristles that left them.
fn strokes(part: &Part<'_>, stages: &Stages) -> Result<Plane<4>, StyleError> {
    let (width, height) = (part.picture.width, part.picture.height);
    let is_face = usize::from(part.is_face());
    let dabs = kuwahara(part.picture, DABS_PX[is_face])?;
    stages.advance()?;
    let grey = blur(&dabs.map(|colour| [luma(colour)]), 2.0)?;
    // Gives flat areas a direction too.
    let drift = fractal_noise(width, height, 120, 2, 3);
    let grey = grey.with(&drift, |[grey], [drift]| [grey + 0.02 * drift]);
    let flow = edge_flow(&grey, 6.0)?;
    stages.advance()?;
    let bristles = blur(&white_noise(width, height, 5), 0.9)?;
    // Colour and bristles in one pass, since the convolution takes most of the time.
    let both = dabs.with(&bristles, |[red, green, blue], [bristle]| {
        [red, green, blue, bristle]
    });
    let both = smear_along(&both, &flow, STROKES[is_face], 1.4);
    stages.advance()?;
    let pulled = both.map(|[red, green, blue, _]| [red, green, blue]);
    let pulled = part.with_features(pulled, &dabs, 0.7);
    let bristles = both.map(|[.., bristle]| [bristle]).normalised();
    Ok(pulled.with(&bristles, |[red, green, blue], [bristle]| {
        [red, green, blue, bristle]
    }))
}

/// Kuwahara filter: each pixel becomes the mean of the adjacent quadrant with the least variance (Kuwahara
/// et al., 1976; soft weights after Papari, Petkov and Campisi, 2007).
pub(super) fn kuwahara(picture: &Colour, reach_px: usize) -> Result<Colour, StyleError> {
    let with_square = picture.map(|colour| {
        let [red, green, blue] = colour;
        [red, green, blue, luma(colour).powi(2)]
    });
    let sigma = reach_px as f32 / 2.0;
    let half = |before: bool| {
        let weight = |at: usize| {
            let from_middle = at as f32 - reach_px as f32;
            let is_there = if before {
                at <= reach_px
            } else {
                at >= reach_px
            };
            f32::from(u8::from(is_there)) * (-from_middle.powi(2) / (2.0 * sigma * sigma)).exp()
        };
        let weights: Vec<f32> = (0..=2 * reach_px).map(weight).collect();
        let sum: f32 = weights.iter().sum();
        weights
            .into_iter()
            .map(|weight| weight / sum)
            .collect::<Vec<_>>()
    };
    let halves = [half(true), half(false)];
    let mut sums: Plane<4> = Plane::of(picture.width, picture.height, |_, _| [0.0; 4]);
    for along_rows in &halves {
        for along_columns in &halves {
            let means = separable(&with_square, along_rows, along_columns)?;
            for (sum, [red, green, blue, square]) in sums.pixels.iter_mut().zip(means.pixels) {
                let variance = (square - luma([red, green, blue]).powi(2)).max(0.0);
                let weight = (1e-4 + variance).powi(-EVENNESS);
                for (sum, level) in sum.iter_mut().zip([red, green, blue, 1.0]) {
                    *sum += level * weight;
                }
            }
        }
    }
    Ok(sums.map(|[red, green, blue, weight]| [red, green, blue].map(|sum| sum / weight)))
}

#[cfg(test)]
mod tests {

    use super::*;

    #[test]
    fn kuwahara_keeps_edges() {
        let edge = Plane::of(40, 20, |x, _| [if x < 20 { 0.1 } else { 0.9 }; 3]);
        let brushed = kuwahara(&edge, 5).expect("brushed");
        for (one, other) in edge.pixels.iter().zip(&brushed.pixels) {
            assert!((one[0] - other[0]).abs() < 0.02);
        }
        let grey = brushed.map(|colour| [luma(colour)]);
        assert!(grey.pixels.iter().all(|[level]| level.is_finite()));
    }
}
