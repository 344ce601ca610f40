//! How far the camera's view has moved between two pictures, from small luma planes.
//!
//! A backpack pans and shakes, and everything moves in the picture by the same way. The tracker then expects objects
//! elsewhere, and boxes are painted there. Only shifts are measured: turns about the lens and steps forward are left to
//! the tracker's own velocities.

mod alignment;
mod shift;
#[cfg(test)]
mod tests;

use std::time::{Duration, Instant};

use capture::I420;

use crate::luma_grid::LumaGrid;
use alignment::{Pyramid, align};

pub(crate) use shift::Shift;

/// Cells across the longer side of a picture, at most.
const MOST_CELLS: u32 = 160;
/// Every fourth row averages noise away as well in cells of this size.
const ROW_STEP: u32 = 4;
/// Pictures that are kept: more than half a second at 30 a second, longer than a detection takes.
const KEPT: usize = 24;
/// A picture stands for another that was captured so shortly before or after it.
const SAME_TIME: Duration = Duration::from_millis(8);

/// Remembers small planes of pictures, and compares the newest one with an earlier one.
#[derive(Debug, Default)]
pub(crate) struct CameraMotion {
    grid: Option<LumaGrid>,
    /// A ring; `newest` is the index of the last one written.
    planes: Vec<SmallPlane>,
    newest: usize,
    column_sums: Vec<u16>,
    /// The picture that was compared with last.
    reference: Option<(Instant, Pyramid)>,
    present: Pyramid,
    /// Of the last comparison.
    last: Shift,
}

#[derive(Debug)]
struct SmallPlane {
    captured_at: Instant,
    cells: Vec<u8>,
}

impl CameraMotion {
    pub(crate) fn forget(&mut self) {
        self.planes.clear();
        self.reference = None;
        self.last = Shift::default();
    }

    /// Remembers a picture.
    pub(crate) fn observe(&mut self, picture: &I420, captured_at: Instant) {
        let grid = LumaGrid::of(picture, MOST_CELLS, ROW_STEP);
        if self.grid != Some(grid) {
            self.forget();
            self.grid = Some(grid);
        }
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

    /// How far the view has moved in the newest picture since the one captured at `then`; zero where no shift explains the
    /// difference. `None`: that picture is not remembered, or there is too little in them to hold on to.
    pub(crate) fn since(&mut self, then: Instant) -> Option<Shift> {
        let grid = self.grid?;
        let newest = self.planes.get(self.newest)?;
        if newest.captured_at == then {
            return Some(Shift::default());
        }
        if self.reference.as_ref().is_none_or(|(at, _)| *at != then) {
            let apart = |plane: &&SmallPlane| {
                let (a, b) = (plane.captured_at, then);
                a.saturating_duration_since(b)
                    .max(b.saturating_duration_since(a))
            };
            let nearest = self.planes.iter().min_by_key(apart);
            let known = nearest.filter(|plane| apart(plane) <= SAME_TIME)?;
            let mut pyramid = self
                .reference
                .take()
                .map_or_else(Pyramid::default, |one| one.1);
            pyramid.fill(grid.columns, &known.cells);
            self.reference = Some((then, pyramid));
            self.last = Shift::default();
        }
        let (_, reference) = self.reference.as_ref()?;
        self.present.fill(grid.columns, &newest.cells);
        let cell = grid.cell_px as f32;
        let guess = Shift {
            x: self.last.x / cell,
            y: self.last.y / cell,
        };
        let found = align(reference, &self.present, guess)?;
        self.last = Shift {
            x: found.x * cell,
            y: found.y * cell,
        };
        Some(self.last)
    }
}
