//! NanoDet-Plus (RangiLyu, 2021).
//!
//! Output: f32 [cells, classes + 32]. Each row has the class probabilities and, for each side of the
//! box (left, top, right, bottom), 8 logits of a distribution over distances from the cell's corner:
//! this family was trained without a half-cell offset.

use super::decoding::{DecodeHead, HeadConfig, HeadError, RawOutputs};
use super::grid::{Cell, best_class, decode_cells, rows_of_cells};
use crate::detection::Detection;

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
        let output = outputs.floats("output")?;
        let rows = rows_of_cells("nanodet_plus", &output, input, &STRIDES, columns)?;
        let class_of = |row: &[f32]| best_class(&row[..classes], min_score);
        let box_of = |row: &[f32], cell: Cell| cell.box_by_distributions(&row[classes..], 0.0);
        decode_cells(rows, class_of, box_of, found);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Outputs, Random, Reference, assert_same};
    use super::*;
    use crate::heads::InputSize;
    use crate::heads::grid::cell_count;

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
    fn another_shape_is_refused_by_name() {
        let rows = ndarray::Array2::<f32>::zeros((3598, 85));
        let error = decode(&rows, 0.5).expect_err("another shape");
        assert!(error.to_string().contains("nanodet_plus"), "{error}");
    }
}
