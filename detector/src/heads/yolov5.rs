//! YOLOv5 and YOLOv7 as their repositories export them, with decoded boxes.
//!
//! Output: f32 [boxes, 5 + classes]. Each row is the centre x, y, width and height in pixels of the
//! input, objectness, classes. Objectness and classes are probabilities.

use super::decoding::{DecodeHead, HeadConfig, HeadError, RawOutputs, checked};
use super::grid::best_class_of_object;
use crate::detection::{BBox, Detection};

pub(super) struct Yolov5(pub(super) HeadConfig);

impl DecodeHead for Yolov5 {
    fn decode(
        &mut self,
        outputs: &dyn RawOutputs,
        min_score: f32,
        found: &mut Vec<Detection>,
    ) -> Result<(), HeadError> {
        let columns = 5 + self.0.classes;
        let rows = outputs.floats("output")?;
        let count = rows.len() / columns;
        let rows = checked("yolov5", "output", &rows, &[count, columns])?;
        found.extend(rows.chunks_exact(columns).filter_map(|row| {
            let (class_id, score) = best_class_of_object(&row[4..], min_score)?;
            let bbox = BBox::around(row[0], row[1], row[2], row[3]);
            Some(Detection {
                class_id,
                score,
                bbox,
            })
        }));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::super::tests::{Outputs, Random, Reference, assert_same, config};
    use super::*;

    const CLASSES: usize = 7;

    #[test]
    fn decoding_agrees_with_a_reference_on_random_tensors() {
        let mut random = Random::new(3);
        let rows = Array2::from_shape_fn((200, 5 + CLASSES), |(_, column)| match column {
            0..4 => random.between(0.0, 320.0),
            _ => random.between(0.0, 1.0),
        });
        let mut wanted: Vec<Reference> = Vec::new();
        for row in rows.rows() {
            let row: Vec<f64> = row.iter().map(|value| f64::from(*value)).collect();
            let class = (0..CLASSES).fold(0, |best, class| match row[5 + class] > row[5 + best] {
                true => class,
                false => best,
            });
            let (score, half) = (row[4] * row[5 + class], [row[2] / 2.0, row[3] / 2.0]);
            if score >= 0.4 {
                let (x, y) = (row[0], row[1]);
                let corners = [x - half[0], y - half[1], x + half[0], y + half[1]];
                wanted.push((class, score, corners));
            }
        }
        let outputs = Outputs::default().floats("output", rows);
        let found = outputs.decode(&mut Yolov5(config(CLASSES)), 0.4);
        assert_same(&found.expect("the shape fits"), &wanted);
    }

    #[test]
    fn another_number_of_classes_is_refused() {
        let outputs = Outputs::default().floats("output", Array2::zeros((200, 85)));
        let error = outputs.decode(&mut Yolov5(config(CLASSES)), 0.4);
        let error = error.expect_err("80 classes").to_string();
        assert!(error.contains("[200, 85]"), "{error}");
    }
}
