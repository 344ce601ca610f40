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

use crate::luma_history::{LumaHistory, SmallPlane};
use alignment::{Pyramid, align};

pub(crate) use shift::Shift;

/// Every fourth row averages noise away as well in cells of this size.
const ROW_STEP: u32 = 4;
/// A picture stands for another that was captured so shortly before or after it.
const SAME_TIME: Duration = Duration::from_millis(8);

/// Remembers small planes of pictures, and compares the newest one with an earlier one.
#[derive(Debug)]
pub(crate) struct CameraMotion {
    history: LumaHistory,
    /// The picture that was compared with last.
    reference: Option<(Instant, Pyramid)>,
    present: Pyramid,
    /// Of the last comparison.
    last: Shift,
}

impl Default for CameraMotion {
    fn default() -> Self {
        Self {
            history: LumaHistory::new(ROW_STEP),
            reference: None,
            present: Pyramid::default(),
            last: Shift::default(),
        }
    }
}

impl CameraMotion {
    pub(crate) fn forget(&mut self) {
        self.history.forget();
        self.reference = None;
        self.last = Shift::default();
    }

    /// Remembers a picture.
    pub(crate) fn observe(&mut self, picture: &I420, captured_at: Instant) {
        if self.history.change_size(picture).is_some() {
            self.forget();
        }
        self.history.add(picture, captured_at);
    }

    /// How far the view has moved in the newest picture since the one captured at `then`; zero where no shift explains the
    /// difference. `None`: that picture is not remembered, or there is too little in them to hold on to.
    pub(crate) fn since(&mut self, then: Instant) -> Option<Shift> {
        let grid = self.history.grid()?;
        let newest = self.history.newest()?;
        if newest.captured_at == then {
            return Some(Shift::default());
        }
        if self.reference.as_ref().is_none_or(|(at, _)| *at != then) {
            let apart = |plane: &&SmallPlane| {
                let (a, b) = (plane.captured_at, then);
                a.saturating_duration_since(b)
                    .max(b.saturating_duration_since(a))
            };
            let nearest = self.history.planes().min_by_key(apart);
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
