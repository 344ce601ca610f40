//! The small luma planes of the last pictures.

use std::time::Instant;

use capture::I420;

use crate::luma_grid::LumaGrid;

/// Cells across the longer side of a picture, at most.
const MOST_CELLS: u32 = 160;
/// Planes that are kept: more than half a second at 30 pictures a second, longer than a detection takes that is still near
/// enough in time.
const KEPT: usize = 24;

/// Luma of one picture, the mean of each cell, row by row.
#[derive(Debug)]
pub(crate) struct SmallPlane {
    pub(crate) captured_at: Instant,
    pub(crate) cells: Vec<u8>,
}

/// A ring of planes of one size. Nothing is allocated once it is full.
#[derive(Debug)]
pub(crate) struct LumaHistory {
    grid: Option<LumaGrid>,
    row_step: u32,
    planes: Vec<SmallPlane>,
    /// The index of the plane that was written last.
    newest: usize,
    /// The sums of one row of cells.
    column_sums: Vec<u16>,
}

impl LumaHistory {
    /// One in `row_step` rows of pixels counts.
    pub(crate) fn new(row_step: u32) -> Self {
        Self {
            grid: None,
            row_step,
            planes: Vec::with_capacity(KEPT),
            newest: 0,
            column_sums: Vec::new(),
        }
    }

    pub(crate) fn forget(&mut self) {
        self.planes.clear();
    }

    /// The grid of `picture`, if it is another one than that of the pictures before, which are then forgotten.
    pub(crate) fn change_size(&mut self, picture: &I420) -> Option<LumaGrid> {
        let grid = LumaGrid::of(picture, MOST_CELLS, self.row_step);
        if self.grid == Some(grid) {
            return None;
        }
        self.forget();
        self.grid = Some(grid);
        Some(grid)
    }

    /// Remembers a picture, after [`Self::change_size`].
    pub(crate) fn add(&mut self, picture: &I420, captured_at: Instant) {
        let Some(grid) = self.grid else { return };
        if self.planes.len() < KEPT {
            self.newest = self.planes.len();
            let cells = Vec::with_capacity(grid.cells());
            self.planes.push(SmallPlane { captured_at, cells });
        } else {
            self.newest = (self.newest + 1) % KEPT;
        }
        let plane = &mut self.planes[self.newest];
        plane.captured_at = captured_at;
        grid.shrink(picture, &mut self.column_sums, &mut plane.cells);
    }

    pub(crate) fn grid(&self) -> Option<LumaGrid> {
        self.grid
    }

    pub(crate) fn newest(&self) -> Option<&SmallPlane> {
        self.planes.get(self.newest)
    }

    /// In no order.
    pub(crate) fn planes(&self) -> impl Iterator<Item = &SmallPlane> {
        self.planes.iter()
    }
}
