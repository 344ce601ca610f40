//! Keeps the counts of objects in the booth's database, for the event.

use crate::api::BoothError;
use crate::booth::Booth;
use crate::counts::Counts;

impl Booth {
    /// Adds to what was counted. It is kept for `keep_counts` of the settings.
    pub fn add_counts(&self, counts: &Counts) -> Result<(), BoothError> {
        let shared = self.shared();
        let keep_ms = u64::try_from(shared.settings.keep_counts.as_millis()).unwrap_or(u64::MAX);
        let mut state = shared.lock();
        let expires_at_ms = state.now_ms().saturating_add(keep_ms);
        state.store.add_counts(counts, expires_at_ms)
    }

    /// All that was counted and has not expired, oldest first.
    pub fn counts(&self) -> Result<Counts, BoothError> {
        self.shared().lock().store.counts()
    }

    /// Erases all that was counted.
    pub fn erase_counts(&self) -> Result<(), BoothError> {
        let shared = self.shared();
        let mut state = shared.lock();
        if let Err(error) = state.store.erase_counts() {
            // Erasing must succeed on a full disk: release the reserved space.
            if !shared.reserve.release() {
                return Err(error);
            }
            state.store.erase_counts()?;
        }
        state.truncate_log();
        Ok(())
    }
}
