//! DEIMv2 (Intellindust, 2025) and other DETR exports with built-in post-processing.
//!
//! Outputs: `labels` i64 [queries], `boxes` f32 [queries, 4] (left, top, right, bottom), `scores` f32
//! [queries], sorted by score. The boxes are in the pixels of the size that the network is given as
//! `orig_target_sizes`; here it is the size of its input.

use super::decoding::{DecodeHead, HeadConfig, HeadError, RawOutputs, checked};
use crate::detection::{BBox, Detection};

pub(super) struct Deimv2(pub(super) HeadConfig);

impl DecodeHead for Deimv2 {
    fn size_input(&self) -> Option<&'static str> {
        Some("orig_target_sizes")
    }

    fn decode(
        &mut self,
        outputs: &dyn RawOutputs,
        min_score: f32,
        found: &mut Vec<Detection>,
    ) -> Result<(), HeadError> {
        let (labels, boxes) = (outputs.integers("labels")?, outputs.floats("boxes")?);
        let scores = outputs.floats("scores")?;
        let queries = scores.len();
        let scores = checked("deimv2", "scores", &scores, &[queries])?;
        let boxes = checked("deimv2", "boxes", &boxes, &[queries, 4])?;
        let labels = checked("deimv2", "labels", &labels, &[queries])?;
        for ((label, score), corners) in labels.iter().zip(scores).zip(boxes.chunks_exact(4)) {
            let class_id = usize::try_from(*label).ok();
            let class_id = class_id.filter(|class_id| *class_id < self.0.classes);
            if let Some(class_id) = class_id.filter(|_| *score >= min_score) {
                let [x1, y1, x2, y2] = [corners[0], corners[1], corners[2], corners[3]];
                found.push(Detection {
                    class_id,
                    score: *score,
                    bbox: BBox { x1, y1, x2, y2 },
                });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array1, Array2};

    use super::super::tests::{Outputs, Random};
    use super::*;
    use crate::heads::InputSize;

    fn decoder() -> Deimv2 {
        let input = InputSize {
            width: 320,
            height: 320,
        };
        Deimv2(HeadConfig {
            input,
            classes: 80,
            box_units: None,
        })
    }

    #[test]
    fn labels_that_do_not_exist_and_low_scores_are_ignored() {
        let mut random = Random::new(5);
        let labels = Array1::from_shape_fn(300, |_| random.between(-2.0, 82.0) as i64);
        let boxes = Array2::from_shape_fn((300, 4), |_| random.between(-5.0, 330.0));
        let scores = Array1::from_shape_fn(300, |_| random.between(0.0, 1.0));
        let outputs = Outputs::default()
            .integers("labels", labels.clone())
            .floats("boxes", boxes.clone())
            .floats("scores", scores.clone());
        let found = outputs.decode(&mut decoder(), 0.4).expect("shapes fit");

        let mut wanted = Vec::new();
        for query in 0..300 {
            if scores[query] >= 0.4 && (0..80).contains(&labels[query]) {
                let corners = boxes.row(query).to_vec();
                wanted.push((labels[query] as usize, scores[query], corners));
            }
        }
        let found: Vec<_> = found
            .iter()
            .map(|one| {
                let BBox { x1, y1, x2, y2 } = one.bbox;
                (one.class_id, one.score, vec![x1, y1, x2, y2])
            })
            .collect();
        assert!(wanted.len() > 100, "the test has detections to compare");
        assert_eq!(found, wanted);
    }

    #[test]
    fn lists_of_different_length_are_refused() {
        let outputs = Outputs::default()
            .integers("labels", Array1::zeros(3))
            .floats("boxes", Array2::zeros((4, 4)))
            .floats("scores", Array1::zeros(4));
        let error = outputs.decode(&mut decoder(), 0.4).expect_err("3 labels");
        assert!(error.to_string().contains("`labels`"), "{error}");
    }
}
