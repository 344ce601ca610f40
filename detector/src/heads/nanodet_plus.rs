//! NanoDet-Plus (RangiLyu, 2021): rows of class probabilities and, for each side of the box, logits
//! of a distribution over distances (Li et al., Generalized Focal Loss, 2020).

use ndarray::ArrayView2;

use super::{HeadError, InputSize, class_with, peak, places};
use crate::bbox::BBox;
use crate::detection::Detection;

/// Cells of 8, 16, 32 and 64 pixels, in this order, each grid row by row.
pub(crate) const STRIDES: [usize; 4] = [8, 16, 32, 64];

/// Distances 0..=7 strides for each of left, top, right, bottom.
const BINS: usize = 8;

/// Appends what scores at least `min_score`.
pub(crate) fn decode(
    rows: ArrayView2<'_, f32>,
    input: InputSize,
    classes: usize,
    min_score: f32,
    found: &mut Vec<Detection>,
) -> Result<(), HeadError> {
    let wanted = [places(input, &STRIDES), classes + 4 * BINS];
    let all = rows
        .as_slice()
        .filter(|_| rows.shape() == wanted)
        .ok_or_else(|| HeadError {
            output: "output",
            found: rows.shape().to_vec(),
            head: "nanodet_plus",
            wanted: format!("{wanted:?}"),
        })?;
    let mut rows = all.chunks_exact(classes + 4 * BINS);
    for stride in STRIDES {
        let (columns, lines) = (input.width.div_ceil(stride), input.height.div_ceil(stride));
        for (cell, row) in rows.by_ref().take(columns * lines).enumerate() {
            let (scores, sides) = row.split_at(classes);
            let score = peak(scores);
            if score >= min_score {
                let class_id = class_with(score, scores);
                // The prior is the cell's corner: this family was trained without a half-cell
                // offset.
                let prior = (
                    (cell % columns * stride) as f32,
                    (cell / columns * stride) as f32,
                );
                let bbox = decode_box(sides, prior, stride as f32);
                found.push(Detection {
                    class_id,
                    score,
                    bbox,
                });
            }
        }
    }
    Ok(())
}

fn decode_box(sides: &[f32], (x, y): (f32, f32), stride: f32) -> BBox {
    let distance = |side: usize| expected_bin(&sides[side * BINS..(side + 1) * BINS]) * stride;
    BBox {
        x1: x - distance(0),
        y1: y - distance(1),
        x2: x + distance(2),
        y2: y + distance(3),
    }
}

/// The mean of the distribution that these logits describe, in bins.
fn expected_bin(logits: &[f32]) -> f32 {
    // Shifted by the largest logit, so that no exponential overflows.
    let largest = logits
        .iter()
        .fold(f32::NEG_INFINITY, |largest, logit| largest.max(*logit));
    let (mut sum, mut weighted) = (0.0, 0.0);
    for (bin, logit) in logits.iter().enumerate() {
        let weight = (logit - largest).exp();
        sum += weight;
        weighted += weight * bin as f32;
    }
    weighted / sum
}

#[cfg(test)]
mod tests {
    use super::super::reference::{Random, Reference, assert_same};
    use super::*;

    /// 72 is no multiple of 16, 32 or 64: the last cells hang over the edge.
    const INPUT: InputSize = InputSize {
        width: 96,
        height: 72,
    };
    const CLASSES: usize = 80;

    fn tensor(seed: u32) -> ndarray::Array2<f32> {
        let mut random = Random::new(seed);
        let shape = (places(INPUT, &STRIDES), CLASSES + 4 * BINS);
        ndarray::Array2::from_shape_fn(shape, |(_, column)| {
            if column < CLASSES {
                random.between(0.0, 1.0)
            } else {
                random.between(-6.0, 6.0)
            }
        })
    }

    /// Written the way the paper says it, one cell at a time, in f64.
    fn reference(rows: &ndarray::Array2<f32>, min_score: f64) -> Vec<Reference> {
        let mut found = Vec::new();
        let mut index = 0;
        for stride in [8.0, 16.0, 32.0, 64.0] {
            for gy in 0..(INPUT.height as f64 / stride).ceil() as usize {
                for gx in 0..(INPUT.width as f64 / stride).ceil() as usize {
                    let at = |column: usize| f64::from(rows[[index, column]]);
                    let mut class = 0;
                    for other in 1..CLASSES {
                        if at(other) > at(class) {
                            class = other;
                        }
                    }
                    let side = |side: usize| {
                        let first = CLASSES + side * 8;
                        let sum: f64 = (0..8).map(|bin| at(first + bin).exp()).sum();
                        let mean: f64 = (0..8)
                            .map(|bin| at(first + bin).exp() / sum * bin as f64)
                            .sum();
                        mean * stride
                    };
                    let (px, py) = (gx as f64 * stride, gy as f64 * stride);
                    let corners = [px - side(0), py - side(1), px + side(2), py + side(3)];
                    if at(class) >= min_score {
                        found.push((class, at(class), corners));
                    }
                    index += 1;
                }
            }
        }
        found
    }

    #[test]
    fn agrees_with_a_plain_reference_on_random_tensors() {
        for seed in 1..=8 {
            let rows = tensor(seed);
            let mut found = Vec::new();
            decode(rows.view(), INPUT, CLASSES, 0.99, &mut found).expect("right shape");
            assert_same(&found, &reference(&rows, 0.99));
        }
    }

    #[test]
    fn huge_logits_do_not_overflow() {
        assert_eq!(
            expected_bin(&[0.0, 0.0, 0.0, 900.0, 0.0, 0.0, 0.0, 0.0]),
            3.0
        );
        assert!((expected_bin(&[-900.0; 8]) - 3.5).abs() < 1e-6);
    }

    #[test]
    fn a_foreign_shape_is_refused_by_name() {
        let rows = ndarray::Array2::<f32>::zeros((3598, 85));
        let error = decode(rows.view(), INPUT, CLASSES, 0.5, &mut Vec::new()).unwrap_err();
        assert!(error.to_string().contains("nanodet_plus"), "{error}");
    }
}
