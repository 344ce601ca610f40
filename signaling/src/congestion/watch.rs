//! When a viewer is watched closely: at its beginning, and for a while after each sign of trouble.
//! And how long a viewer should hold pictures back, so that retransmissions come in time: a picture is
//! shown at once as long as nothing is lost, that is the shortest latency there is. Where packets are
//! lost, each would stop the picture for a round trip and more; held back by the time that two
//! retransmissions take, the picture flows.

#[cfg(test)]
mod tests;

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

/// From this loss on.
const LOSS: f32 = 0.01;
const PACKETS_LEAST: u32 = 40;
/// After the last sign of loss.
const HELD: Duration = Duration::from_secs(15);
/// Two round trips, each noticed with the next frame.
const ROUND_TRIPS: f32 = 2.2;
const NOTICED: Duration = Duration::from_millis(70);
const LONGEST: Duration = Duration::from_millis(500);
/// Smaller changes are not worth telling.
const LEAST_CHANGE: Duration = Duration::from_millis(40);
/// It grows in steps that nobody sees as a stop of the picture; quicker than LiveKit's 80 ms a second,
/// since until it is there each loss is one.
const STEP: Duration = Duration::from_millis(90);
const STEPS_APART: Duration = Duration::from_millis(200);

#[derive(Debug, Default)]
pub(crate) struct Playout {
    delay: Duration,
    wanted: Duration,
    stepped_at: Option<Instant>,
    lossy_at: Option<Instant>,
}

impl Playout {
    /// Takes the loss of late.
    pub(crate) fn heed(&mut self, now: Instant, loss: f32, packets: u32, round_trip: Duration) {
        if loss >= LOSS && packets >= PACKETS_LEAST {
            self.lossy_at = Some(now);
            let wanted = (round_trip.mul_f32(ROUND_TRIPS) + NOTICED).min(LONGEST);
            if wanted.abs_diff(self.wanted) >= LEAST_CHANGE {
                self.wanted = wanted;
            }
        }
        let rested = |at: Instant| now.saturating_duration_since(at) >= STEPS_APART;
        if self.delay != self.wanted && self.stepped_at.is_none_or(rested) {
            self.delay = self.wanted.min(self.delay + STEP);
            self.stepped_at = Some(now);
        }
        let over = |at: Instant| now.saturating_duration_since(at) >= HELD;
        if self.lossy_at.is_some_and(over) {
            *self = Self::default();
        }
    }

    /// Zero: show every picture at once.
    pub(crate) fn delay(&self) -> Duration {
        self.delay
    }
}
