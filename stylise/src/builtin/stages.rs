//! Where the work may be left, and how far it is.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

/// Why there is no picture.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Interrupted {
    /// It is not wanted any more.
    Asked,
    /// It cannot be made.
    Failed(String),
}

/// Shared by the thread at work and the one that looks after it.
#[derive(Debug, Default)]
pub(super) struct Stages {
    done: AtomicU32,
    is_interrupted: AtomicBool,
}

impl Stages {
    /// One more stage is done; each takes a few tenths of a second at most.
    pub(super) fn next(&self) -> Result<(), Interrupted> {
        self.done.fetch_add(1, Ordering::Relaxed);
        if self.is_interrupted.load(Ordering::Relaxed) {
            return Err(Interrupted::Asked);
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
