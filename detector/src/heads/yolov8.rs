//! YOLOv8, YOLOv9, YOLO11 and YOLO12 as Ultralytics exports them.
//!
//! Output: f32 [4 + classes, boxes], a plane for each number: the centre x, y, width and height in
//! pixels of the input, and the classes, which are probabilities.

use super::decoding::{DecodeHead, HeadConfig, HeadError, RawOutputs, checked};
use crate::detection::{BBox, Detection};

pub(super) struct Yolov8 {
    classes: usize,
    /// The best score of each box so far, and its class. Kept, so that no frame allocates.
    best: Vec<(f32, u32)>,
}

impl Yolov8 {
    pub(super) fn new(config: HeadConfig) -> Self {
        Self {
            classes: config.classes,
            best: Vec::new(),
        }
    }
}

impl DecodeHead for Yolov8 {
    fn decode(
        &mut self,
        outputs: &dyn RawOutputs,
        min_score: f32,
        found: &mut Vec<Detection>,
    ) -> Result<(), HeadError> {
        let planes = outputs.floats("output")?;
        let count = planes.len() / (4 + self.classes);
        let planes = checked("yolov8", "output", &planes, &[4 + self.classes, count])?;
        let (boxes, scores) = planes.split_at(4 * count);
        self.best.clear();
        self.best.resize(count, (f32::NEG_INFINITY, 0));
        // Plane by plane, in the order of the memory. NaN is never better.
        for (plane, class_id) in scores.chunks_exact(count.max(1)).zip(0..) {
            for (best, score) in self.best.iter_mut().zip(plane) {
                *best = if *score > best.0 {
                    (*score, class_id)
                } else {
                    *best
                };
            }
        }
        let is_found = |(_, (score, _)): &(usize, &(f32, u32))| *score >= min_score;
        found.extend(self.best.iter().enumerate().filter(is_found).map(
            |(index, (score, class_id))| {
                let number = |plane: usize| boxes[plane * count + index];
                Detection {
                    class_id: *class_id as usize,
                    score: *score,
                    bbox: BBox::around(number(0), number(1), number(2), number(3)),
                }
            },
        ));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::super::tests::{Outputs, Random, Reference, assert_same, config};
    use super::*;

    const CLASSES: usize = 7;

    fn planes() -> Array2<f32> {
        let mut random = Random::new(9);
        Array2::from_shape_fn((4 + CLASSES, 150), |(plane, _)| match plane {
            0..4 => random.between(0.0, 320.0),
            _ => random.between(0.0, 1.0),
        })
    }

    #[test]
    fn decoding_agrees_with_a_reference_on_random_tensors() {
        let planes = planes();
        let mut wanted: Vec<Reference> = Vec::new();
        for column in planes.columns() {
            let column: Vec<f64> = column.iter().map(|value| f64::from(*value)).collect();
            let score = column[4..].iter().copied().fold(0.0, f64::max);
            let class = column[4..].iter().position(|other| *other == score);
            let (x, y, half_w, half_h) = (column[0], column[1], column[2] / 2.0, column[3] / 2.0);
            if score >= 0.9 {
                let corners = [x - half_w, y - half_h, x + half_w, y + half_h];
                wanted.push((class.expect("one of them"), score, corners));
            }
        }
        let outputs = Outputs::default().floats("output", planes);
        let mut decoder = Yolov8::new(config(CLASSES));
        for _ in 0..2 {
            let found = outputs.decode(&mut decoder, 0.9).expect("the shape fits");
            assert_same(&found, &wanted);
        }
    }

    #[test]
    fn nan_is_never_a_detection_and_no_box_is_no_error() {
        let outputs = Outputs::default().floats("output", planes() * f32::NAN);
        let found = outputs.decode(&mut Yolov8::new(config(CLASSES)), 0.0);
        assert_eq!(found.expect("the shape fits"), []);
        let outputs = Outputs::default().floats("output", Array2::zeros((4 + CLASSES, 0)));
        let found = outputs.decode(&mut Yolov8::new(config(CLASSES)), 0.0);
        assert_eq!(found.expect("the shape fits"), []);
    }

    #[test]
    fn another_shape_is_refused_by_name() {
        let outputs = Outputs::default().floats("output", planes().reversed_axes());
        let error = outputs.decode(&mut Yolov8::new(config(CLASSES)), 0.4);
        let error = error.expect_err("rows and columns exchanged").to_string();
        assert!(error.contains("[150, 11]"), "{error}");
    }
}
