//! YuNet (Wu et al., 2023): faces, anchor-free, strides 8, 16, 32.
//!
//! Outputs for each stride: `cls_N` and `obj_N` f32 [cells, 1], probabilities; `bbox_N` f32 [cells, 4]:
//! the centre from the cell's corner in cells, and the logarithm of the size in cells. The landmarks
//! (`kps_N`) are not used.

use super::decoding::checked;
use super::grid::{Cell, cell_count, cells, decode_cells};
use super::{DecodeHead, HeadConfig, HeadError, InputSize, RawOutputs};
use crate::detection::Detection;

/// The names of the outputs of each stride: class, objectness and boxes.
const OUTPUTS: [(usize, [&str; 3]); 3] = [
    (8, ["cls_8", "obj_8", "bbox_8"]),
    (16, ["cls_16", "obj_16", "bbox_16"]),
    (32, ["cls_32", "obj_32", "bbox_32"]),
];

pub(super) struct Yunet(pub(super) HeadConfig);

impl DecodeHead for Yunet {
    fn decode(
        &mut self,
        outputs: &dyn RawOutputs,
        min_score: f32,
        found: &mut Vec<Detection>,
    ) -> Result<(), HeadError> {
        let input: InputSize = self.0.input;
        for (stride, [class, object, boxes]) in OUTPUTS {
            let count = cell_count(input, &[stride]);
            let (classes, objects) = (outputs.floats(class)?, outputs.floats(object)?);
            let rows = outputs.floats(boxes)?;
            let classes = checked("yunet", class, &classes, &[count, 1])?;
            let objects = checked("yunet", object, &objects, &[count, 1])?;
            let rows = checked("yunet", boxes, &rows, &[count, 4])?.chunks_exact(4);
            let class_of = |((class, object), _): ((&f32, &f32), &[f32])| {
                let score = (class.clamp(0.0, 1.0) * object.clamp(0.0, 1.0)).sqrt();
                (score >= min_score).then_some((0, score))
            };
            let box_of = |(_, row): (_, &[f32]), cell: Cell| cell.box_by_size(row);
            let said = classes.iter().zip(objects).zip(rows);
            decode_cells(said.zip(cells(input, &[stride])), class_of, box_of, found);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::super::tests::{Outputs, Random, Reference, assert_same};
    use super::*;

    const INPUT: InputSize = InputSize {
        width: 96,
        height: 64,
    };

    fn decoder() -> Yunet {
        Yunet(HeadConfig {
            input: INPUT,
            classes: 1,
            box_units: None,
        })
    }

    #[test]
    fn decoding_agrees_with_a_reference_on_random_tensors() {
        let (mut random, mut outputs) = (Random::new(7), Outputs::default());
        let mut wanted: Vec<Reference> = Vec::new();
        for (stride, [class, object, boxes]) in OUTPUTS {
            let (columns, rows) = (INPUT.width / stride, INPUT.height / stride);
            let shape = (columns * rows, 1);
            let classes = Array2::from_shape_fn(shape, |_| random.between(0.0, 1.0));
            let objects = Array2::from_shape_fn(shape, |_| random.between(0.0, 1.0));
            let numbers = Array2::from_shape_fn((columns * rows, 4), |_| random.between(-1.0, 1.0));
            for at in 0..columns * rows {
                let number = |column: usize| f64::from(numbers[[at, column]]);
                let score = (f64::from(classes[[at, 0]]) * f64::from(objects[[at, 0]])).sqrt();
                let side = stride as f64;
                let (cx, cy) = (
                    ((at % columns) as f64 + number(0)) * side,
                    ((at / columns) as f64 + number(1)) * side,
                );
                let (w, h) = (number(2).exp() * side, number(3).exp() * side);
                if score >= 0.5 {
                    let corners = [cx - w / 2.0, cy - h / 2.0, cx + w / 2.0, cy + h / 2.0];
                    wanted.push((0, score, corners));
                }
            }
            outputs = outputs
                .floats(class, classes)
                .floats(object, objects)
                .floats(boxes, numbers);
        }
        let found = outputs.decode(&mut decoder(), 0.5).expect("the shapes fit");
        assert_same(&found, &wanted);
    }

    #[test]
    fn a_missing_output_is_refused_by_name() {
        let error = Outputs::default().decode(&mut decoder(), 0.5);
        let error = error.expect_err("nothing is there");
        assert!(error.to_string().contains("cls_8"), "{error}");
    }
}
