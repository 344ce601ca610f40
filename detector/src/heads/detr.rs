//! RF-DETR, and RT-DETR and D-FINE as Hugging Face's libraries export them: without post-processing.
//!
//! Outputs: `logits` f32 [queries, classes], before the logistic function; `boxes` f32 [queries, 4]: the
//! centre x, y, width and height as fractions of the input. A query may be of several classes, as in the
//! post-processing of those libraries. One class more than the manifest names means "no object".

use super::decoding::{DecodeHead, HeadConfig, HeadError, RawOutputs, checked, logistic};
use crate::detection::{BBox, Detection};

pub(super) struct Detr(pub(super) HeadConfig);

impl DecodeHead for Detr {
    fn decode(
        &mut self,
        outputs: &dyn RawOutputs,
        min_score: f32,
        found: &mut Vec<Detection>,
    ) -> Result<(), HeadError> {
        let HeadConfig { input, classes, .. } = self.0;
        let (logits, boxes) = (outputs.floats("logits")?, outputs.floats("boxes")?);
        let queries = boxes.len() / 4;
        let boxes = checked("detr", "boxes", &boxes, &[queries, 4])?;
        let with_none = [queries, classes + 1];
        let columns = match logits.shape() == with_none {
            true => classes + 1,
            false => classes,
        };
        let logits = checked("detr", "logits", &logits, &[queries, columns])?;
        let first = found.len();
        // The few that remain are compared exactly.
        let least = (min_score / (1.0 - min_score)).ln() - 1e-3;
        for (logits, centre) in logits.chunks_exact(columns).zip(boxes.chunks_exact(4)) {
            for (class_id, logit) in logits[..classes].iter().enumerate() {
                let score = if *logit >= least {
                    logistic(*logit)
                } else {
                    continue;
                };
                if score >= min_score {
                    let bbox = BBox::around(centre[0], centre[1], centre[2], centre[3]);
                    found.push(Detection {
                        class_id,
                        score,
                        bbox: bbox.scaled(input.width as f32, input.height as f32),
                    });
                }
            }
        }
        found[first..].sort_by(|a, b| b.score.total_cmp(&a.score));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::super::tests::{Outputs, Random, Reference, assert_same, config};
    use super::*;

    const CLASSES: usize = 7;

    fn outputs(columns: usize) -> (Outputs, Array2<f32>, Array2<f32>) {
        let mut random = Random::new(4);
        let logits = Array2::from_shape_fn((100, columns), |_| random.between(-8.0, 2.0));
        let boxes = Array2::from_shape_fn((100, 4), |_| random.between(0.0, 1.0));
        let outputs = Outputs::default().floats("logits", logits.clone());
        (outputs.floats("boxes", boxes.clone()), logits, boxes)
    }

    /// As the libraries do it: all pairs of query and class, sorted by score, in f64.
    fn reference(logits: &Array2<f32>, boxes: &Array2<f32>, min_score: f64) -> Vec<Reference> {
        let mut wanted: Vec<Reference> = Vec::new();
        for (query, row) in boxes.rows().into_iter().enumerate() {
            let row: Vec<f64> = row.iter().map(|value| f64::from(*value)).collect();
            let (width, height) = (96.0, 64.0);
            let (x, y, w, h) = (
                row[0] * width,
                row[1] * height,
                row[2] * width,
                row[3] * height,
            );
            for class in 0..CLASSES {
                let score = 1.0 / (1.0 + (-f64::from(logits[[query, class]])).exp());
                if score >= min_score {
                    let corners = [x - w / 2.0, y - h / 2.0, x + w / 2.0, y + h / 2.0];
                    wanted.push((class, score, corners));
                }
            }
        }
        wanted.sort_by(|a, b| b.1.total_cmp(&a.1));
        wanted
    }

    #[test]
    fn decoding_agrees_with_a_reference_with_and_without_a_class_for_no_object() {
        for columns in [CLASSES, CLASSES + 1] {
            for min_score in [0.3, 0.7] {
                let (outputs, logits, boxes) = outputs(columns);
                let found = outputs.decode(&mut Detr(config(CLASSES)), min_score);
                let wanted = reference(&logits, &boxes, f64::from(min_score));
                assert_same(&found.expect("the shapes fit"), &wanted);
            }
        }
    }

    #[test]
    fn every_score_counts_at_0_and_none_at_1() {
        let (outputs, ..) = outputs(CLASSES);
        let count = |min_score| {
            let found = outputs.decode(&mut Detr(config(CLASSES)), min_score);
            found.expect("the shapes fit").len()
        };
        assert_eq!((count(0.0), count(1.0)), (100 * CLASSES, 0));
    }

    #[test]
    fn another_number_of_classes_is_refused() {
        let (outputs, ..) = outputs(CLASSES + 2);
        let error = outputs.decode(&mut Detr(config(CLASSES)), 0.5);
        let error = error.expect_err("two more").to_string();
        assert!(error.contains("[100, 9]"), "{error}");
    }
}
