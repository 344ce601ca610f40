//! RT-DETR as Ultralytics exports it.
//!
//! Output: f32 [boxes, 6]. Each row is the centre x, y, width and height as fractions of the input, score, class.

use super::decoding::{DecodeHead, HeadConfig, HeadError, RawOutputs, checked};
use crate::detection::{BBox, Detection};

const COLUMNS: usize = 6;

pub(super) struct RtdetrRows(pub(super) HeadConfig);

impl DecodeHead for RtdetrRows {
    fn decode(
        &mut self,
        outputs: &dyn RawOutputs,
        min_score: f32,
        found: &mut Vec<Detection>,
    ) -> Result<(), HeadError> {
        let HeadConfig { input, classes, .. } = self.0;
        let rows = outputs.floats("output")?;
        let count = rows.len() / COLUMNS;
        let rows = checked("rtdetr_rows", "output", &rows, &[count, COLUMNS])?;
        for row in rows.chunks_exact(COLUMNS) {
            let (score, class_id) = (row[4], row[5]);
            // False for NaN, too.
            let is_class = class_id >= 0.0 && class_id < classes as f32;
            if score >= min_score && is_class {
                let bbox = BBox::around(row[0], row[1], row[2], row[3]);
                found.push(Detection {
                    class_id: class_id as usize,
                    score,
                    bbox: bbox.scaled(input.width as f32, input.height as f32),
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
    fn fractions_become_pixels_of_the_input() {
        let rows = array![
            [0.5, 0.25, 0.5, 0.25, 0.9, 2.0],
            [0.5, 0.25, 0.5, 0.25, 0.9, 3.0],
            [0.5, 0.25, 0.5, 0.25, 0.2, 1.0],
            [0.5, 0.25, 0.5, 0.25, f32::NAN, 1.0],
        ];
        let outputs = Outputs::default().floats("output", rows);
        let found = outputs.decode(&mut RtdetrRows(config(3)), 0.5);
        let wanted = Detection {
            class_id: 2,
            score: 0.9,
            bbox: BBox::new(24.0, 8.0, 72.0, 24.0),
        };
        assert_eq!(found.expect("the shape fits"), [wanted]);
    }

    #[test]
    fn another_shape_is_refused_by_name() {
        let outputs = Outputs::default().floats("output", ndarray::Array2::zeros((300, 84)));
        let error = outputs.decode(&mut RtdetrRows(config(3)), 0.5);
        let error = error.expect_err("not six columns").to_string();
        assert!(error.contains("[300, 84]"), "{error}");
    }
}
