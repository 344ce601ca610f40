//! At most so many frames a second: a 60 Hz source would cost every viewer and the encoder twice what
//! the rendition promises. Pure.

use std::time::{Duration, Instant};

/// A frame this much older than expected comes from a clock that jumped back.
const JUMPED_BACK: Duration = Duration::from_millis(1500);

/// Decides by capture time, so that what passes is evenly spaced in the picture's own time.
///
/// overflow: counted, by the caller.
#[derive(Debug)]
pub(crate) struct RateCap {
    interval: Duration,
    next: Option<Instant>,
}

impl RateCap {
    pub(crate) fn new(fps: u32) -> Self {
        Self {
            interval: Duration::from_secs(10) / (fps.max(1) * 11),
            next: None,
        }
    }

    pub(crate) fn restarted(&self) -> Self {
        Self {
            interval: self.interval,
            next: None,
        }
    }

    pub(crate) fn admits(&mut self, captured_at: Instant) -> bool {
        let Some(next) = self.next else {
            self.next = Some(captured_at + self.interval);
            return true;
        };
        // A quarter of the interval for jitter; what is early now makes the next one due later.
        let admitted = captured_at + self.interval / 4 >= next;
        if admitted {
            self.next = Some((next + self.interval).max(captured_at));
        }
        // A capture clock that jumped back must not shut the feed until it has caught up.
        if next > captured_at + JUMPED_BACK {
            self.next = None;
        }
        admitted
    }
}
