//! How the making of a style reports progress, is cancelled, and fails.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

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
    is_interrupted: Arc<AtomicBool>,
}

impl Stages {
    /// The stages of a style that ends when the caller sets `is_interrupted`.
    pub(super) fn interrupted_by(is_interrupted: &Arc<AtomicBool>) -> Self {
        Self {
            done: AtomicU32::new(0),
            is_interrupted: Arc::clone(is_interrupted),
        }
    }

    /// Ends a stage and checks for cancellation. A stage takes a few tenths of a second at most.
    pub(super) fn advance(&self) -> Result<(), StyleError> {
        self.done.fetch_add(1, Ordering::Relaxed);
        self.check()
    }

    /// Checks for cancellation within a stage.
    pub(super) fn check(&self) -> Result<(), StyleError> {
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
