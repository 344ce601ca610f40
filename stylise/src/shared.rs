//! What the booth's threads and callers share.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::booth::Settings;
use crate::inner::Inner;
use crate::metrics::BoothMetrics;
use crate::pictures::Pictures;
use crate::reserve::Reserve;
use crate::style::MadeBy;
use crate::stylist::{Stylist, Trouble};

pub(crate) struct Shared {
    pub(crate) settings: Settings,
    /// One of each kind.
    pub(crate) stylists: Vec<Arc<dyn Stylist>>,
    pub(crate) pictures: Pictures,
    pub(crate) reserve: Reserve,
    pub(crate) metrics: BoothMetrics,
    pub(crate) inner: Mutex<Inner>,
    pub(crate) changed: Condvar,
    pub(crate) stopping: AtomicBool,
    /// Held as long as this lives: the folder is ours.
    pub(crate) _lock: File,
}

impl Shared {
    pub(crate) fn stylist(&self, made_by: MadeBy) -> Option<&Arc<dyn Stylist>> {
        self.stylists
            .iter()
            .find(|stylist| stylist.made_by() == made_by)
    }

    /// A thread that panicked with the lock left nothing half done that matters: what must hold together is in
    /// one transaction of the store.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Until something changed, at most `pause` long.
    pub(crate) fn wait<'a>(
        &self,
        inner: MutexGuard<'a, Inner>,
        pause: Option<Duration>,
    ) -> MutexGuard<'a, Inner> {
        let Some(pause) = pause else {
            let woken = self.changed.wait(inner);
            return woken.unwrap_or_else(PoisonError::into_inner);
        };
        let woken = self.changed.wait_timeout(inner, pause);
        woken.unwrap_or_else(PoisonError::into_inner).0
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// Wakes every thread for the last time. Under the lock, so that none goes to sleep in between.
    pub(crate) fn stop(&self) {
        let inner = self.lock();
        self.stopping.store(true, Ordering::Release);
        let news = inner.followers.news();
        drop(inner);
        self.changed.notify_all();
        news.notify_all();
    }
}

/// What visitors are told of a panic.
pub(crate) const BROKE_DOWN: &str =
    "This style broke down on this picture: try another style, or another picture.";

/// Runs a stylist's code: its panic is its trouble, not the program's.
pub(crate) fn guarded<T>(work: impl FnOnce() -> Result<T, Trouble>) -> Result<T, Trouble> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        // The panic itself, and where it was, stands in the log: the default hook writes it.
        Err(Trouble::Failed(BROKE_DOWN.to_owned()))
    })
}
