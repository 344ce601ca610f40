//! The thread that looks at jobs when they change, once for all who follow them.

use std::sync::PoisonError;
use std::time::{Duration, Instant};

use capture::{Heartbeat, TURN_MAX};

use crate::shared::Shared;

/// Between two looks: what changes more often is seen as it stands then.
const PAUSE: Duration = Duration::from_millis(100);
/// So many jobs are looked at before others get the lock.
const AT_ONCE: usize = 16;

/// Ends when the booth closes.
pub(crate) fn run(shared: &Shared, heartbeat: &Heartbeat) {
    let news = shared.lock().followers.news();
    let mut inner = shared.lock();
    loop {
        while !inner.followers.has_changed() {
            if shared.is_stopping() {
                return;
            }
            heartbeat.rest();
            inner = news.wait(inner).unwrap_or_else(PoisonError::into_inner);
        }
        heartbeat.beat(TURN_MAX);
        let changed = inner.followers.take_changed();
        drop(inner);
        for jobs in changed.chunks(AT_ONCE) {
            let inner = shared.lock();
            let now = Instant::now();
            for job in jobs {
                match inner.job(*job) {
                    Ok(Some(row)) => inner.followers.show(inner.view(&row, now)),
                    // Erased meanwhile: its followers have been told.
                    Ok(None) => {}
                    Err(error) => tracing::debug!(%error, ?job, "a followed job cannot be read"),
                }
            }
        }
        inner = shared.lock();
        let until = Instant::now() + PAUSE;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if shared.is_stopping() || left.is_zero() {
                break;
            }
            let woken = news.wait_timeout(inner, left);
            inner = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}
