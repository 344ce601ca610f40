//! YOLOX (Ge et al., 2021).
//!
//! Output: f32 [cells, 5 + classes]. Each row is cx, cy, width, height, objectness, classes.
//! Objectness and classes are probabilities. Boxes are relative to their cells, unless the file was
//! exported with decoding (`--decode_in_inference`): see [`BoxUnits`].
//!
//! Both exports have the same shape, so that the values tell them apart. A cell detects objects that
//! are near it and neither tiny nor many times its size; that is true of the right reading only.

use super::decoding::{BoxUnits, DecodeHead, HeadConfig, HeadError, RawOutputs};
use super::grid::{Cell, best_class_of_object, decode_cells, rows_of_cells};
use crate::detection::{BBox, Detection};

pub(super) const STRIDES: [usize; 3] = [8, 16, 32];

pub(super) struct Yolox {
    config: HeadConfig,
    /// Used unless the manifest tells the units.
    evidence: UnitsEvidence,
}

impl Yolox {
    pub(super) fn new(config: HeadConfig) -> Self {
        Self {
            config,
            evidence: UnitsEvidence::default(),
        }
    }
}

impl DecodeHead for Yolox {
    fn decode(
        &mut self,
        outputs: &dyn RawOutputs,
        min_score: f32,
        found: &mut Vec<Detection>,
    ) -> Result<(), HeadError> {
        let columns = 5 + self.config.classes;
        let output = outputs.floats("output")?;
        let rows = rows_of_cells("yolox", &output, self.config.input, &STRIDES, columns)?;
        let units = match self.config.box_units {
            Some(units) => units,
            None => self.evidence.units_after(rows.clone()),
        };
        let class_of = |row: &[f32]| best_class_of_object(&row[4..], min_score);
        let box_of = |row: &[f32], cell: Cell| match units {
            BoxUnits::Pixels => BBox::around(row[0], row[1], row[2], row[3]),
            BoxUnits::Cells => cell.box_by_size(row),
        };
        decode_cells(rows, class_of, box_of, found);
        Ok(())
    }
}

/// What the outputs so far tell about the units.
#[derive(Debug, Default)]
struct UnitsEvidence {
    weight: f64,
    /// Positive: pixels; negative: cells.
    balance: f64,
}

/// Rows count by their objectness squared: this is one row with 0.1, or many with less.
const WEIGHT_NEEDED: f64 = 0.01;
/// One reading has to be nearer than the other by this much, summed over position and size.
const MARGIN_NEEDED: f64 = 1.0;
/// Bounds the deviation of one number of a row.
const MAX_DEVIATION: f32 = 8.0;
/// No detector finds objects smaller than this.
const MIN_SIDE_PX: f32 = 4.0;

impl UnitsEvidence {
    /// The units, after these rows if earlier ones have not settled them.
    fn units_after<'a>(&mut self, rows: impl Iterator<Item = (&'a [f32], Cell)>) -> BoxUnits {
        if !self.is_settled() {
            rows.for_each(|(row, cell)| self.add(row, cell));
            if self.is_settled() {
                tracing::debug!(units = ?self.units(), "units of the model's boxes recognised");
            }
        }
        self.units()
    }

    /// Whether further outputs would change nothing.
    fn is_settled(&self) -> bool {
        self.weight >= WEIGHT_NEEDED && self.balance.abs() >= MARGIN_NEEDED * self.weight
    }

    fn units(&self) -> BoxUnits {
        if self.balance > 0.0 {
            BoxUnits::Pixels
        } else {
            BoxUnits::Cells
        }
    }

    fn add(&mut self, row: &[f32], cell: Cell) {
        let objectness = f64::from(row[4].clamp(0.0, 1.0));
        let is_blank = row[..4].iter().all(|number| *number == 0.0);
        if objectness > 0.0 && !is_blank {
            let weight = objectness * objectness;
            self.weight += weight;
            let difference = deviation_as_cells(row) - deviation_as_pixels(row, cell);
            self.balance += weight * f64::from(difference);
        }
    }
}

/// How far the box is from one with the position and size of its cell, read as cells.
fn deviation_as_cells(row: &[f32]) -> f32 {
    capped(row[0] - 0.5) + capped(row[1] - 0.5) + capped(row[2]) + capped(row[3])
}

/// Like [`deviation_as_cells`], with the numbers read as pixels.
fn deviation_as_pixels(row: &[f32], cell: Cell) -> f32 {
    let stride = cell.stride as f32;
    let centre = |index: usize| (index as f32 + 0.5) * stride;
    let side = |side: f32| {
        if side >= MIN_SIDE_PX {
            capped((side / stride).ln())
        } else {
            MAX_DEVIATION
        }
    };
    capped((row[0] - centre(cell.column)) / stride)
        + capped((row[1] - centre(cell.row)) / stride)
        + side(row[2])
        + side(row[3])
}

/// The absolute deviation, at most [`MAX_DEVIATION`], which NaN counts as.
fn capped(deviation: f32) -> f32 {
    if deviation.abs() <= MAX_DEVIATION {
        deviation.abs()
    } else {
        MAX_DEVIATION
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Outputs, Random, Reference, assert_same};
    use super::*;
    use crate::heads::InputSize;
    use crate::heads::grid::{cell_count, cells};

    const INPUT: InputSize = InputSize {
        width: 96,
        height: 64,
    };
    const CLASSES: usize = 80;

    fn decoder(box_units: Option<BoxUnits>) -> Yolox {
        Yolox::new(HeadConfig {
            input: INPUT,
            classes: CLASSES,
            box_units,
        })
    }

    fn decode(
        rows: &ndarray::Array2<f32>,
        decoder: &mut Yolox,
        min_score: f32,
    ) -> Result<Vec<Detection>, HeadError> {
        let outputs = Outputs::default().floats("output", rows.clone());
        outputs.decode(decoder, min_score)
    }

    fn tensor(seed: u32) -> ndarray::Array2<f32> {
        let mut random = Random::new(seed);
        ndarray::Array2::from_shape_fn((cell_count(INPUT, &STRIDES), 5 + CLASSES), |(_, column)| {
            if column < 4 {
                random.between(-2.0, 2.0)
            } else {
                random.between(0.0, 1.0)
            }
        })
    }

    /// Written the way the paper says it, one cell at a time, in f64.
    fn reference(rows: &ndarray::Array2<f32>, min_score: f64) -> Vec<Reference> {
        let mut found = Vec::new();
        let mut index = 0;
        for stride in [8usize, 16, 32] {
            for gy in 0..INPUT.height / stride {
                for gx in 0..INPUT.width / stride {
                    let at = |column: usize| f64::from(rows[[index, column]]);
                    let step = stride as f64;
                    let (cx, cy) = ((at(0) + gx as f64) * step, (at(1) + gy as f64) * step);
                    let (w, h) = (at(2).exp() * step, at(3).exp() * step);
                    let mut class = 0;
                    for other in 1..CLASSES {
                        if at(5 + other) > at(5 + class) {
                            class = other;
                        }
                    }
                    let score = at(4) * at(5 + class);
                    if score >= min_score {
                        let corners = [cx - w / 2.0, cy - h / 2.0, cx + w / 2.0, cy + h / 2.0];
                        found.push((class, score, corners));
                    }
                    index += 1;
                }
            }
        }
        found
    }

    #[test]
    fn decoding_agrees_with_a_reference_on_random_tensors() {
        for seed in 1..=8 {
            let rows = tensor(seed);
            let found = decode(&rows, &mut decoder(None), 0.5).expect("the shape fits");
            assert_same(&found, &reference(&rows, 0.5));
        }
    }

    /// What a file exported with decoding returns where one without returns `rows`.
    fn in_pixels(mut rows: ndarray::Array2<f32>) -> ndarray::Array2<f32> {
        for (mut row, cell) in rows.rows_mut().into_iter().zip(cells(INPUT, &STRIDES)) {
            let stride = cell.stride as f32;
            row[0] = (row[0] + cell.column as f32) * stride;
            row[1] = (row[1] + cell.row as f32) * stride;
            row[2] = row[2].exp() * stride;
            row[3] = row[3].exp() * stride;
        }
        rows
    }

    #[test]
    fn boxes_exported_with_decoding_are_the_same() {
        for seed in 1..=8 {
            let rows = tensor(seed);
            let decoded = in_pixels(rows.clone());
            for units in [None, Some(BoxUnits::Pixels)] {
                let found = decode(&decoded, &mut decoder(units), 0.5).expect("the shape fits");
                assert_same(&found, &reference(&rows, 0.5));
            }
        }
    }

    /// The only box of an output with one row that is not zero.
    fn only_box(index: usize, numbers: [f32; 4], decoder: &mut Yolox) -> [f32; 4] {
        let mut rows = ndarray::Array2::zeros((cell_count(INPUT, &STRIDES), 5 + CLASSES));
        for (column, number) in numbers.into_iter().chain([0.9, 0.9]).enumerate() {
            rows[[index, column]] = number;
        }
        let found = decode(&rows, decoder, 0.3).expect("the shape fits");
        assert_eq!(found.len(), 1);
        let BBox { x1, y1, x2, y2 } = found[0].bbox;
        [x1, y1, x2, y2]
    }

    #[test]
    fn one_box_is_enough_to_recognise_the_units() {
        // In every cell of each grid, from smaller than the cell to the whole picture.
        for (index, cell) in cells(INPUT, &STRIDES).enumerate() {
            let stride = cell.stride as f32;
            for size in [0.7_f32, 1.0, 2.5, 6.0] {
                for off in [0.05_f32, 0.5, 0.95] {
                    let (x, y) = (cell.column as f32 + off, cell.row as f32 + off);
                    let (cx, cy, side) = (x * stride, y * stride, size * stride);
                    let wanted = BBox::around(cx, cy, side, side);
                    let as_cells = [off, off, size.ln(), size.ln()];
                    for numbers in [as_cells, [cx, cy, side, side]] {
                        let found = only_box(index, numbers, &mut decoder(None));
                        let [x1, y1, x2, y2] = found;
                        let same = BBox { x1, y1, x2, y2 }.iou(&wanted);
                        assert!(same > 0.99, "{index}: {numbers:?} became {found:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn settled_units_stay_and_an_empty_output_settles_nothing() {
        let mut decoder = decoder(None);
        let empty = ndarray::Array2::zeros((cell_count(INPUT, &STRIDES), 5 + CLASSES));
        decode(&empty, &mut decoder, 0.3).expect("the shape fits");
        let pixels = [60.0, 40.0, 30.0, 20.0];
        assert_eq!(only_box(40, pixels, &mut decoder), [45.0, 30.0, 75.0, 50.0]);
        // In the corner cell these numbers alone would be read as cells.
        let tiny = [0.5, 0.5, 1.0, 1.0];
        assert_eq!(only_box(0, tiny, &mut decoder), [0.0, 0.0, 1.0, 1.0]);
    }

    #[test]
    fn another_shape_is_refused_by_name() {
        let rows = ndarray::Array2::<f32>::zeros((10, 85));
        let error = decode(&rows, &mut decoder(None), 0.5).expect_err("another shape");
        assert!(error.to_string().contains("[10, 85]"), "{error}");
    }
}
