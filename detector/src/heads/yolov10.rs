//! YOLOv10, YOLO26 and others that choose their boxes themselves: exports of Ultralytics with one box
//! for each object, or with `nms=True`.
//!
//! Output: f32 [boxes, 6]. Each row is left, top, right, bottom in pixels of the input, score, class.
//! Rows that are not used have the score 0.

use super::decoding::{DecodeHead, HeadConfig, HeadError, RawOutputs, checked};
use crate::detection::{BBox, Detection};

const COLUMNS: usize = 6;

pub(super) struct Yolov10(pub(super) HeadConfig);

impl DecodeHead for Yolov10 {
    fn decode(
        &mut self,
        outputs: &dyn RawOutputs,
        min_score: f32,
        found: &mut Vec<Detection>,
    ) -> Result<(), HeadError> {
        let rows = outputs.floats("output")?;
        let count = rows.len() / COLUMNS;
        let rows = checked("yolov10", "output", &rows, &[count, COLUMNS])?;
        for row in rows.chunks_exact(COLUMNS) {
            let (score, class_id) = (row[4], row[5]);
            // False for NaN, too.
            let is_class = class_id >= 0.0 && class_id < self.0.classes as f32;
            if score >= min_score && is_class {
                found.push(Detection {
                    class_id: class_id as usize,
                    score,
                    bbox: BBox::new(row[0], row[1], row[2], row[3]),
                });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::super::tests::{Outputs, config};
    use super::*;

    #[test]
    fn only_classes_that_exist_with_enough_score_are_found() {
        let rows = array![
            [10.0, 20.0, 30.0, 40.0, 0.9, 2.0],
            [10.0, 20.0, 30.0, 40.0, 0.9, 3.0],
            [10.0, 20.0, 30.0, 40.0, 0.9, -1.0],
            [10.0, 20.0, 30.0, 40.0, 0.9, f32::NAN],
            [10.0, 20.0, 30.0, 40.0, f32::NAN, 1.0],
            [0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
        ];
        let outputs = Outputs::default().floats("output", rows);
        let found = outputs.decode(&mut Yolov10(config(3)), 0.5);
        let wanted = Detection {
            class_id: 2,
            score: 0.9,
            bbox: BBox::new(10.0, 20.0, 30.0, 40.0),
        };
        assert_eq!(found.expect("the shape fits"), [wanted]);
    }

    #[test]
    fn another_shape_is_refused_by_name() {
        let outputs = Outputs::default().floats("output", ndarray::Array2::zeros((300, 7)));
        let error = outputs.decode(&mut Yolov10(config(3)), 0.5);
        assert!(error.is_err(), "{error:?}");
    }
}
