//! UltraFace (Linzaer, 2019): faces, exported with its decoding.
//!
//! Outputs: `scores` f32 [boxes, 2], the probabilities of background and face; `boxes` f32 [boxes, 4]:
//! left, top, right, bottom as fractions of the input.

use super::decoding::checked;
use super::{DecodeHead, HeadConfig, HeadError, RawOutputs};
use crate::detection::{BBox, Detection};

pub(super) struct Ultraface(pub(super) HeadConfig);

impl DecodeHead for Ultraface {
    fn decode(
        &mut self,
        outputs: &dyn RawOutputs,
        min_score: f32,
        found: &mut Vec<Detection>,
    ) -> Result<(), HeadError> {
        let (scores, boxes) = (outputs.floats("scores")?, outputs.floats("boxes")?);
        let count = scores.len() / 2;
        let scores = checked("ultraface", "scores", &scores, &[count, 2])?.chunks_exact(2);
        let boxes = checked("ultraface", "boxes", &boxes, &[count, 4])?.chunks_exact(4);
        let (width, height) = (self.0.input.width as f32, self.0.input.height as f32);
        for (score, corners) in scores.zip(boxes) {
            if score[1] >= min_score {
                let bbox = BBox::new(corners[0], corners[1], corners[2], corners[3]);
                found.push(Detection {
                    class_id: 0,
                    score: score[1],
                    bbox: bbox.scaled(width, height),
                });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::super::tests::Outputs;
    use super::*;
    use crate::heads::InputSize;

    fn decoder() -> Ultraface {
        let input = InputSize {
            width: 320,
            height: 240,
        };
        Ultraface(HeadConfig {
            input,
            classes: 1,
            box_units: None,
        })
    }

    #[test]
    fn boxes_become_pixels_of_the_input() {
        let outputs = Outputs::default()
            .floats("scores", array![[0.9_f32, 0.1], [0.2, 0.8]])
            .floats(
                "boxes",
                array![[0.0_f32, 0.0, 1.0, 1.0], [0.25, 0.5, 0.5, 1.0]],
            );
        let found = outputs.decode(&mut decoder(), 0.5).expect("the shapes fit");
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].bbox, BBox::new(80.0, 120.0, 160.0, 240.0));
        assert_eq!((found[0].score, found[0].class_id), (0.8, 0));
    }

    #[test]
    fn another_shape_is_refused_by_name() {
        let outputs = Outputs::default()
            .floats("scores", array![[0.9_f32, 0.1]])
            .floats("boxes", array![[0.0_f32, 0.0, 1.0]]);
        let error = outputs
            .decode(&mut decoder(), 0.5)
            .expect_err("three sides");
        assert!(error.to_string().contains("boxes"), "{error}");
    }
}
