//! What a built-in style is, and how it reports progress and is cancelled.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use crate::builtin::plane::Colour;

/// A style made on this machine.
pub(super) struct BuiltinStyle {
    pub(super) id: &'static str,
    /// The title on the style card.
    pub(super) title: &'static str,
    /// The number of times that `make` calls [`Stages::advance`].
    pub(super) steps: u32,
    /// Makes the picture from one with balanced brightness and about [`WORK_PX`](super::WORK_PX) pixels.
    pub(super) make: fn(&Colour, &Stages) -> Result<Colour, StyleError>,
}

/// Why there is no picture.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum StyleError {
    /// The job was cancelled, or the program stops.
    Cancelled,
    Failed(String),
}

/// Progress and cancellation, shared by the working thread and the worker that watches it.
#[derive(Debug, Default)]
pub(super) struct Stages {
    done: AtomicU32,
    is_interrupted: AtomicBool,
}

impl Stages {
    /// Ends a stage and checks for cancellation. A stage takes a few tenths of a second at most.
    pub(super) fn advance(&self) -> Result<(), StyleError> {
        self.done.fetch_add(1, Ordering::Relaxed);
        if self.is_interrupted.load(Ordering::Relaxed) {
            return Err(StyleError::Cancelled);
        }
        Ok(())
    }

    pub(super) fn done(&self) -> u32 {
        self.done.load(Ordering::Relaxed)
    }

    pub(super) fn interrupt(&self) {
        self.is_interrupted.store(true, Ordering::Relaxed);
    }
}
