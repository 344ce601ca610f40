//! Restarts of a thread after panics, with exponential back-off, and the clock that decides who hangs.

use std::time::{Duration, Instant};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;

use crate::backoff::Backoff;
use crate::metrics;

/// After this many panics in a row a thread counts as dead, although it is still restarted.
const DEAD_AFTER: u32 = 5;
/// After a run of this length without a panic, earlier panics no longer count.
const SOUND_AFTER: Duration = Duration::from_secs(5);
/// At most this much time counts between two checks. Otherwise all threads would count as hung after
/// the process was stopped (SIGSTOP, a paused virtual machine, swapping).
const CHECK_MAX: Duration = Duration::from_secs(2);

/// Waits between a panic and the restart.
const BACKOFF: Backoff = Backoff::new(Duration::from_millis(250), Duration::from_secs(5));

/// The restarts of one thread.
#[derive(Debug)]
pub(super) struct Restarts {
    backoff: Backoff,
    started_at: Option<Instant>,
    in_a_row: u32,
}

impl Default for Restarts {
    fn default() -> Self {
        Self {
            backoff: BACKOFF,
            started_at: None,
            in_a_row: 0,
        }
    }
}

impl Restarts {
    pub(super) fn started(&mut self, now: Instant) {
        self.started_at = Some(now);
        self.backoff.running(now);
    }

    /// Notes a panic and returns how long to wait before the restart.
    pub(super) fn panicked(&mut self, now: Instant) -> Duration {
        if self.is_sound(now) {
            self.in_a_row = 0;
        }
        self.in_a_row += 1;
        self.started_at = None;
        self.backoff.failed(now)
    }

    /// Panics since the last sound run ([`SOUND_AFTER`]).
    pub(super) fn in_a_row(&self) -> u32 {
        self.in_a_row
    }

    /// Whether the thread panics again after each restart.
    pub(super) fn is_dead(&self, now: Instant) -> bool {
        self.in_a_row >= DEAD_AFTER && !self.is_sound(now)
    }

    fn is_sound(&self, now: Instant) -> bool {
        self.started_at
            .is_some_and(|at| now.saturating_duration_since(at) >= SOUND_AFTER)
    }
}

/// A clock that stands still while the whole process does.
#[derive(Debug)]
pub(super) struct ProcessClock {
    last_check: Instant,
}

impl ProcessClock {
    pub(super) fn new(now: Instant) -> Self {
        Self { last_check: now }
    }

    /// The time that passed on this clock since the previous call.
    pub(super) fn advance(&mut self, now: Instant) -> Duration {
        let passed = now.saturating_duration_since(self.last_check);
        self.last_check = now;
        passed.min(CHECK_MAX)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct ThreadLabel {
    thread: String,
}

metrics! {
    pub(super) struct ThreadMetrics;
    panics: Family<ThreadLabel, Counter> =>
        "carrier_thread_panics", "Panics in any thread, caught or not";
    restarts: Family<ThreadLabel, Counter> =>
        "carrier_thread_restarts", "Times a thread of the program was restarted after a panic";
}

impl ThreadMetrics {
    pub(super) fn panicked(&self, thread: &str) {
        self.panics.get_or_create(&label(thread)).inc();
    }

    pub(super) fn restarted(&self, thread: &str) {
        self.restarts.get_or_create(&label(thread)).inc();
    }

    #[cfg(any(test, debug_assertions))]
    pub(super) fn restarts_of(&self, thread: &str) -> u64 {
        self.restarts.get_or_create(&label(thread)).get()
    }
}

/// Drops the number at the end of a thread's name: `source-webcam-12` is the twelfth attempt, and a
/// label for each would be without bound.
fn label(thread: &str) -> ThreadLabel {
    let plain = thread.trim_end_matches(|c: char| c.is_ascii_digit());
    let plain = plain.strip_suffix('-').unwrap_or(thread);
    ThreadLabel {
        thread: plain.to_owned(),
    }
}

#[test]
fn labels_leave_out_the_number_of_the_attempt() {
    for (name, wanted) in [
        ("source-webcam-12", "source-webcam"),
        ("media-engine", "media-engine"),
        ("h264", "h264"),
    ] {
        assert_eq!(label(name).thread, wanted);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn after_five_panics_in_a_row_a_thread_is_dead_until_a_sound_run() {
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
        let mut clock = ProcessClock::new(start);
        assert_eq!(clock.advance(start + SECOND), SECOND);
        assert_eq!(clock.advance(start + 3600 * SECOND), 2 * SECOND);
        assert_eq!(clock.advance(start + 10 * SECOND), Duration::ZERO);
    }
}
