//! The bandwidth estimate of one viewer.

use std::time::{Duration, Instant};

use super::path_estimator::PathSample;

/// Queueing delay that counts as congestion. LiveKit uses 50 ms and clears it at 20 ms; this value leaves
/// room for a keyframe passing through.
pub(super) const QUEUE_LONG: Duration = Duration::from_millis(100);
/// Queueing delay that lowers the estimate without waiting for [`CONFIRM_AFTER`].
const QUEUE_VERY_LONG: Duration = Duration::from_millis(300);
/// A long queue must last this long: a keyframe on a path that barely carries the stream causes one too.
const CONFIRM_AFTER: Duration = Duration::from_millis(150);
/// A queue that shrinks by this much per sample is already draining.
const DRAIN_STEP: Duration = Duration::from_millis(10);
/// While a limit is known, a queue that never falls below this keeps the path busy: what arrives is its capacity.
const QUEUE_BUSY: Duration = Duration::from_millis(20);
/// The path must be busy this long, which is the window of the delivered rate.
const BUSY_TIME: Duration = Duration::from_millis(400);
/// The estimate is this share of a capacity that was measured.
const CAPACITY_SHARE: f32 = 0.95;
/// Loss that retransmissions cannot repair. Wi-Fi loses up to a tenth of the packets without congestion,
/// and a lower rate would not help against that.
const LOSS_HIGH: f32 = 0.2;
const LOSS_MIN_PACKETS: u32 = 30;
/// The estimate is this share of the delivered rate; the rest drains the queue.
const USED_SHARE: f32 = 0.9;
/// Minimum time between two reductions: a lower rate needs it to show an effect.
const SETTLE_TIME: Duration = Duration::from_millis(400);
/// Each second without feedback halves the estimate.
const SILENCE: Duration = Duration::from_secs(1);
/// Lower bound of the estimate; less carries no video.
const MIN_BPS: u32 = 60_000;

/// State of the path after one feedback message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PathState {
    Clear,
    /// Congested, without a new reduction.
    Queued,
    /// The estimate was lowered just now.
    Lowered,
}

/// The estimate in bits per second; `None` while nothing limits the rate.
#[derive(Debug, Default)]
pub(crate) struct BandwidthEstimate {
    bps: Option<u32>,
    long_queue_since: Option<Instant>,
    lowered_at: Option<Instant>,
    last_queue: Duration,
    busy_since: Option<Instant>,
}

impl BandwidthEstimate {
    pub(crate) fn bps(&self) -> Option<u32> {
        self.bps
    }

    /// Updates the estimate from one path sample. A change needs at least `rtt` to show an effect.
    pub(crate) fn update(&mut self, now: Instant, sample: &PathSample, rtt: Duration) -> PathState {
        let shrinks = sample.queue + DRAIN_STEP < self.last_queue;
        self.last_queue = sample.queue;
        let lossy = sample.loss >= LOSS_HIGH && sample.packets >= LOSS_MIN_PACKETS;
        if let Some(capacity_bps) = self.busy_path(now, sample) {
            return self.set_capacity(now, capacity_bps);
        }
        if sample.queue < QUEUE_LONG && !lossy {
            self.long_queue_since = None;
            if let (Some(bps), Some(delivered)) = (self.bps, sample.delivered_bps) {
                self.bps = Some(bps.max(delivered));
            }
            return PathState::Clear;
        }
        let long_queue_since = *self.long_queue_since.get_or_insert(now);
        let sure = sample.queue >= QUEUE_VERY_LONG
            || now.saturating_duration_since(long_queue_since) >= CONFIRM_AFTER;
        if !sure || shrinks || self.is_settling(now, rtt) {
            return PathState::Queued;
        }
        let Some(delivered) = sample.delivered_bps else {
            return PathState::Queued;
        };
        self.lower(now, (delivered as f32 * USED_SHARE) as u32)
    }

    /// The capacity of a limited path that has been busy long enough.
    fn busy_path(&mut self, now: Instant, sample: &PathSample) -> Option<u32> {
        if sample.queue < QUEUE_BUSY || self.bps.is_none() {
            self.busy_since = None;
            return None;
        }
        let since = *self.busy_since.get_or_insert(now);
        let long = now.saturating_duration_since(since) >= BUSY_TIME;
        // What the radio loses has passed the bottleneck.
        let passed = 1.0 - sample.loss.min(LOSS_HIGH);
        let delivered = sample.delivered_bps.filter(|_| long);
        delivered.map(|bps| (bps as f32 / passed) as u32)
    }

    /// The path's bottleneck was measured.
    pub(crate) fn set_capacity(&mut self, now: Instant, capacity_bps: u32) -> PathState {
        let bps = ((capacity_bps as f32 * CAPACITY_SHARE) as u32).max(MIN_BPS);
        if self.bps.is_none_or(|known| bps < known) {
            (self.bps, self.lowered_at) = (Some(bps), Some(now));
            return PathState::Lowered;
        }
        self.bps = Some(bps);
        PathState::Queued
    }

    /// Updates the estimate when no feedback has arrived for packets since `unanswered_since`.
    pub(crate) fn on_silence(
        &mut self,
        now: Instant,
        unanswered_since: Instant,
        sent_bps: u32,
        rtt: Duration,
    ) -> PathState {
        let silent = now.saturating_duration_since(unanswered_since);
        if silent < SILENCE + rtt || self.is_settling(now, SILENCE) {
            return PathState::Queued;
        }
        self.lower(now, self.bps.unwrap_or(sent_bps) / 2)
    }

    /// Resets the queue state, because older samples say nothing about the present.
    pub(crate) fn reset_queue(&mut self) {
        (self.long_queue_since, self.last_queue) = (None, Duration::ZERO);
        self.busy_since = None;
    }

    /// Raises the estimate after a successful probe.
    pub(crate) fn raise(&mut self, bps: u32) {
        self.bps = self.bps.map(|known| known.max(bps));
    }

    /// Removes the limit, because the path carries every rendition.
    pub(crate) fn remove_limit(&mut self) {
        self.bps = None;
    }

    fn lower(&mut self, now: Instant, bps: u32) -> PathState {
        let bps = bps.max(MIN_BPS);
        self.lowered_at = Some(now);
        if self.bps.is_some_and(|known| known <= bps) {
            return PathState::Queued;
        }
        self.bps = Some(bps);
        PathState::Lowered
    }

    fn is_settling(&self, now: Instant, at_least: Duration) -> bool {
        self.lowered_at
            .is_some_and(|at| now.saturating_duration_since(at) < SETTLE_TIME + at_least)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn sample(queue_ms: u32, delivered_bps: u32) -> PathSample {
        PathSample {
            queue: queue_ms * MS,
            newest: (Instant::now(), queue_ms * MS),
            delivered_bps: Some(delivered_bps),
            loss: 0.0,
            packets: 100,
        }
    }

    #[test]
    fn a_persistent_queue_lowers_the_estimate_to_the_delivered_rate() {
        let (mut estimate, start) = (BandwidthEstimate::default(), Instant::now());
        let update = |estimate: &mut BandwidthEstimate, ms: u32, queue_ms, delivered_bps| {
            estimate.update(start + ms * MS, &sample(queue_ms, delivered_bps), MS)
        };
        let e = &mut estimate;
        assert_eq!(update(e, 0, 20, 1_500_000), PathState::Clear);
        assert_eq!(update(e, 0, 120, 1_000_000), PathState::Queued);
        assert_eq!(e.bps(), None, "the queue may be transient");
        assert_eq!(update(e, 160, 150, 1_000_000), PathState::Lowered);
        assert_eq!(e.bps(), Some(900_000));
        // Waits for the effect of the last reduction.
        assert_eq!(update(e, 360, 200, 500_000), PathState::Queued);
        // The queue is draining, and the path was busy all the time.
        assert_eq!(update(e, 700, 120, 700_000), PathState::Queued);
        assert_eq!(e.bps(), Some(900_000));
        assert_eq!(update(e, 760, 110, 800_000), PathState::Lowered);
        assert_eq!(e.bps(), Some(760_000));
    }

    #[test]
    fn a_very_long_queue_lowers_the_estimate_at_once() {
        let mut estimate = BandwidthEstimate::default();
        let state = estimate.update(Instant::now(), &sample(400, 300_000), MS);
        assert_eq!(state, PathState::Lowered);
        assert_eq!(estimate.bps(), Some(270_000));
    }

    #[test]
    fn a_limited_path_that_stays_busy_shows_its_capacity() {
        let (mut estimate, start) = (BandwidthEstimate::default(), Instant::now());
        let e = &mut estimate;
        assert_eq!(e.set_capacity(start, 1_000_000), PathState::Lowered);
        assert_eq!(e.bps(), Some(950_000));
        let update = |e: &mut BandwidthEstimate, ms: u32, queue_ms, delivered_bps| {
            e.update(start + ms * MS, &sample(queue_ms, delivered_bps), MS)
        };
        assert_eq!(update(e, 0, 30, 800_000), PathState::Clear);
        assert_eq!(update(e, 200, 30, 800_000), PathState::Clear);
        assert_eq!(update(e, 300, 10, 700_000), PathState::Clear, "it was idle");
        assert_eq!(update(e, 400, 30, 800_000), PathState::Clear);
        assert_eq!(e.bps(), Some(950_000));
        assert_eq!(update(e, 800, 30, 800_000), PathState::Lowered);
        assert_eq!(e.bps(), Some(760_000));
        assert_eq!(update(e, 900, 40, 900_000), PathState::Queued);
        assert_eq!(e.bps(), Some(855_000), "it carries more again");
    }

    #[test]
    fn only_heavy_loss_lowers_the_estimate() {
        let (mut estimate, start) = (BandwidthEstimate::default(), Instant::now());
        let lossy = |loss| PathSample {
            loss,
            ..sample(0, 1_000_000)
        };
        for step in 0..10 {
            let now = start + step * 100 * MS;
            assert_eq!(estimate.update(now, &lossy(0.12), MS), PathState::Clear);
        }
        let late = start + 2000 * MS;
        estimate.update(late, &lossy(0.35), MS);
        assert_eq!(
            estimate.update(late + 200 * MS, &lossy(0.35), MS),
            PathState::Lowered
        );
    }

    #[test]
    fn silence_halves_the_estimate_and_a_probe_raises_it() {
        let (mut estimate, start) = (BandwidthEstimate::default(), Instant::now());
        let asked = |estimate: &mut BandwidthEstimate, ms: u32| {
            estimate.on_silence(start + ms * MS, start, 1_600_000, MS)
        };
        assert_eq!(asked(&mut estimate, 500), PathState::Queued);
        assert_eq!(asked(&mut estimate, 1100), PathState::Lowered);
        assert_eq!(estimate.bps(), Some(800_000));
        assert_eq!(asked(&mut estimate, 1500), PathState::Queued);
        assert_eq!(asked(&mut estimate, 2600), PathState::Lowered);
        assert_eq!(estimate.bps(), Some(400_000));
        estimate.raise(700_000);
        assert_eq!(estimate.bps(), Some(700_000));
        estimate.remove_limit();
        assert_eq!(estimate.bps(), None);
    }
}
