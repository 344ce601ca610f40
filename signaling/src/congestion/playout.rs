//! How long a viewer should hold pictures back, so that retransmissions come in time.
//!
//! A picture is shown at once as long as nothing is lost: that is the shortest latency there is. Where
//! packets are lost, each would stop the picture for a round trip and more; held back by the time that
//! two retransmissions take, the picture flows.

use std::time::{Duration, Instant};

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

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn pictures_are_held_back_only_where_packets_are_lost() {
        let (mut playout, start) = (Playout::default(), Instant::now());
        playout.heed(start, 0.005, 500, 100 * MS);
        playout.heed(start, 0.5, 10, 100 * MS);
        assert_eq!(playout.delay(), Duration::ZERO, "little, or a guess");
        let mut after = Vec::new();
        for ms in (0..2000).step_by(100) {
            playout.heed(start + ms * MS, 0.05, 280, 100 * MS);
            after.push(playout.delay().as_millis());
        }
        assert_eq!(after[..4], [90, 90, 180, 180], "step by step");
        assert_eq!(after[19], 290);
        let delay = playout.delay();
        playout.heed(start + 5000 * MS, 0.05, 280, 110 * MS);
        assert_eq!(playout.delay(), delay, "no fidgeting");
        for ms in (5100..=6000).step_by(100) {
            playout.heed(start + ms * MS, 0.05, 280, 900 * MS);
        }
        assert_eq!(playout.delay(), LONGEST);
        playout.heed(start + 20_000 * MS, 0.0, 280, 20 * MS);
        assert_eq!(playout.delay(), LONGEST, "it may come again");
        playout.heed(start + 21_000 * MS, 0.0, 280, 20 * MS);
        assert_eq!(playout.delay(), Duration::ZERO);
    }
}
