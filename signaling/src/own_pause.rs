//! Notices that the process did not run for a while: stopped, or on a machine that was suspended or
//! held by its hypervisor. What the network said or did not say meanwhile is no word about the network.
//! Pure.

use std::time::{Duration, Instant};

/// Shorter ones are what a busy machine does all the time, and harm nothing.
const LEAST: Duration = Duration::from_secs(1);

/// Detects pauses of the process: gaps between the times at which one loop reads the monotonic clock.
#[derive(Debug)]
pub(crate) struct OwnPause {
    looked_at: Instant,
}

impl OwnPause {
    pub(crate) fn new(now: Instant) -> Self {
        Self { looked_at: now }
    }

    /// To be called again and again. `waited`: what the loop has waited on purpose since it last was, at
    /// most. Gives how long nothing ran, if that was longer than it should be.
    pub(crate) fn look(&mut self, now: Instant, waited: Duration) -> Option<Duration> {
        let since = now.saturating_duration_since(self.looked_at);
        self.looked_at = now;
        (since > waited + LEAST).then_some(since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn only_time_that_was_not_waited_for_is_a_pause() {
        let start = Instant::now();
        let mut pause = OwnPause::new(start);
        assert_eq!(pause.look(start + 900 * MS, Duration::ZERO), None);
        assert_eq!(pause.look(start + 2000 * MS, 1000 * MS), None);
        assert_eq!(
            pause.look(start + 12_000 * MS, 1000 * MS),
            Some(10_000 * MS)
        );
        assert_eq!(pause.look(start + 12_010 * MS, Duration::ZERO), None);
        assert_eq!(
            pause.look(start + 14_000 * MS, Duration::ZERO),
            Some(1990 * MS)
        );
    }
}
