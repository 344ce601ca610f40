//! Decides when a viewer is monitored closely, which needs transport-wide feedback.

use std::time::{Duration, Instant};

/// Monitoring lasts at least this long after its cause.
const MONITORING_TIME: Duration = Duration::from_secs(10);
/// Receiver reports with this much loss start close monitoring.
const LOSS_THRESHOLD: f32 = 0.02;
/// A round trip this much longer than the minimum starts close monitoring.
const ROUND_TRIP_THRESHOLD: Duration = Duration::from_millis(60);

#[derive(Debug)]
pub(crate) struct Monitoring {
    until: Instant,
    best_round_trip: Option<Duration>,
}

impl Monitoring {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            until: now + MONITORING_TIME,
            best_round_trip: None,
        }
    }

    /// The round trip without queues.
    pub(crate) fn best_round_trip(&self) -> Option<Duration> {
        self.best_round_trip
    }

    pub(crate) fn is_active(&self, now: Instant) -> bool {
        now < self.until
    }

    /// Starts or prolongs it, because packets or pictures were lost.
    pub(crate) fn start(&mut self, now: Instant) {
        self.until = self.until.max(now + MONITORING_TIME);
    }

    /// Handles a receiver report.
    pub(crate) fn report(&mut self, now: Instant, loss: f32, round_trip: Option<Duration>) {
        if loss >= LOSS_THRESHOLD {
            self.start(now);
        }
        let Some(round_trip) = round_trip else { return };
        let best = self
            .best_round_trip
            .map_or(round_trip, |best| best.min(round_trip));
        self.best_round_trip = Some(best);
        if round_trip > best + ROUND_TRIP_THRESHOLD {
            self.start(now);
            // A viewer that moved away from its access point slowly gets a new minimum.
            self.best_round_trip = Some((best * 7 + round_trip) / 8);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn the_start_and_problems_are_monitored_closely() {
        let start = Instant::now();
        let mut monitoring = Monitoring::new(start);
        assert!(monitoring.is_active(start + 9 * 1000 * MS));
        let later = start + 11 * 1000 * MS;
        monitoring.report(later, 0.0, Some(20 * MS));
        assert!(!monitoring.is_active(later));
        monitoring.report(later, 0.03, None);
        assert!(
            monitoring.is_active(later + 9999 * MS) && !monitoring.is_active(later + 10_000 * MS)
        );
        let slow = start + 60 * 1000 * MS;
        monitoring.report(slow, 0.0, Some(100 * MS));
        assert!(monitoring.is_active(slow));
        (0..20).for_each(|_| monitoring.report(slow, 0.0, Some(100 * MS)));
        let settled = slow + 60 * 1000 * MS;
        monitoring.report(settled, 0.0, Some(100 * MS));
        assert!(
            !monitoring.is_active(settled),
            "the minimum has moved to the new path"
        );
    }
}
