//! FastestDet (dog-qiuqiu, 2022): one grid with cells of 16 pixels, one plane of it for each of
//! `objectness x y width height class...`. Objectness and classes come out of the network as
//! probabilities, the box as what tanh and the logistic function are still to be applied to.

use ndarray::ArrayView3;

use super::{HeadError, InputSize};
use crate::bbox::BBox;
use crate::detection::Detection;

const STRIDE: usize = 16;

/// The output has no better name than its number in the exported graph.
pub(crate) const OUTPUT: &str = "758";

/// How much objectness and class weigh in the score, as in the published evaluation.
const OBJECT_POWER: f32 = 0.6;
const CLASS_POWER: f32 = 0.4;

/// Appends what scores at least `min_score`.
pub(crate) fn decode(
    planes: ArrayView3<'_, f32>,
    input: InputSize,
    classes: usize,
    min_score: f32,
    found: &mut Vec<Detection>,
) -> Result<(), HeadError> {
    let (columns, lines) = (input.width.div_ceil(STRIDE), input.height.div_ceil(STRIDE));
    let wanted = [5 + classes, lines, columns];
    if planes.shape() != wanted {
        return Err(HeadError {
            output: OUTPUT,
            found: planes.shape().to_vec(),
            head: "fastestdet",
            wanted: format!("{wanted:?}"),
        });
    }
    for line in 0..lines {
        for column in 0..columns {
            let cell = |plane: usize| planes[[plane, line, column]];
            // A class probability is at most 1: most cells are done after one comparison.
            let object = cell(0).powf(OBJECT_POWER);
            if object >= min_score {
                let (class_id, class_score) = best((0..classes).map(|class| cell(5 + class)));
                let score = object * class_score.powf(CLASS_POWER);
                if score >= min_score {
                    let bbox = BBox::around(
                        (column as f32 + cell(1).tanh()) * STRIDE as f32,
                        (line as f32 + cell(2).tanh()) * STRIDE as f32,
                        logistic(cell(3)) * input.width as f32,
                        logistic(cell(4)) * input.height as f32,
                    );
                    found.push(Detection {
                        class_id,
                        score,
                        bbox,
                    });
                }
            }
        }
    }
    Ok(())
}

/// The largest of `scores` and its place, the first of equals; NaN never wins.
fn best(scores: impl Iterator<Item = f32>) -> (usize, f32) {
    scores
        .enumerate()
        .fold((0, f32::NEG_INFINITY), |best, next| {
            if next.1 > best.1 { next } else { best }
        })
}

fn logistic(value: f32) -> f32 {
    1.0 / (1.0 + (-value).exp())
}

#[cfg(test)]
mod tests {
    use ndarray::Array3;

    use super::super::reference::{Random, Reference, assert_same};
    use super::*;

    const INPUT: InputSize = InputSize {
        width: 96,
        height: 64,
    };
    const CLASSES: usize = 80;

    fn tensor(seed: u32) -> Array3<f32> {
        let mut random = Random::new(seed);
        Array3::from_shape_fn((5 + CLASSES, 4, 6), |(plane, ..)| match plane {
            1..5 => random.between(-2.0, 2.0),
            _ => random.between(0.0, 1.0),
        })
    }

    /// As the published script has it: fractions of the picture, in f64.
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
    fn agrees_with_a_plain_reference_on_random_tensors() {
        for seed in 1..=8 {
            let planes = tensor(seed);
            let mut found = Vec::new();
            decode(planes.view(), INPUT, CLASSES, 0.5, &mut found).expect("right shape");
            assert_same(&found, &reference(&planes, 0.5));
        }
    }

    #[test]
    fn nothing_that_is_no_number_is_found() {
        let mut found = Vec::new();
        let planes = Array3::from_elem((5 + CLASSES, 4, 6), f32::NAN);
        decode(planes.view(), INPUT, CLASSES, 0.0, &mut found).expect("right shape");
        assert_eq!(found, []);
    }

    #[test]
    fn a_foreign_shape_is_refused_by_name() {
        let planes = Array3::<f32>::zeros((85, 22, 22));
        let error = decode(planes.view(), INPUT, CLASSES, 0.5, &mut Vec::new()).unwrap_err();
        assert!(error.to_string().contains("[85, 22, 22]"), "{error}");
    }
}
