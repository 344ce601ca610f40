//! SSD, EfficientDet and others of TensorFlow's object detection API, with their suppression in the
//! network.
//!
//! Outputs: `detection_boxes` f32 [boxes, 4]: top, left, bottom, right as fractions of the input;
//! `detection_scores` f32 [boxes]; `detection_classes` [boxes]: ids, usually from 1. Unused boxes have the
//! score 0, so that `num_detections` is not needed.

use super::decoding::{DecodeHead, HeadConfig, HeadError, RawOutputs, checked};
use crate::detection::{BBox, Detection};

pub(super) struct Ssd(pub(super) HeadConfig);

impl DecodeHead for Ssd {
    fn decode(
        &mut self,
        outputs: &dyn RawOutputs,
        min_score: f32,
        found: &mut Vec<Detection>,
    ) -> Result<(), HeadError> {
        let HeadConfig { input, classes, .. } = self.0;
        let scores = outputs.floats("detection_scores")?;
        let (boxes, ids) = (
            outputs.floats("detection_boxes")?,
            outputs.floats("detection_classes")?,
        );
        let count = scores.len();
        let scores = checked("ssd", "detection_scores", &scores, &[count])?;
        let boxes = checked("ssd", "detection_boxes", &boxes, &[count, 4])?;
        let ids = checked("ssd", "detection_classes", &ids, &[count])?;
        for ((score, id), sides) in scores.iter().zip(ids).zip(boxes.chunks_exact(4)) {
            // False for NaN, too.
            if *score >= min_score && *id >= 0.0 && *id < classes as f32 {
                let bbox = BBox::new(sides[1], sides[0], sides[3], sides[2]);
                found.push(Detection {
                    class_id: *id as usize,
                    score: *score,
                    bbox: bbox.scaled(input.width as f32, input.height as f32),
                });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, array};

    use super::super::tests::{Outputs, config};
    use super::*;

    #[test]
    fn fractions_become_pixels_with_the_axes_in_order() {
        let nan = f32::NAN;
        let outputs = Outputs::default()
            .floats("detection_scores", array![0.9_f32, 0.9, 0.9, 0.2, nan])
            .floats("detection_classes", array![1.0_f32, 4.0, -1.0, 1.0, 1.0])
            .floats(
                "detection_boxes",
                Array2::from_shape_fn((5, 4), |(_, side)| [0.25, 0.5, 0.5, 1.0][side]),
            );
        let found = outputs.decode(&mut Ssd(config(4)), 0.5);
        let wanted = Detection {
            class_id: 1,
            score: 0.9,
            bbox: BBox::new(48.0, 16.0, 96.0, 32.0),
        };
        assert_eq!(found.expect("the shapes fit"), [wanted]);
    }

    #[test]
    fn lists_of_different_length_are_refused() {
        let outputs = Outputs::default()
            .floats("detection_scores", array![0.9_f32, 0.9])
            .floats("detection_classes", array![1.0_f32])
            .floats("detection_boxes", Array2::zeros((2, 4)));
        let error = outputs
            .decode(&mut Ssd(config(4)), 0.5)
            .expect_err("1 class");
        assert!(error.to_string().contains("detection_classes"), "{error}");
    }
}
