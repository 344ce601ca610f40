//! How long a viewer should buffer pictures.
//!
//! Without loss the playout delay is zero, for the lowest latency. With loss each retransmission would
//! freeze the picture for a round trip or more; a delay that covers two retransmissions, or three with much loss, keeps
//! it moving. A path whose bottleneck has just become known may lose packets, too, and its frames take longer the larger
//! they are: it starts with some delay.

use std::time::{Duration, Instant};

/// Loss from which on pictures are delayed.
const LOSS: f32 = 0.01;
const MIN_PACKETS: u32 = 20;
/// From this loss on two retransmissions are lost often enough to be seen.
const MUCH_LOSS: f32 = 0.07;
/// From this round trip on a single retransmission freezes the picture, so that any loss delays pictures.
const LONG_ROUND_TRIP: Duration = Duration::from_millis(100);
/// The delay is removed this long after the last loss.
const HOLD_TIME: Duration = Duration::from_secs(15);
/// A packet is missed when the next one comes.
const DETECTION_TIME: Duration = Duration::from_millis(70);
/// libwebrtc repeats a NACK after 100 ms at the earliest, because it does not know the round trip.
const NACK_REPEAT: Duration = Duration::from_millis(120);
/// What retransmissions wait for in the queue before a bottleneck.
const BOTTLENECK_WAIT: Duration = Duration::from_millis(50);
/// The delay of a path that turned out to have a bottleneck, until losses tell more.
const LIMITED_DELAY: Duration = Duration::from_millis(150);
const MAX_DELAY: Duration = Duration::from_millis(500);
/// Smaller changes of the wanted delay are ignored (hysteresis).
const MIN_CHANGE: Duration = Duration::from_millis(40);
/// The delay grows in steps that are not visible as a freeze, not even at seven pictures a second, and faster than LiveKit's
/// 80 ms per second, because until it is reached each loss freezes the picture.
const STEP: Duration = Duration::from_millis(60);
const STEP_INTERVAL: Duration = Duration::from_millis(200);

#[derive(Debug, Default)]
pub(crate) struct Playout {
    delay: Duration,
    wanted: Duration,
    stepped_at: Option<Instant>,
    /// When packets were last lost, or the bottleneck became known.
    disturbed_at: Option<Instant>,
    /// When there was much loss last.
    much_lost_at: Option<Instant>,
    is_limited: bool,
}

impl Playout {
    /// Updates the delay from the recent loss. `is_limited`: the path has a known bottleneck.
    pub(crate) fn update(
        &mut self,
        now: Instant,
        (loss, packets): (f32, u32),
        round_trip: Duration,
        is_limited: bool,
    ) {
        let is_within = |at, time| now.saturating_duration_since(at) < time;
        let queue = match is_limited {
            true => BOTTLENECK_WAIT,
            false => Duration::ZERO,
        };
        if is_limited && !self.is_limited {
            self.disturbed_at = Some(now);
            self.wanted = self.wanted.max(LIMITED_DELAY);
        }
        self.is_limited = is_limited;
        let is_lossy = loss >= LOSS || (loss > 0.0 && round_trip + queue >= LONG_ROUND_TRIP);
        if is_lossy && packets >= MIN_PACKETS {
            self.disturbed_at = Some(now);
            if loss >= MUCH_LOSS {
                self.much_lost_at = Some(now);
            }
            let retransmission = round_trip.max(NACK_REPEAT);
            let more = match self.much_lost_at.is_some_and(|at| is_within(at, HOLD_TIME)) {
                true => 2 * retransmission,
                false => retransmission,
            };
            let wanted = DETECTION_TIME + round_trip + more + queue;
            let wanted = wanted.min(MAX_DELAY);
            if wanted.abs_diff(self.wanted) >= MIN_CHANGE {
                self.wanted = wanted;
            }
        }
        let has_stepped = |at| is_within(at, STEP_INTERVAL);
        if self.delay != self.wanted && !self.stepped_at.is_some_and(has_stepped) {
            self.delay = self.wanted.min(self.delay + STEP);
            self.stepped_at = Some(now);
        }
        let is_over = |at| !is_within(at, HOLD_TIME);
        if self.disturbed_at.is_some_and(is_over) {
            *self = Self {
                is_limited,
                ..Self::default()
            };
        }
    }

    /// The current delay; zero shows every picture at once.
    pub(crate) fn delay(&self) -> Duration {
        self.delay
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn pictures_are_delayed_only_while_packets_are_lost() {
        let (mut playout, start) = (Playout::default(), Instant::now());
        playout.update(start, (0.005, 500), 60 * MS, false);
        playout.update(start, (0.5, 10), 100 * MS, false);
        assert_eq!(
            playout.delay(),
            Duration::ZERO,
            "little loss, or too few packets"
        );
        let mut after = Vec::new();
        for ms in (0..2000).step_by(100) {
            playout.update(start + ms * MS, (0.05, 280), 100 * MS, false);
            after.push(playout.delay().as_millis());
        }
        assert_eq!(after[..4], [60, 60, 120, 120], "grows in steps");
        assert_eq!(after[19], 290);
        let delay = playout.delay();
        playout.update(start + 5000 * MS, (0.05, 280), 110 * MS, false);
        assert_eq!(playout.delay(), delay, "a small change is ignored");
        for ms in (5100..=6000).step_by(100) {
            playout.update(start + ms * MS, (0.05, 280), 900 * MS, false);
        }
        assert_eq!(playout.delay(), MAX_DELAY);
        playout.update(start + 20_000 * MS, (0.0, 280), 20 * MS, false);
        assert_eq!(
            playout.delay(),
            MAX_DELAY,
            "kept for a while after the last loss"
        );
        playout.update(start + 21_000 * MS, (0.0, 280), 20 * MS, false);
        assert_eq!(playout.delay(), Duration::ZERO);
    }

    #[test]
    fn much_loss_is_covered_by_a_third_retransmission() {
        let (mut playout, start) = (Playout::default(), Instant::now());
        let mut after = |ms: u32, loss| {
            playout.update(start + ms * MS, (loss, 280), 100 * MS, false);
            playout.delay().as_millis()
        };
        let last = (0..3000).step_by(100).map(|ms| after(ms, 0.1)).last();
        assert_eq!(last, Some(410));
        assert_eq!(after(8000, 0.03), 410, "little loss may be chance");
        let last = (8000..20_000).step_by(100).map(|ms| after(ms, 0.03)).last();
        assert_eq!(last, Some(290));
    }

    #[test]
    fn where_one_retransmission_takes_long_any_loss_delays_pictures() {
        let start = Instant::now();
        let after = |round_trip, is_limited| {
            let mut playout = Playout::default();
            for step in 0..5 {
                let now = start + step * STEP_INTERVAL;
                playout.update(now, (0.005, 500), round_trip, is_limited);
            }
            playout.delay().as_millis()
        };
        assert_eq!(after(60 * MS, false), 0);
        assert_eq!(after(60 * MS, true), 300, "and the queue of a bottleneck");
        assert_eq!(after(100 * MS, false), 290);
    }

    #[test]
    fn a_path_whose_bottleneck_becomes_known_starts_with_a_delay() {
        let (mut playout, start) = (Playout::default(), Instant::now());
        let mut after = |ms: u32, loss, is_limited| {
            playout.update(start + ms * MS, (loss, 500), 20 * MS, is_limited);
            playout.delay().as_millis()
        };
        assert_eq!(after(0, 0.0, false), 0);
        assert_eq!([after(100, 0.0, true), after(300, 0.0, true)], [60, 120]);
        assert_eq!(after(15_000, 0.0, true), 150);
        assert_eq!([after(15_100, 0.0, true), after(16_000, 0.0, true)], [0, 0]);
        assert_eq!(
            [after(17_000, 0.0, false), after(18_000, 0.0, true)],
            [0, 60]
        );
        assert_eq!(
            [after(18_300, 0.05, true), after(18_600, 0.05, true)],
            [120, 180]
        );
    }
}
