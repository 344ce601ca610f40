//! What the owner allows of what visitors want to share. Changes while the booth is open.

use std::sync::atomic::{AtomicBool, Ordering};

#[derive(Debug, Default)]
pub struct SharingRules {
    approves_first: AtomicBool,
    is_paused: AtomicBool,
}

impl SharingRules {
    /// `approves_first`: a shared picture is shown only once the owner approved it. `is_paused`: no further
    /// picture is shared.
    #[must_use]
    pub fn new(approves_first: bool, is_paused: bool) -> Self {
        let rules = Self::default();
        rules.set(approves_first, is_paused);
        rules
    }

    /// As [`SharingRules::new`]. Pictures that are shown without an approval wait for one from now on.
    pub fn set(&self, approves_first: bool, is_paused: bool) {
        self.approves_first.store(approves_first, Ordering::Relaxed);
        self.is_paused.store(is_paused, Ordering::Relaxed);
    }

    pub(crate) fn approves_first(&self) -> bool {
        self.approves_first.load(Ordering::Relaxed)
    }

    pub(crate) fn is_paused(&self) -> bool {
        self.is_paused.load(Ordering::Relaxed)
    }
}
