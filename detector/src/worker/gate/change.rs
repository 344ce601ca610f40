//! What has changed in the picture since the last detection, outside of the boxes and inside of each. Pure.

use std::ops::Range;

use capture::I420;

use crate::detection::BBox;
use crate::luma_grid::{BrightnessChange, LumaGrid};

/// Cells across the longer side of a picture, at most: 16 pixels each at 720p.
const MOST_CELLS: u32 = 80;
/// Every fourth row averages noise away as well in cells of this size.
const ROW_STEP: u32 = 4;

/// The cells of the frame that was detected last, and of the newest one.
#[derive(Debug, Default)]
pub(super) struct PictureChange {
    grid: Option<LumaGrid>,
    detected: Vec<u8>,
    newest: Vec<u8>,
    /// For each cell, whether it differs.
    changed: Vec<bool>,
    column_sums: Vec<u16>,
}

impl PictureChange {
    /// Compares a picture with the one that was detected last. `false`: there is none to compare with.
    pub(super) fn observe(&mut self, picture: &I420) -> bool {
        let grid = LumaGrid::of(picture, MOST_CELLS, ROW_STEP);
        if self.grid != Some(grid) {
            self.grid = Some(grid);
            self.detected.clear();
        }
        grid.shrink(picture, &mut self.column_sums, &mut self.newest);
        if self.detected.len() != self.newest.len() {
            return false;
        }
        let brightness = BrightnessChange::between(&self.detected, &self.newest);
        let cells = self.detected.iter().zip(&self.newest);
        self.changed.clear();
        self.changed
            .extend(cells.map(|(before, after)| brightness.has_moved(*before, *after)));
        true
    }

    /// The picture observed last is detected.
    pub(super) fn note_detection(&mut self) {
        std::mem::swap(&mut self.detected, &mut self.newest);
    }

    /// The share of the cells of an area that changed.
    pub(super) fn share_in(&self, area: &BBox) -> f32 {
        let Some(grid) = self.grid else { return 0.0 };
        let (columns, rows) = touched(grid, area);
        let cells = columns.len() * rows.len();
        let lines = rows.map(|row| row * grid.columns);
        let changed = lines.map(|line| {
            let cells = &self.changed[line + columns.start..line + columns.end];
            cells.iter().filter(|changed| **changed).count()
        });
        changed.sum::<usize>() as f32 / cells.max(1) as f32
    }

    /// What changed in an area counts no more.
    pub(super) fn explain(&mut self, area: &BBox) {
        let Some(grid) = self.grid else { return };
        let (columns, rows) = touched(grid, area);
        for line in rows.map(|row| row * grid.columns) {
            self.changed[line + columns.start..line + columns.end].fill(false);
        }
    }

    /// How many cells changed and are not explained.
    pub(super) fn unexplained(&self) -> usize {
        self.changed.iter().filter(|changed| **changed).count()
    }

    /// The side of a cell.
    pub(super) fn cell_px(&self) -> f32 {
        self.grid.map_or(0.0, |grid| grid.cell_px as f32)
    }
}

/// The columns and rows of cells that an area touches.
fn touched(grid: LumaGrid, area: &BBox) -> (Range<usize>, Range<usize>) {
    let range = |from: f32, to: f32, cells: usize| {
        let cell = grid.cell_px as f32;
        // The casts saturate.
        let end = ((to / cell).ceil() as usize).min(cells);
        ((from / cell).floor() as usize).min(end)..end
    };
    (
        range(area.x1, area.x2, grid.columns),
        range(area.y1, area.y2, grid.rows),
    )
}
