//! YOLOX (Ge et al., 2021): rows of `cx cy w h objectness class...`, one for each cell of three
//! grids. Objectness and classes come out of the network as probabilities already.

use ndarray::ArrayView2;

use super::{HeadError, InputSize, class_with, peak, places};
use crate::bbox::BBox;
use crate::detection::Detection;

/// Cells of 8, 16 and 32 pixels, in this order, each grid row by row.
pub(crate) const STRIDES: [usize; 3] = [8, 16, 32];

/// Appends what scores at least `min_score`.
pub(crate) fn decode(
    rows: ArrayView2<'_, f32>,
    input: InputSize,
    classes: usize,
    min_score: f32,
    found: &mut Vec<Detection>,
) -> Result<(), HeadError> {
    let wanted = [places(input, &STRIDES), 5 + classes];
    let all = rows
        .as_slice()
        .filter(|_| rows.shape() == wanted)
        .ok_or_else(|| HeadError {
            output: "output",
            found: rows.shape().to_vec(),
            head: "yolox",
            wanted: format!("{wanted:?}"),
        })?;
    let mut rows = all.chunks_exact(5 + classes);
    for stride in STRIDES {
        let (columns, lines) = (input.width.div_ceil(stride), input.height.div_ceil(stride));
        for (cell, row) in rows.by_ref().take(columns * lines).enumerate() {
            // A class probability is at most 1: most cells are done after one comparison.
            let objectness = row[4];
            if objectness >= min_score {
                let origin = ((cell % columns) as f32, (cell / columns) as f32);
                found.extend(decode_cell(row, origin, stride as f32, min_score));
            }
        }
    }
    Ok(())
}

fn decode_cell(row: &[f32], (x, y): (f32, f32), stride: f32, min_score: f32) -> Option<Detection> {
    let class_score = peak(&row[5..]);
    let score = row[4] * class_score;
    let (width, height) = (row[2].exp() * stride, row[3].exp() * stride);
    let bbox = BBox::around((row[0] + x) * stride, (row[1] + y) * stride, width, height);
    (score >= min_score).then(|| Detection {
        class_id: class_with(class_score, &row[5..]),
        score,
        bbox,
    })
}

#[cfg(test)]
mod tests {
    use super::super::reference::{Random, Reference, assert_same};
    use super::*;

    const INPUT: InputSize = InputSize {
        width: 96,
        height: 64,
    };
    const CLASSES: usize = 80;

    fn tensor(seed: u32) -> ndarray::Array2<f32> {
        let mut random = Random::new(seed);
        ndarray::Array2::from_shape_fn((places(INPUT, &STRIDES), 5 + CLASSES), |(_, column)| {
            if column < 4 {
                random.between(-2.0, 2.0)
            } else {
                random.between(0.0, 1.0)
            }
        })
    }

    /// Written the way the paper says it, one cell at a time, in f64.
    fn reference(rows: &ndarray::Array2<f32>, min_score: f64) -> Vec<Reference> {
        let mut found = Vec::new();
        let mut index = 0;
        for stride in [8usize, 16, 32] {
            for gy in 0..INPUT.height / stride {
                for gx in 0..INPUT.width / stride {
                    let at = |column: usize| f64::from(rows[[index, column]]);
                    let step = stride as f64;
                    let (cx, cy) = ((at(0) + gx as f64) * step, (at(1) + gy as f64) * step);
                    let (w, h) = (at(2).exp() * step, at(3).exp() * step);
                    let mut class = 0;
                    for other in 1..CLASSES {
                        if at(5 + other) > at(5 + class) {
                            class = other;
                        }
                    }
                    let score = at(4) * at(5 + class);
                    if score >= min_score {
                        let corners = [cx - w / 2.0, cy - h / 2.0, cx + w / 2.0, cy + h / 2.0];
                        found.push((class, score, corners));
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
            decode(rows.view(), INPUT, CLASSES, 0.5, &mut found).expect("right shape");
            assert_same(&found, &reference(&rows, 0.5));
        }
    }

    #[test]
    fn a_foreign_shape_is_refused_by_name() {
        let rows = ndarray::Array2::<f32>::zeros((10, 85));
        let error = decode(rows.view(), INPUT, CLASSES, 0.5, &mut Vec::new()).unwrap_err();
        assert!(error.to_string().contains("[10, 85]"), "{error}");
    }
}
