//! PicoDet (PaddleDetection, 2021), exported without post-processing.
//!
//! Outputs for each stride N of 8, 16, 32, 64: `cls_N` f32 [cells, classes], probabilities; `box_N` f32
//! [cells, 4 * bins], logits of a distribution for each side of the box over distances from the middle
//! of the cell. The files name these outputs in many ways, so that a manifest maps them.

use super::decoding::{DecodeHead, HeadConfig, HeadError, RawOutputs, checked};
use super::grid::{Cell, best_class, cell_count, cells, decode_cells};
use crate::detection::Detection;

/// The names of the outputs of each stride: classes and boxes.
pub(crate) const OUTPUTS: [(usize, [&str; 2]); 4] = [
    (8, ["cls_8", "box_8"]),
    (16, ["cls_16", "box_16"]),
    (32, ["cls_32", "box_32"]),
    (64, ["cls_64", "box_64"]),
];

pub(super) struct Picodet(pub(super) HeadConfig);

impl DecodeHead for Picodet {
    fn decode(
        &mut self,
        outputs: &dyn RawOutputs,
        min_score: f32,
        found: &mut Vec<Detection>,
    ) -> Result<(), HeadError> {
        let HeadConfig { input, classes, .. } = self.0;
        for (stride, [class, sides]) in OUTPUTS {
            let count = cell_count(input, &[stride]);
            let (scores, logits) = (outputs.floats(class)?, outputs.floats(sides)?);
            let scores = checked("picodet", class, &scores, &[count, classes])?;
            // At least two bins, else there is no distribution.
            let columns = (logits.len() / count.max(1) / 4).max(2) * 4;
            let logits = checked("picodet", sides, &logits, &[count, columns])?;
            let said = scores
                .chunks_exact(classes)
                .zip(logits.chunks_exact(columns));
            let class_of = |(scores, _): (&[f32], &[f32])| best_class(scores, min_score);
            let box_of =
                |(_, logits): (&[f32], &[f32]), cell: Cell| cell.box_by_distributions(logits, 0.5);
            decode_cells(said.zip(cells(input, &[stride])), class_of, box_of, found);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::super::tests::{Outputs, Random, Reference, assert_same, config};
    use super::*;

    const CLASSES: usize = 5;

    /// Outputs for an input of 96x64, and what a slow decoder makes of them, in f64.
    fn outputs(bins: usize) -> (Outputs, Vec<Reference>) {
        let (mut random, mut outputs, mut wanted) =
            (Random::new(6), Outputs::default(), Vec::new());
        for (stride, [class, sides]) in OUTPUTS {
            let (columns, rows) = (96usize.div_ceil(stride), 64usize.div_ceil(stride));
            let count = columns * rows;
            let scores = Array2::from_shape_fn((count, CLASSES), |_| random.between(0.0, 1.0));
            let logits = Array2::from_shape_fn((count, 4 * bins), |_| random.between(-6.0, 6.0));
            for at in 0..count {
                let score = |class: usize| f64::from(scores[[at, class]]);
                let best = (1..CLASSES).fold(0, |best, class| match score(class) > score(best) {
                    true => class,
                    false => best,
                });
                let side = |side: usize| {
                    let weight = |bin: usize| f64::from(logits[[at, side * bins + bin]]).exp();
                    let sum: f64 = (0..bins).map(weight).sum();
                    let mean = |bin: usize| weight(bin) / sum * bin as f64;
                    (0..bins).map(mean).sum::<f64>() * stride as f64
                };
                let x = ((at % columns) as f64 + 0.5) * stride as f64;
                let y = ((at / columns) as f64 + 0.5) * stride as f64;
                if score(best) >= 0.8 {
                    let corners = [x - side(0), y - side(1), x + side(2), y + side(3)];
                    wanted.push((best, score(best), corners));
                }
            }
            outputs = outputs.floats(class, scores).floats(sides, logits);
        }
        (outputs, wanted)
    }

    #[test]
    fn decoding_agrees_with_a_reference_on_random_tensors() {
        for bins in [8, 12] {
            let (outputs, wanted) = outputs(bins);
            let found = outputs.decode(&mut Picodet(config(CLASSES)), 0.8);
            assert_same(&found.expect("the shapes fit"), &wanted);
        }
    }

    #[test]
    fn another_number_of_classes_is_refused_by_name() {
        let error = outputs(8).0.decode(&mut Picodet(config(80)), 0.8);
        let error = error.expect_err("80 classes").to_string();
        assert!(error.contains("cls_8"), "{error}");
    }
}
