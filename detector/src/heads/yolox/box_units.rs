//! In what a YOLOX file tells its boxes: the usual export leaves them relative to their cells, an export
//! with decoding (`--decode_in_inference`) tells pixels. The shape is the same, so the numbers decide:
//! a cell sees things that are near it and neither tiny nor many times larger than it, which holds for
//! the right reading only.

use serde::Deserialize;

/// In what the four numbers of a box are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BoxUnits {
    /// Distance from the cell's corner in cells; logarithm of the size in cells.
    Cells,
    /// Centre and size in pixels of the input.
    Pixels,
}

/// What the answers so far say about the units.
#[derive(Debug, Default)]
pub(crate) struct UnitsEvidence {
    weight: f64,
    /// Positive: pixels.
    balance: f64,
}

/// One row with a box, and the cell it belongs to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cell<'a> {
    /// `cx cy w h objectness ...`
    pub(super) row: &'a [f32],
    pub(super) column: usize,
    pub(super) line: usize,
    pub(super) stride: usize,
}

/// Rows count by their objectness squared: this is one row with 0.1, or many with less.
const WEIGHT_NEEDED: f64 = 0.01;
/// By so much one reading has to be nearer than the other, summed over place and size.
const MARGIN_NEEDED: f64 = 1.0;
/// No number of a row speaks louder than this.
const MOST_OFF: f32 = 8.0;
/// A box smaller than this is nothing that a detector finds.
const LEAST_SIDE_PX: f32 = 4.0;

impl UnitsEvidence {
    /// Whether further answers would change nothing.
    pub(super) fn is_settled(&self) -> bool {
        self.weight >= WEIGHT_NEEDED && self.balance.abs() >= MARGIN_NEEDED * self.weight
    }

    pub(super) fn units(&self) -> BoxUnits {
        if self.balance > 0.0 {
            BoxUnits::Pixels
        } else {
            BoxUnits::Cells
        }
    }

    pub(super) fn add(&mut self, cell: Cell<'_>) {
        let objectness = f64::from(cell.row[4].clamp(0.0, 1.0));
        let is_blank = cell.row[..4].iter().all(|number| *number == 0.0);
        if objectness > 0.0 && !is_blank {
            let weight = objectness * objectness;
            self.weight += weight;
            self.balance += weight * f64::from(cell.off_as_cells() - cell.off_as_pixels());
        }
    }
}

impl Cell<'_> {
    /// How far the box is from a box of the cell's own place and size, read as cells.
    fn off_as_cells(&self) -> f32 {
        let [x, y, width, height] = self.box_numbers();
        capped(x - 0.5) + capped(y - 0.5) + capped(width) + capped(height)
    }

    /// As [`Self::off_as_cells`], read as pixels.
    fn off_as_pixels(&self) -> f32 {
        let [x, y, width, height] = self.box_numbers();
        let stride = self.stride as f32;
        let centre = |index: usize| (index as f32 + 0.5) * stride;
        let side = |side: f32| {
            if side >= LEAST_SIDE_PX {
                capped((side / stride).ln())
            } else {
                MOST_OFF
            }
        };
        capped((x - centre(self.column)) / stride)
            + capped((y - centre(self.line)) / stride)
            + side(width)
            + side(height)
    }

    fn box_numbers(&self) -> [f32; 4] {
        std::array::from_fn(|index| self.row[index])
    }
}

/// NaN is as far off as anything.
fn capped(off: f32) -> f32 {
    if off.abs() <= MOST_OFF {
        off.abs()
    } else {
        MOST_OFF
    }
}
