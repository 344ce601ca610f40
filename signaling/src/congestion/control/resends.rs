//! Which packets are sent again to a viewer, and when.

use std::time::{Duration, Instant};

use super::{Control, ROUND_TRIP_DEFAULT};

/// From this loss on lost packets are sent again twice at once.
const LOSS_OF_RESENDS: f32 = 0.03;
/// A NACK that comes within this share of a round trip after a retransmission left before that could have arrived.
const ANSWER_SHARE: f32 = 0.9;
const ANSWER_LEAST: Duration = Duration::from_millis(10);
/// Over a path with less than this and a round trip of at least this, the picture after a viewer's first one is sent twice:
/// Chromium shows the first one at once, without a playout delay, and a retransmission would take longer than a freeze.
const REPEAT_BELOW_BPS: u32 = 500_000;
const REPEAT_ROUND_TRIP: Duration = Duration::from_millis(60);
/// With a playout delay of so much, a retransmission comes in time.
const REPEAT_DELAY: Duration = Duration::from_millis(150);

impl Control {
    /// Whether a lost packet may be sent again now.
    pub(crate) fn takes_resend(&self, now: Instant) -> bool {
        let bps = self.estimate.bps();
        bps.is_none_or(|bps| self.backlog.takes_resend(now, bps))
    }

    /// A NACK that comes within this time of a retransmission left before that could have arrived.
    pub(crate) fn answered_within(&self, now: Instant) -> Duration {
        let round_trip = self
            .monitoring
            .best_round_trip()
            .unwrap_or(ROUND_TRIP_DEFAULT);
        let queue = self.estimate.bps().map(|bps| self.backlog.waits(now, bps));
        round_trip.mul_f32(ANSWER_SHARE).max(ANSWER_LEAST) + queue.unwrap_or_default()
    }

    /// Whether so many packets are lost that a retransmission is likely to be lost, too.
    pub(crate) fn is_lossy(&self) -> bool {
        self.loss >= LOSS_OF_RESENDS
    }

    /// The sequence numbers of media that the last feedback reported as lost, on a path that loses packets: elsewhere they
    /// may be late only.
    pub(crate) fn take_lost_media(&mut self) -> Vec<u16> {
        let lost = std::mem::take(&mut self.lost_media);
        if self.is_lossy() { lost } else { Vec::new() }
    }

    /// Whether the picture after a keyframe is sent twice.
    pub(crate) fn repeats_second_picture(&self) -> bool {
        let is_slow = self
            .estimate
            .bps()
            .is_some_and(|bps| bps < REPEAT_BELOW_BPS);
        let round_trip = self.path.idle_round_trip();
        let is_far = round_trip.is_some_and(|round_trip| round_trip >= REPEAT_ROUND_TRIP);
        is_slow && is_far && self.playout.delay() < REPEAT_DELAY
    }
}
