//! What has moved since the last sighting: the difference of small luma planes.
//!
//! What counts as a difference is in `luma_grid.rs`.

#[cfg(test)]
mod tests;

use std::time::{Duration, Instant};

use capture::I420;
use capture::canvas::Rect;

use crate::luma_grid::{BrightnessChange, LumaGrid};
use crate::luma_history::LumaHistory;

/// Every second row is enough to average noise away, and takes half of the time.
const ROW_STEP: u32 = 2;
/// How long an area stays hidden after it has moved: a person who comes in slowly has moved a little at
/// each frame, and is found by the detector only later.
const HELD_FOR: Duration = Duration::from_millis(600);
/// Cells of one tile count as one area.
const TILE: usize = 4;
/// Added around an area, in cells: the edges of what moved differ little from the ground.
const MARGIN_CELLS: i32 = 2;
/// More separate areas than this are the whole picture.
const MOST_AREAS: usize = 24;

/// Remembers small planes, and finds what moved.
#[derive(Debug)]
pub(super) struct Motion {
    history: LumaHistory,
    /// The plane of the frame that the last sighting belongs to.
    reference: Vec<u8>,
    has_reference: bool,
    /// For each cell, when it last moved without an explanation.
    moved_at: Vec<Option<Instant>>,
    /// For each cell, whether it lies in an area that is explained.
    explained: Vec<bool>,
    /// For each tile, the moved cells: left, top, right, bottom; empty tiles have left > right.
    tiles: Vec<[i32; 4]>,
    pending: Vec<usize>,
}

impl Default for Motion {
    fn default() -> Self {
        Self {
            history: LumaHistory::new(ROW_STEP),
            reference: Vec::new(),
            has_reference: false,
            moved_at: Vec::new(),
            explained: Vec::new(),
            tiles: Vec::new(),
            pending: Vec::new(),
        }
    }
}

impl Motion {
    /// Forgets all pictures.
    pub(super) fn forget(&mut self) {
        self.history.forget();
        self.has_reference = false;
        self.moved_at.fill(None);
    }

    /// Remembers a picture.
    pub(super) fn observe(&mut self, picture: &I420, captured_at: Instant) {
        if let Some(grid) = self.history.change_size(picture) {
            self.forget();
            self.moved_at = vec![None; grid.cells()];
            self.explained = vec![false; grid.cells()];
        }
        self.history.add(picture, captured_at);
    }

    /// Compares with the frame of `captured_at` from now on. An earlier one is taken if that frame was not
    /// observed: what came in between counts as moved. `false` when there is none.
    pub(super) fn refer_to(&mut self, captured_at: Instant) -> bool {
        let planes = self.history.planes();
        let earlier = planes.filter(|plane| plane.captured_at <= captured_at);
        let nearest = earlier.max_by_key(|plane| plane.captured_at);
        self.has_reference = nearest.is_some();
        if let Some(plane) = nearest {
            self.reference.clear();
            self.reference.extend_from_slice(&plane.cells);
        }
        self.has_reference
    }

    /// Whether there is a frame to compare with.
    pub(super) fn has_reference(&self) -> bool {
        self.has_reference
    }

    /// The areas of the newest picture that moved since the reference, or shortly before, and lie outside
    /// of all `explained` areas. `None`: more than can be told apart.
    pub(super) fn unexplained(&mut self, explained: &[Rect], areas: &mut Vec<Rect>) -> Option<()> {
        areas.clear();
        let grid = self.history.grid()?;
        let plane = self.history.newest()?;
        if plane.cells.len() != self.reference.len() {
            return None;
        }
        self.explained.fill(false);
        for area in explained {
            let ((left, right), (top, bottom)) = grid.cells_inside(*area);
            for row in self
                .explained
                .chunks_exact_mut(grid.columns)
                .take(bottom)
                .skip(top)
            {
                row[left.min(right)..right].fill(true);
            }
        }
        let now = plane.captured_at;
        let brightness = BrightnessChange::between(&self.reference, &plane.cells);
        let cells = plane.cells.iter().zip(&self.reference);
        let marks = self.moved_at.iter_mut().zip(&self.explained);
        for ((value, before), (moved_at, explained)) in cells.zip(marks) {
            if *explained {
                *moved_at = None;
            } else if brightness.has_moved(*before, *value) {
                *moved_at = Some(now);
            }
        }
        self.gather(grid, now);
        self.merge(grid, areas)
    }

    /// Notes the moved cells of each tile.
    fn gather(&mut self, grid: LumaGrid, now: Instant) {
        const EMPTY: [i32; 4] = [i32::MAX, i32::MAX, i32::MIN, i32::MIN];
        let columns = grid.columns.div_ceil(TILE);
        self.tiles.clear();
        self.tiles.resize(columns * grid.rows.div_ceil(TILE), EMPTY);
        let is_held = |moved: Instant| now.saturating_duration_since(moved) <= HELD_FOR;
        for (y, row) in self.moved_at.chunks_exact(grid.columns).enumerate() {
            for (x, moved_at) in row.iter().enumerate() {
                if moved_at.is_some_and(is_held) {
                    let tile = &mut self.tiles[y / TILE * columns + x / TILE];
                    *tile = united(*tile, [x as i32, y as i32, x as i32 + 1, y as i32 + 1]);
                }
            }
        }
    }

    /// Joins neighbouring tiles to areas in pixels.
    fn merge(&mut self, grid: LumaGrid, areas: &mut Vec<Rect>) -> Option<()> {
        let (columns, rows) = (grid.columns.div_ceil(TILE), grid.rows.div_ceil(TILE));
        for start in 0..self.tiles.len() {
            if is_empty(self.tiles[start]) {
                continue;
            }
            let (mut bounds, mut found) = (self.tiles[start], 0);
            self.pending.clear();
            self.pending.push(start);
            while let Some(at) = self.pending.pop() {
                let tile = std::mem::replace(&mut self.tiles[at], [1, 1, 0, 0]);
                if is_empty(tile) {
                    continue;
                }
                bounds = united(bounds, tile);
                found += 1;
                let (x, y) = (at % columns, at / columns);
                for y in y.saturating_sub(1)..(y + 2).min(rows) {
                    for x in x.saturating_sub(1)..(x + 2).min(columns) {
                        self.pending.push(y * columns + x);
                    }
                }
            }
            let [left, top, right, bottom] = bounds;
            // One cell alone is noise, and too small to recognise anybody.
            if found == 1 && right - left == 1 && bottom - top == 1 {
                continue;
            }
            if areas.len() == MOST_AREAS {
                return None;
            }
            let cell = grid.cell_px as i32;
            let area = Rect::new(
                left * cell,
                top * cell,
                (right - left) * cell,
                (bottom - top) * cell,
            );
            areas.push(area.inset(-MARGIN_CELLS * cell));
        }
        Some(())
    }
}

fn is_empty(tile: [i32; 4]) -> bool {
    tile[0] > tile[2]
}

fn united(a: [i32; 4], b: [i32; 4]) -> [i32; 4] {
    [
        a[0].min(b[0]),
        a[1].min(b[1]),
        a[2].max(b[2]),
        a[3].max(b[3]),
    ]
}
