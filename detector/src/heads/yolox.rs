//! YOLOX (Ge et al., 2021): rows of `cx cy w h objectness class...`, one for each cell of three
//! grids. Objectness and classes come out of the network as probabilities already. Boxes are relative
//! to their cells, unless the file was exported with its decoding: [`BoxUnits`].

mod box_units;

use ndarray::ArrayView2;

pub use box_units::BoxUnits;
use box_units::{Cell, UnitsEvidence};

use super::{HeadError, InputSize, class_with, peak, places};
use crate::bbox::BBox;
use crate::detection::Detection;

/// Cells of 8, 16 and 32 pixels, in this order, each grid row by row.
pub(crate) const STRIDES: [usize; 3] = [8, 16, 32];

/// In what the boxes of a model are told: as its manifest says, else as its answers say.
#[derive(Debug)]
pub(crate) enum Units {
    Told(BoxUnits),
    Seen(UnitsEvidence),
}

impl Units {
    pub(crate) fn new(told: Option<BoxUnits>) -> Self {
        told.map_or_else(|| Self::Seen(UnitsEvidence::default()), Self::Told)
    }

    /// The units, also by this answer where the ones before did not settle it.
    fn of(&mut self, rows: &[f32], input: InputSize, classes: usize) -> BoxUnits {
        let evidence = match self {
            Self::Told(units) => return *units,
            Self::Seen(evidence) => evidence,
        };
        if !evidence.is_settled() {
            cells(rows, input, classes).for_each(|cell| evidence.add(cell));
            if evidence.is_settled() {
                tracing::debug!(units = ?evidence.units(), "how the model tells its boxes");
            }
        }
        evidence.units()
    }
}

/// Appends what scores at least `min_score`.
pub(crate) fn decode(
    rows: ArrayView2<'_, f32>,
    input: InputSize,
    classes: usize,
    units: &mut Units,
    min_score: f32,
    found: &mut Vec<Detection>,
) -> Result<(), HeadError> {
    let wanted = [places(input, &STRIDES), 5 + classes];
    let all = rows
        .as_slice()
        .filter(|_| rows.shape() == wanted)
        .ok_or_else(|| HeadError {
            output: "output",
            found: rows.shape().to_vec(),
            head: "yolox",
            wanted: format!("{wanted:?}"),
        })?;
    let units = units.of(all, input, classes);
    // A class probability is at most 1: most cells are done after one comparison.
    let candidates = cells(all, input, classes).filter(|cell| cell.row[4] >= min_score);
    found.extend(candidates.filter_map(|cell| decode_cell(cell, units, min_score)));
    Ok(())
}

/// The rows with the cells they belong to.
fn cells(rows: &[f32], input: InputSize, classes: usize) -> impl Iterator<Item = Cell<'_>> {
    let grids = STRIDES.into_iter().flat_map(move |stride| {
        let (columns, lines) = (input.width.div_ceil(stride), input.height.div_ceil(stride));
        (0..lines).flat_map(move |line| (0..columns).map(move |column| (column, line, stride)))
    });
    let cell = |(row, (column, line, stride))| Cell {
        row,
        column,
        line,
        stride,
    };
    rows.chunks_exact(5 + classes).zip(grids).map(cell)
}

fn decode_cell(cell: Cell<'_>, units: BoxUnits, min_score: f32) -> Option<Detection> {
    let row = cell.row;
    let class_score = peak(&row[5..]);
    let score = row[4] * class_score;
    let stride = cell.stride as f32;
    let bbox = match units {
        BoxUnits::Pixels => BBox::around(row[0], row[1], row[2], row[3]),
        BoxUnits::Cells => BBox::around(
            (row[0] + cell.column as f32) * stride,
            (row[1] + cell.line as f32) * stride,
            row[2].exp() * stride,
            row[3].exp() * stride,
        ),
    };
    (score >= min_score).then(|| Detection {
        class_id: class_with(class_score, &row[5..]),
        score,
        bbox,
    })
}

#[cfg(test)]
mod tests {
    use super::super::reference::{Random, Reference, assert_same};
    use super::*;

    const INPUT: InputSize = InputSize {
        width: 96,
        height: 64,
    };
    const CLASSES: usize = 80;

    fn tensor(seed: u32) -> ndarray::Array2<f32> {
        let mut random = Random::new(seed);
        ndarray::Array2::from_shape_fn((places(INPUT, &STRIDES), 5 + CLASSES), |(_, column)| {
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
    fn agrees_with_a_plain_reference_on_random_tensors() {
        for seed in 1..=8 {
            let rows = tensor(seed);
            let mut found = Vec::new();
            let mut units = Units::new(None);
            decode(rows.view(), INPUT, CLASSES, &mut units, 0.5, &mut found).expect("right shape");
            assert_same(&found, &reference(&rows, 0.5));
        }
    }

    /// What a file with decoding answers where `rows` come from one without.
    fn in_pixels(mut rows: ndarray::Array2<f32>) -> ndarray::Array2<f32> {
        let all = rows.clone();
        let all = all.as_slice().expect("in order");
        for (mut row, cell) in rows.rows_mut().into_iter().zip(cells(all, INPUT, CLASSES)) {
            let stride = cell.stride as f32;
            row[0] = (row[0] + cell.column as f32) * stride;
            row[1] = (row[1] + cell.line as f32) * stride;
            row[2] = row[2].exp() * stride;
            row[3] = row[3].exp() * stride;
        }
        rows
    }

    #[test]
    fn boxes_that_come_decoded_are_the_same() {
        for seed in 1..=8 {
            let rows = tensor(seed);
            let decoded = in_pixels(rows.clone());
            for told in [None, Some(BoxUnits::Pixels)] {
                let (mut units, mut found) = (Units::new(told), Vec::new());
                decode(decoded.view(), INPUT, CLASSES, &mut units, 0.5, &mut found)
                    .expect("right shape");
                assert_same(&found, &reference(&rows, 0.5));
            }
        }
    }

    /// The only box of an answer with one row that is not zero.
    fn only_box(index: usize, numbers: [f32; 4], units: &mut Units) -> [f32; 4] {
        let mut rows = ndarray::Array2::zeros((places(INPUT, &STRIDES), 5 + CLASSES));
        for (column, number) in numbers.into_iter().chain([0.9, 0.9]).enumerate() {
            rows[[index, column]] = number;
        }
        let mut found = Vec::new();
        decode(rows.view(), INPUT, CLASSES, units, 0.3, &mut found).expect("right shape");
        assert_eq!(found.len(), 1);
        let BBox { x1, y1, x2, y2 } = found[0].bbox;
        [x1, y1, x2, y2]
    }

    #[test]
    fn one_box_is_enough_to_tell_how_boxes_are_told() {
        // Everywhere, in each grid, from smaller than the cell to the whole picture.
        let zeros = vec![0.0; places(INPUT, &STRIDES) * (5 + CLASSES)];
        for (index, cell) in cells(&zeros, INPUT, CLASSES).enumerate() {
            let stride = cell.stride as f32;
            for size in [0.7_f32, 1.0, 2.5, 6.0] {
                for off in [0.05_f32, 0.5, 0.95] {
                    let (x, y) = (cell.column as f32 + off, cell.line as f32 + off);
                    let (cx, cy, side) = (x * stride, y * stride, size * stride);
                    let wanted = BBox::around(cx, cy, side, side);
                    let as_cells = [off, off, size.ln(), size.ln()];
                    for numbers in [as_cells, [cx, cy, side, side]] {
                        let told = only_box(index, numbers, &mut Units::new(None));
                        let [x1, y1, x2, y2] = told;
                        let same = BBox { x1, y1, x2, y2 }.iou(&wanted);
                        assert!(same > 0.99, "{index}: {numbers:?} became {told:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn what_is_settled_stays_and_an_empty_answer_settles_nothing() {
        let mut units = Units::new(None);
        let empty = ndarray::Array2::zeros((places(INPUT, &STRIDES), 5 + CLASSES));
        decode(
            empty.view(),
            INPUT,
            CLASSES,
            &mut units,
            0.3,
            &mut Vec::new(),
        )
        .expect("fits");
        let pixels = [60.0, 40.0, 30.0, 20.0];
        assert_eq!(only_box(40, pixels, &mut units), [45.0, 30.0, 75.0, 50.0]);
        // At the very corner the numbers alone would say otherwise.
        let tiny = [0.5, 0.5, 1.0, 1.0];
        assert_eq!(only_box(0, tiny, &mut units), [0.0, 0.0, 1.0, 1.0]);
    }

    #[test]
    fn a_foreign_shape_is_refused_by_name() {
        let rows = ndarray::Array2::<f32>::zeros((10, 85));
        let mut units = Units::new(None);
        let error = decode(
            rows.view(),
            INPUT,
            CLASSES,
            &mut units,
            0.5,
            &mut Vec::new(),
        )
        .unwrap_err();
        assert!(error.to_string().contains("[10, 85]"), "{error}");
    }
}
