//! When a viewer is watched closely: at its beginning, and for a while after each sign of trouble.

use std::time::{Duration, Instant};

/// Feedback packet by packet is asked for at least this long.
const CLOSE_FOR: Duration = Duration::from_secs(10);
/// Receiver reports with this much loss are a sign.
const LOSS_SIGN: f32 = 0.02;
/// A round trip this much longer than the best one is a sign.
const ROUND_TRIP_SIGN: Duration = Duration::from_millis(60);

#[derive(Debug)]
pub(crate) struct Watch {
    until: Instant,
    best_round_trip: Option<Duration>,
}

impl Watch {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            until: now + CLOSE_FOR,
            best_round_trip: None,
        }
    }

    pub(crate) fn is_close(&self, now: Instant) -> bool {
        now < self.until
    }

    /// Something is wrong: packets asked for again, a lost picture.
    pub(crate) fn alarm(&mut self, now: Instant) {
        self.until = self.until.max(now + CLOSE_FOR);
    }

    /// Takes a receiver report.
    pub(crate) fn report(&mut self, now: Instant, loss: f32, round_trip: Option<Duration>) {
        if loss >= LOSS_SIGN {
            self.alarm(now);
        }
        let Some(round_trip) = round_trip else { return };
        let best = self
            .best_round_trip
            .map_or(round_trip, |best| best.min(round_trip));
        self.best_round_trip = Some(best);
        if round_trip > best + ROUND_TRIP_SIGN {
            self.alarm(now);
            // A viewer that walked away from its access point has a new best in the end.
            self.best_round_trip = Some((best * 7 + round_trip) / 8);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn the_beginning_and_trouble_are_watched_closely_and_health_is_not() {
        let start = Instant::now();
        let mut watch = Watch::new(start);
        assert!(watch.is_close(start + 9 * 1000 * MS));
        let later = start + 11 * 1000 * MS;
        watch.report(later, 0.0, Some(20 * MS));
        assert!(!watch.is_close(later));
        watch.report(later, 0.03, None);
        assert!(watch.is_close(later + 9999 * MS) && !watch.is_close(later + 10_000 * MS));
        let slow = start + 60 * 1000 * MS;
        watch.report(slow, 0.0, Some(100 * MS));
        assert!(watch.is_close(slow));
        (0..20).for_each(|_| watch.report(slow, 0.0, Some(100 * MS)));
        let settled = slow + 60 * 1000 * MS;
        watch.report(settled, 0.0, Some(100 * MS));
        assert!(!watch.is_close(settled), "that is how far it is now");
    }
}
