//! By how much another carrier's clock is ahead of this one's. Pure.
//!
//! As NTP measures it (RFC 5905, clock filter): of the last exchanges the one with the shortest round trip counts,
//! since its two ways differ least. The error is at most half of that round trip.

use std::collections::VecDeque;

/// Exchanges that are kept.
const SAMPLES: usize = 8;
/// A round trip that took longer says nothing about the clocks.
const ROUND_TRIP_MAX_MS: u64 = 10_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Sample {
    round_trip_ms: u64,
    offset_ms: i64,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct ClockOffset {
    samples: VecDeque<Sample>,
}

impl ClockOffset {
    /// One exchange: sent and answered by this carrier's clock, and the other's clock in between.
    pub(crate) fn measured(&mut self, sent_ms: u64, other_ms: u64, now_ms: u64) {
        let Some(round_trip_ms) = now_ms.checked_sub(sent_ms) else {
            return;
        };
        if round_trip_ms > ROUND_TRIP_MAX_MS {
            return;
        }
        let middle_ms = sent_ms + round_trip_ms / 2;
        let offset_ms = signed(other_ms).saturating_sub(signed(middle_ms));
        // A clock that was set makes earlier samples wrong.
        let is_other_clock = |best: Sample| {
            let apart = best.offset_ms.abs_diff(offset_ms);
            apart > best.round_trip_ms + round_trip_ms + 2
        };
        if self.best().is_some_and(is_other_clock) {
            self.samples.clear();
        }
        if self.samples.len() == SAMPLES {
            self.samples.pop_front();
        }
        self.samples.push_back(Sample {
            round_trip_ms,
            offset_ms,
        });
    }

    fn best(&self) -> Option<Sample> {
        let shortest = self.samples.iter().min_by_key(|one| one.round_trip_ms);
        shortest.copied()
    }

    /// The other's clock minus this one's.
    pub(crate) fn offset_ms(&self) -> Option<i64> {
        self.best().map(|best| best.offset_ms)
    }

    pub(crate) fn round_trip_ms(&self) -> Option<u64> {
        self.best().map(|best| best.round_trip_ms)
    }
}

fn signed(ms: u64) -> i64 {
    i64::try_from(ms).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shortest_round_trip_counts() {
        let mut clock = ClockOffset::default();
        // The other is 5000 ms ahead. Ways: 300 and 20 ms, then 10 and 10.
        clock.measured(1000, 1000 + 300 + 5000, 1320);
        assert_eq!(clock.offset_ms(), Some(5140));
        clock.measured(2000, 2000 + 10 + 5000, 2020);
        assert_eq!(clock.offset_ms(), Some(5000));
        clock.measured(3000, 3000 + 200 + 5000, 3210);
        assert_eq!(clock.offset_ms(), Some(5000));
        assert_eq!(clock.round_trip_ms(), Some(20));
    }

    #[test]
    fn a_clock_that_was_set_counts_at_once() {
        let mut clock = ClockOffset::default();
        clock.measured(1000, 1010, 1020);
        clock.measured(2000, 86_402_100, 2200);
        assert_eq!(clock.offset_ms(), Some(86_400_000));
    }

    #[test]
    fn impossible_exchanges_are_left_out() {
        let mut clock = ClockOffset::default();
        clock.measured(2000, 1000, 1000);
        clock.measured(0, 1, ROUND_TRIP_MAX_MS + 1);
        clock.measured(0, u64::MAX, 2);
        assert!(clock.offset_ms().is_some_and(|offset| offset > 0));
        assert_eq!(clock.round_trip_ms(), Some(2));
    }
}
