//! FastestDet (dog-qiuqiu, 2022): one grid with cells of 16 pixels.
//!
//! Output: f32 [5 + classes, rows, columns], a plane for each of objectness, x, y, width, height, and
//! the classes. Objectness and classes are probabilities. x and y are offsets from the cell's corner
//! in cells, before tanh; width and height are fractions of the input, before the logistic function.

use super::decoding::{DecodeHead, HeadConfig, HeadError, RawOutputs, checked, logistic};
use super::grid::{Cell, cells, decode_cells};
use crate::detection::{BBox, Detection};

const STRIDES: [usize; 1] = [16];
/// The output is named by its number in the exported graph.
const OUTPUT: &str = "758";
/// Exponents of objectness and class in the score, as in the published evaluation.
const OBJECT_POWER: f32 = 0.6;
const CLASS_POWER: f32 = 0.4;

pub(super) struct Fastestdet(pub(super) HeadConfig);

impl DecodeHead for Fastestdet {
    fn decode(
        &mut self,
        outputs: &dyn RawOutputs,
        min_score: f32,
        found: &mut Vec<Detection>,
    ) -> Result<(), HeadError> {
        let HeadConfig { input, classes, .. } = self.0;
        let rows = input.height.div_ceil(STRIDES[0]);
        let columns = input.width.div_ceil(STRIDES[0]);
        let planes = outputs.floats(OUTPUT)?;
        let planes = checked("fastestdet", OUTPUT, &planes, &[5 + classes, rows, columns])?;
        let value = |plane: usize, index: usize| planes[plane * rows * columns + index];
        let class_of = |index: usize| {
            // A class probability is at most 1, so most cells are skipped after one comparison.
            let object = value(0, index).powf(OBJECT_POWER);
            if object < min_score || object.is_nan() {
                return None;
            }
            let (class_id, score) = best((0..classes).map(|class| value(5 + class, index)));
            let score = object * score.powf(CLASS_POWER);
            (score >= min_score).then_some((class_id, score))
        };
        let box_of = |index: usize, cell: Cell| {
            let stride = cell.stride as f32;
            BBox::around(
                (cell.column as f32 + value(1, index).tanh()) * stride,
                (cell.row as f32 + value(2, index).tanh()) * stride,
                logistic(value(3, index)) * input.width as f32,
                logistic(value(4, index)) * input.height as f32,
            )
        };
        decode_cells((0..).zip(cells(input, &STRIDES)), class_of, box_of, found);
        Ok(())
    }
}

/// The largest of `scores` and its index; the first of equals. NaN never wins.
fn best(scores: impl Iterator<Item = f32>) -> (usize, f32) {
    scores
        .enumerate()
        .fold((0, f32::NEG_INFINITY), |best, next| {
            if next.1 > best.1 { next } else { best }
        })
}

#[cfg(test)]
mod tests {
    use ndarray::Array3;

    use super::super::tests::{Outputs, Random, Reference, assert_same};
    use super::*;
    use crate::heads::InputSize;

    const INPUT: InputSize = InputSize {
        width: 96,
        height: 64,
    };
    const CLASSES: usize = 80;

    fn decode(planes: &Array3<f32>, min_score: f32) -> Result<Vec<Detection>, HeadError> {
        let mut decoder = Fastestdet(HeadConfig {
            input: INPUT,
            classes: CLASSES,
            box_units: None,
        });
        let outputs = Outputs::default().floats(OUTPUT, planes.clone());
        outputs.decode(&mut decoder, min_score)
    }

    fn tensor(seed: u32) -> Array3<f32> {
        let mut random = Random::new(seed);
        Array3::from_shape_fn((5 + CLASSES, 4, 6), |(plane, ..)| match plane {
            1..5 => random.between(-2.0, 2.0),
            _ => random.between(0.0, 1.0),
        })
    }

    /// Decodes like the published script: fractions of the picture, in f64.
    fn reference(planes: &Array3<f32>, min_score: f64) -> Vec<Reference> {
        let mut found = Vec::new();
        for h in 0..4 {
            for w in 0..6 {
                let data: Vec<f64> = (0..5 + CLASSES)
                    .map(|plane| f64::from(planes[[plane, h, w]]))
                    .collect();
                let class = data[5..].iter().copied().fold(0.0, f64::max);
                let score = data[0].powf(0.6) * class.powf(0.4);
                let sigmoid = |x: f64| 1.0 / ((-x).exp() + 1.0);
                let tanh = |x: f64| 2.0 / (1.0 + (-2.0 * x).exp()) - 1.0;
                let (bw, bh) = (sigmoid(data[3]), sigmoid(data[4]));
                let (cx, cy) = (
                    (w as f64 + tanh(data[1])) / 6.0,
                    (h as f64 + tanh(data[2])) / 4.0,
                );
                if score >= min_score {
                    let index = data[5..].iter().position(|one| *one == class);
                    found.push((
                        index.expect("one of them"),
                        score,
                        [
                            (cx - 0.5 * bw) * 96.0,
                            (cy - 0.5 * bh) * 64.0,
                            (cx + 0.5 * bw) * 96.0,
                            (cy + 0.5 * bh) * 64.0,
                        ],
                    ));
                }
            }
        }
        found
    }

    #[test]
    fn decoding_agrees_with_a_reference_on_random_tensors() {
        for seed in 1..=8 {
            let planes = tensor(seed);
            let found = decode(&planes, 0.5).expect("the shape fits");
            assert_same(&found, &reference(&planes, 0.5));
        }
    }

    #[test]
    fn nan_is_never_a_detection() {
        let planes = Array3::from_elem((5 + CLASSES, 4, 6), f32::NAN);
        let found = decode(&planes, 0.0).expect("the shape fits");
        assert_eq!(found, []);
    }

    #[test]
    fn another_shape_is_refused_by_name() {
        let planes = Array3::<f32>::zeros((85, 22, 22));
        let error = decode(&planes, 0.5).expect_err("another shape");
        assert!(error.to_string().contains("[85, 22, 22]"), "{error}");
    }
}
