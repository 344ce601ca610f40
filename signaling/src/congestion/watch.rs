//! Decides when a viewer is monitored closely (transport-wide feedback), and how long it should buffer
//! pictures.
//!
//! Without loss the playout delay is zero, for the lowest latency. With loss each retransmission would
//! freeze the picture for a round trip or more; a delay that covers two retransmissions keeps it moving.

#[cfg(test)]
mod tests;

use std::time::{Duration, Instant};

/// Monitoring lasts at least this long after its cause.
const MONITORING_TIME: Duration = Duration::from_secs(10);
/// Receiver reports with this much loss start close monitoring.
const LOSS_THRESHOLD: f32 = 0.02;
/// A round trip this much longer than the minimum starts close monitoring.
const ROUND_TRIP_THRESHOLD: Duration = Duration::from_millis(60);

#[derive(Debug)]
pub(crate) struct Watch {
    until: Instant,
    best_round_trip: Option<Duration>,
}

impl Watch {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            until: now + MONITORING_TIME,
            best_round_trip: None,
        }
    }

    pub(crate) fn is_close(&self, now: Instant) -> bool {
        now < self.until
    }

    /// Starts close monitoring, because packets or pictures were lost.
    pub(crate) fn alarm(&mut self, now: Instant) {
        self.until = self.until.max(now + MONITORING_TIME);
    }

    /// Handles a receiver report.
    pub(crate) fn report(&mut self, now: Instant, loss: f32, round_trip: Option<Duration>) {
        if loss >= LOSS_THRESHOLD {
            self.alarm(now);
        }
        let Some(round_trip) = round_trip else { return };
        let best = self
            .best_round_trip
            .map_or(round_trip, |best| best.min(round_trip));
        self.best_round_trip = Some(best);
        if round_trip > best + ROUND_TRIP_THRESHOLD {
            self.alarm(now);
            // A viewer that moved away from its access point slowly gets a new minimum.
            self.best_round_trip = Some((best * 7 + round_trip) / 8);
        }
    }
}

/// Loss from which on pictures are delayed.
const LOSS: f32 = 0.01;
const MIN_PACKETS: u32 = 40;
/// The delay is removed after this long without loss.
const HOLD_TIME: Duration = Duration::from_secs(15);
/// Covers two retransmissions: two round trips, and the loss detection with the next frame for each.
const ROUND_TRIPS: f32 = 2.2;
const DETECTION_TIME: Duration = Duration::from_millis(70);
const MAX_DELAY: Duration = Duration::from_millis(500);
/// Smaller changes of the wanted delay are ignored (hysteresis).
const MIN_CHANGE: Duration = Duration::from_millis(40);
/// The delay grows in steps that are not visible as a freeze, and faster than LiveKit's 80 ms per
/// second, because until it is reached each loss freezes the picture.
const STEP: Duration = Duration::from_millis(90);
const STEP_INTERVAL: Duration = Duration::from_millis(200);

#[derive(Debug, Default)]
pub(crate) struct Playout {
    delay: Duration,
    wanted: Duration,
    stepped_at: Option<Instant>,
    lossy_at: Option<Instant>,
}

impl Playout {
    /// Updates the delay from the recent loss.
    pub(crate) fn update(&mut self, now: Instant, loss: f32, packets: u32, round_trip: Duration) {
        if loss >= LOSS && packets >= MIN_PACKETS {
            self.lossy_at = Some(now);
            let wanted = (round_trip.mul_f32(ROUND_TRIPS) + DETECTION_TIME).min(MAX_DELAY);
            if wanted.abs_diff(self.wanted) >= MIN_CHANGE {
                self.wanted = wanted;
            }
        }
        let rested = |at: Instant| now.saturating_duration_since(at) >= STEP_INTERVAL;
        if self.delay != self.wanted && self.stepped_at.is_none_or(rested) {
            self.delay = self.wanted.min(self.delay + STEP);
            self.stepped_at = Some(now);
        }
        let over = |at: Instant| now.saturating_duration_since(at) >= HOLD_TIME;
        if self.lossy_at.is_some_and(over) {
            *self = Self::default();
        }
    }

    /// The current delay; zero shows every picture at once.
    pub(crate) fn delay(&self) -> Duration {
        self.delay
    }
}
