//! The first flight: what may leave before feedback tells anything about the path. After the first frame, which is the
//! probe, only little more may be unanswered, as in TCP's initial window (RFC 6928). Otherwise each of several viewers who
//! join behind one slow link fills its queue before the first of them knows of the link.

use std::time::{Duration, Instant};

/// The first frame, a paced keyframe, leaves within this time.
const TRAIN: Duration = Duration::from_millis(30);
/// What may be unanswered beyond it, two or three frames: with more, two viewers behind 1.5 Mbit/s overflow its queue;
/// with less, pictures over 100 ms and 10 % of loss stop (measured by the simulation).
const MORE_BYTES: u64 = 12_000;
/// A path without feedback for so long is not waited for.
const LONGEST: Duration = Duration::from_millis(600);

#[derive(Debug, Default)]
pub(super) struct FirstFlight {
    began: Option<Instant>,
    /// Of the first frame.
    train_bytes: Option<u64>,
    is_over: bool,
}

impl FirstFlight {
    /// A frame of so many bytes, with all headers, is queued.
    pub(super) fn queued(&mut self, bytes: u64) {
        self.train_bytes.get_or_insert(bytes);
    }

    /// A packet leaves.
    pub(super) fn sent(&mut self, now: Instant) {
        self.began.get_or_insert(now);
    }

    /// Feedback has come: on packets up to the one that left at `newest_left`; `is_limited`: the capacity is known.
    pub(super) fn answered(&mut self, newest_left: Instant, is_limited: bool) {
        let after_train = |began| newest_left > began + TRAIN;
        self.is_over |= is_limited || self.began.is_some_and(after_train);
    }

    /// Whether nothing is known of the path yet.
    pub(super) fn is_open(&self, now: Instant) -> bool {
        let has_time = |began| now.saturating_duration_since(began) < LONGEST;
        !self.is_over && self.began.is_none_or(has_time)
    }

    /// Whether nothing more may leave for the time being.
    pub(super) fn is_full(&self, now: Instant, unanswered_bytes: impl FnOnce() -> u64) -> bool {
        let waits = |began| now.saturating_duration_since(began) < LONGEST;
        let most = self.train_bytes.unwrap_or(0) + MORE_BYTES;
        !self.is_over && self.began.is_some_and(waits) && unanswered_bytes() >= most
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn after_the_first_frame_only_little_leaves_before_feedback() {
        let (mut flight, start) = (FirstFlight::default(), Instant::now());
        flight.queued(57_000);
        flight.queued(6000);
        flight.sent(start);
        assert!(!flight.is_full(start + 24 * MS, || 57_000), "one keyframe");
        assert!(flight.is_open(start + 24 * MS) && !flight.is_open(start + LONGEST));
        assert!(!flight.is_full(start + 25 * MS, || 68_000));
        assert!(flight.is_full(start + 25 * MS, || 69_000));
        assert!(
            !flight.is_full(start + 90 * MS, || 48_000),
            "a part arrived"
        );
        flight.answered(start + 16 * MS, false);
        assert!(
            flight.is_full(start + 200 * MS, || 69_000),
            "of the keyframe"
        );
        assert!(!flight.is_full(start + 600 * MS, || 69_000), "no feedback");
    }

    #[test]
    fn it_ends_when_the_path_is_known() {
        let flight = |start| {
            let mut flight = FirstFlight::default();
            flight.queued(19_000);
            flight.sent(start);
            flight
        };
        let start = Instant::now();
        let full = |flight: &FirstFlight| flight.is_full(start + 100 * MS, || 50_000);
        let mut later = flight(start);
        assert!(full(&later));
        later.answered(start + 40 * MS, false);
        assert!(!full(&later));
        let mut limited = flight(start);
        limited.answered(start, true);
        assert!(!full(&limited));
    }
}
