//! Pure: when a thread counts as hung, and when restarting it has failed.

use std::time::{Duration, Instant};

use crate::backoff::Backoff;

/// Panics in a row after which a thread counts as dead, although it is still being restarted.
const DEAD_AFTER: u32 = 5;
/// A run this long was sound: the panics before it no longer count.
const SOUND_AFTER: Duration = Duration::from_secs(5);
/// The most time that passes between two looks at the threads. A process that was stopped (SIGSTOP,
/// a paused virtual machine, a swapped-out host) must not find all its threads hung when it goes on.
const LOOK_MAX: Duration = Duration::from_secs(2);

/// The restarts of one thread.
#[derive(Debug, Default)]
pub(super) struct Restarts {
    backoff: Backoff,
    started_at: Option<Instant>,
    in_a_row: u32,
}

impl Restarts {
    /// The thread's body begins.
    pub(super) fn started(&mut self, now: Instant) {
        self.started_at = Some(now);
        self.backoff.flowing(now);
    }

    /// The body panicked: how long to wait before it is called again.
    pub(super) fn panicked(&mut self, now: Instant) -> Duration {
        if self.is_sound(now) {
            self.in_a_row = 0;
        }
        self.in_a_row += 1;
        self.started_at = None;
        self.backoff.failed(now)
    }

    /// Panics since the last sound run.
    pub(super) fn in_a_row(&self) -> u32 {
        self.in_a_row
    }

    /// Restarting does not help.
    pub(super) fn is_dead(&self, now: Instant) -> bool {
        self.in_a_row >= DEAD_AFTER && !self.is_sound(now)
    }

    fn is_sound(&self, now: Instant) -> bool {
        self.started_at
            .is_some_and(|at| now.saturating_duration_since(at) >= SOUND_AFTER)
    }
}

/// The time during which the watching thread ran: a clock that stands still while the process does.
#[derive(Debug)]
pub(super) struct WatchedTime {
    last_look: Instant,
}

impl WatchedTime {
    pub(super) fn new(now: Instant) -> Self {
        Self { last_look: now }
    }

    /// What to add to the watched time at this look.
    pub(super) fn look(&mut self, now: Instant) -> Duration {
        let passed = now.saturating_duration_since(self.last_look);
        self.last_look = now;
        passed.min(LOOK_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn waits_grow_and_after_five_panics_in_a_row_a_thread_is_dead_until_it_runs() {
        let (mut restarts, mut now) = (Restarts::default(), Instant::now());
        let mut last = Duration::ZERO;
        for panics in 1..=7 {
            restarts.started(now);
            let wait = restarts.panicked(now);
            assert!(wait >= last && wait <= 5 * SECOND);
            (last, now) = (wait, now + wait);
            assert_eq!(restarts.is_dead(now), panics >= 5, "{panics}");
        }
        restarts.started(now);
        assert!(restarts.is_dead(now + 4 * SECOND));
        assert!(!restarts.is_dead(now + 5 * SECOND));
        restarts.panicked(now + 6 * SECOND);
        assert_eq!(restarts.in_a_row(), 1);
        assert!(!restarts.is_dead(now + 6 * SECOND));
    }

    #[test]
    fn time_in_which_the_process_was_stopped_does_not_count() {
        let start = Instant::now();
        let mut time = WatchedTime::new(start);
        assert_eq!(time.look(start + SECOND), SECOND);
        assert_eq!(time.look(start + 3600 * SECOND), 2 * SECOND);
        assert_eq!(time.look(start + 10 * SECOND), Duration::ZERO);
    }
}
