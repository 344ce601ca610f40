//! Oil: dabs of even colour, pulled along the edges, with the bristles' relief under light.

use super::along::{flow, gradient, smeared};
use super::filters::{blur, separable};
use super::noise::white;
use super::plane::{Colour, Plane, luma, saturated};
use super::stages::{Interrupted, Stages};

/// How much the most even of four neighbourhoods wins.
const EVENNESS: i32 = 2;

pub(super) fn make(picture: &Colour, stages: &Stages) -> Result<Colour, Interrupted> {
    let (width, height) = (picture.width, picture.height);
    let dabs = brushed(picture, 5)?;
    stages.next()?;
    let grey = blur(&dabs.map(|colour| [luma(colour)]), 2.0)?;
    // Flat walls get a direction as well.
    let drift = super::noise::clouds(width, height, 120, 2, 3);
    let grey = grey.with(&drift, |[grey], [drift]| [grey + 0.02 * drift]);
    let flow = flow(&grey, 6.0)?;
    stages.next()?;
    let bristles = blur(&white(width, height, 5), 0.9)?;
    // Colour and bristles in one pass: following the flow takes most of the time.
    let both = dabs.with(&bristles, |[red, green, blue], [bristle]| {
        [red, green, blue, bristle]
    });
    let both = smeared(&both, &flow, 10, 1.4);
    stages.next()?;
    let pulled = both.map(|[red, green, blue, _]| [red, green, blue]);
    let bristles = both.map(|[.., bristle]| [bristle]).normal();
    let relief = gradient(&bristles).map(|[gx, gy]| [gx + gy]).normal();
    let surface = bristles.with(&relief, |bristle, relief| [bristle[0], relief[0]]);
    let painted = pulled.with(&surface, |colour, [bristle, relief]| {
        saturated(colour, 1.35).map(|level| {
            // Pigment shows in the middle tones, gloss everywhere.
            let pigment = 0.024 * bristle * (2.4 * level * (1.0 - level) + 0.4);
            (level + pigment + 0.026 * relief - 0.5) * 1.08 + 0.5
        })
    });
    stages.next()?;
    Ok(painted)
}

/// Each pixel as the most even of the four neighbourhoods that it is a corner of (Kuwahara et al., 1976;
/// weighted softly as Papari, Petkov and Campisi do, 2007).
pub(super) fn brushed(picture: &Colour, reach_px: usize) -> Result<Colour, Interrupted> {
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
    fn an_edge_stays_where_it_was() {
        let edge = Plane::of(40, 20, |x, _| [if x < 20 { 0.1 } else { 0.9 }; 3]);
        let brushed = brushed(&edge, 5).expect("brushed");
        for (one, other) in edge.pixels.iter().zip(&brushed.pixels) {
            assert!((one[0] - other[0]).abs() < 0.02);
        }
        let grey = brushed.map(|colour| [luma(colour)]);
        assert!(grey.pixels.iter().all(|[level]| level.is_finite()));
    }
}
