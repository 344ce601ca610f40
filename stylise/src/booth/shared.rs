//! What the booth's threads and callers share: settings, stylists, files, metrics, and the locked state.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use capture::Threads;

use crate::booth::state::BoothState;
use crate::jobs::files::{Pictures, ReservedSpace};
use crate::metrics::BoothMetrics;
use crate::sharing_rules::SharingRules;
use crate::stylist::{MadeBy, Stylist, StylistError};

pub(crate) struct Shared {
    pub(crate) settings: BoothSettings,
    /// At most one per kind.
    pub(crate) stylists: Vec<Arc<dyn Stylist>>,
    pub(crate) pictures: Pictures,
    pub(crate) reserve: ReservedSpace,
    pub(crate) metrics: BoothMetrics,
    pub(crate) state: Mutex<BoothState>,
    pub(crate) changed: Condvar,
    pub(crate) stopping: AtomicBool,
    pub(crate) _lock: File,
}

impl Shared {
    pub(crate) fn stylist(&self, made_by: MadeBy) -> Option<&Arc<dyn Stylist>> {
        self.stylists
            .iter()
            .find(|stylist| stylist.made_by() == made_by)
    }

    /// A poisoned lock is used further: related changes are single database transactions, so a panic leaves
    /// nothing half done.
    pub(crate) fn lock(&self) -> MutexGuard<'_, BoothState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until something changed, or for `pause`.
    pub(crate) fn wait<'a>(
        &self,
        state: MutexGuard<'a, BoothState>,
        pause: Option<Duration>,
    ) -> MutexGuard<'a, BoothState> {
        let Some(pause) = pause else {
            let woken = self.changed.wait(state);
            return woken.unwrap_or_else(PoisonError::into_inner);
        };
        let woken = self.changed.wait_timeout(state, pause);
        woken.unwrap_or_else(PoisonError::into_inner).0
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// Makes every thread stop. Notifies under the lock, so that no thread misses it on its way to sleep.
    pub(crate) fn stop(&self) {
        let state = self.lock();
        self.stopping.store(true, Ordering::Release);
        let changed_signal = state.followers.changed_signal();
        drop(state);
        self.changed.notify_all();
        changed_signal.notify_all();
    }
}

/// What visitors are told when a stylist panics.
pub(crate) const PANIC_MESSAGE: &str =
    "This style failed on this picture: try another style, or another picture.";

/// Runs a stylist's code and turns a panic into an error.
pub(crate) fn catch_panic<T>(
    work: impl FnOnce() -> Result<T, StylistError>,
) -> Result<T, StylistError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        // The default panic hook has logged the panic and its location.
        Err(StylistError::Failed(PANIC_MESSAGE.to_owned()))
    })
}

#[derive(Debug, Clone)]
pub struct BoothSettings {
    /// For database and pictures. Created if missing, readable for this user only.
    pub folder: PathBuf,
    /// How long a job and its pictures are kept.
    pub keep: Duration,
    /// How long counts of objects are kept.
    pub keep_counts: Duration,
    /// Maximum number of queued jobs per stylist.
    pub queue_max: usize,
    /// Maximum number of unfinished jobs per visitor.
    pub per_visitor_max: usize,
    /// How long a job waits for an unavailable stylist before it fails.
    pub away_max: Duration,
    /// How often the janitor looks for expired jobs.
    pub tick: Duration,
    /// Where the booth's threads are registered for supervision.
    pub threads: Threads,
    pub sharing: Arc<SharingRules>,
}

impl BoothSettings {
    /// The default settings, in `folder`.
    pub fn in_folder(folder: PathBuf) -> Self {
        Self {
            folder,
            keep: Duration::from_secs(24 * 60 * 60),
            keep_counts: Duration::from_secs(72 * 60 * 60),
            queue_max: 50,
            per_visitor_max: 3,
            away_max: Duration::from_secs(30 * 60),
            tick: Duration::from_secs(30),
            threads: Threads::default(),
            sharing: Arc::default(),
        }
    }
}
