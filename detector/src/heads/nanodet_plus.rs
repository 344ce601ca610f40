//! NanoDet-Plus (RangiLyu, 2021).
//!
//! Output: f32 [cells, classes + 32]. Each row has the class probabilities and, for each side of the
//! box (left, top, right, bottom), 8 logits of a distribution over distances from the cell's corner
//! (Li et al., Generalized Focal Loss, 2020).

use super::decoding::{
    Cell, DecodeHead, HeadConfig, HeadError, RawOutputs, class_with, peak, rows_of_cells,
};
use crate::detection::{BBox, Detection};

pub(super) const STRIDES: [usize; 4] = [8, 16, 32, 64];

/// Logits of a side, for the distances of 0 to 7 strides.
const BINS: usize = 8;

pub(super) struct NanodetPlus(pub(super) HeadConfig);

impl DecodeHead for NanodetPlus {
    fn decode(
        &mut self,
        outputs: &dyn RawOutputs,
        min_score: f32,
        found: &mut Vec<Detection>,
    ) -> Result<(), HeadError> {
        let HeadConfig { input, classes, .. } = self.0;
        let columns = classes + 4 * BINS;
        for (row, cell) in rows_of_cells("nanodet_plus", outputs, input, &STRIDES, columns)? {
            let (scores, sides) = row.split_at(classes);
            let score = peak(scores);
            if score >= min_score {
                found.push(Detection {
                    class_id: class_with(score, scores),
                    score,
                    bbox: decode_box(sides, cell),
                });
            }
        }
        Ok(())
    }
}

/// Distances count from the cell's corner: this family was trained without a half-cell offset.
fn decode_box(sides: &[f32], cell: Cell) -> BBox {
    let (x, y) = (
        (cell.column * cell.stride) as f32,
        (cell.row * cell.stride) as f32,
    );
    let mean_bin = |side: usize| expected_bin(&sides[side * BINS..(side + 1) * BINS]);
    let distance = |side: usize| mean_bin(side) * cell.stride as f32;
    BBox::new(
        x - distance(0),
        y - distance(1),
        x + distance(2),
        y + distance(3),
    )
}

/// The mean of the distribution that these logits describe, in bins.
fn expected_bin(logits: &[f32]) -> f32 {
    // The largest logit is subtracted, so that no exponential overflows.
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
    use super::super::tests::{Outputs, Random, Reference, assert_same};
    use super::*;
    use crate::heads::decoding::{InputSize, cell_count};

    /// 72 is not a multiple of 16, 32 or 64, so the last cells reach beyond the input.
    const INPUT: InputSize = InputSize {
        width: 96,
        height: 72,
    };
    const CLASSES: usize = 80;

    fn decode(rows: &ndarray::Array2<f32>, min_score: f32) -> Result<Vec<Detection>, HeadError> {
        let mut decoder = NanodetPlus(HeadConfig {
            input: INPUT,
            classes: CLASSES,
            box_units: None,
        });
        let outputs = Outputs::default().floats("output", rows.clone());
        outputs.decode(&mut decoder, min_score)
    }

    fn tensor(seed: u32) -> ndarray::Array2<f32> {
        let mut random = Random::new(seed);
        let shape = (cell_count(INPUT, &STRIDES), CLASSES + 4 * BINS);
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
    fn decoding_agrees_with_a_reference_on_random_tensors() {
        for seed in 1..=8 {
            let rows = tensor(seed);
            let found = decode(&rows, 0.99).expect("the shape fits");
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
    fn another_shape_is_refused_by_name() {
        let rows = ndarray::Array2::<f32>::zeros((3598, 85));
        let error = decode(&rows, 0.5).expect_err("another shape");
        assert!(error.to_string().contains("nanodet_plus"), "{error}");
    }
}
