//! The bandwidth estimate of one viewer.

use std::time::{Duration, Instant};

use super::path_estimator::{LOSS_WINDOW, PathSample};

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
/// A full packet with its headers.
const PACKET_BITS: f64 = 1250.0 * 8.0;
/// The path must be busy this long, which is the window of the delivered rate. Behind a long queue less is enough.
const BUSY_TIME: Duration = Duration::from_millis(400);
const BUSY_TIME_QUEUED: Duration = Duration::from_millis(250);
/// A queue that is longer than this and so many full packets is not that of a frame: it drains.
const DRAIN_QUEUE: Duration = Duration::from_millis(50);
const DRAIN_PACKETS: u32 = 8;
/// The estimate is this share of a capacity that was measured.
const CAPACITY_SHARE: f32 = 0.95;
/// A queue that keeps this share of its length although the viewer is sent only this share of what it was before is
/// filled by others.
const FOREIGN_QUEUE_SHARE: f32 = 0.7;
const FOREIGN_SHARE: f32 = 0.6;
/// Loss that retransmissions cannot repair. Wi-Fi loses up to a tenth of the packets without congestion,
/// and a lower rate would not help against that.
const LOSS_HIGH: f32 = 0.2;
const LOSS_MIN_PACKETS: u32 = 30;
/// The delivered rate is measured over a few packets; this share of it is certainly delivered.
const CERTAIN_SHARE: f32 = 0.85;
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
    /// The estimate and the shortest queue when the path became busy.
    busy_from: (u32, Duration),
    /// Others keep the queue long.
    queue_is_foreign: bool,
}

impl BandwidthEstimate {
    pub(crate) fn bps(&self) -> Option<u32> {
        self.bps
    }

    /// Whether a path with a known limit has a queue that must drain before it is sent as much as it carries.
    pub(crate) fn is_draining(&self) -> bool {
        let is_long = |bps| self.last_queue >= DRAIN_QUEUE + DRAIN_PACKETS * packet_time(bps);
        self.bps.is_some_and(is_long)
    }

    /// Updates the estimate from one path sample. A change needs at least `rtt` to show an effect.
    pub(crate) fn update(&mut self, now: Instant, sample: &PathSample, rtt: Duration) -> PathState {
        let shrinks = sample.queue + DRAIN_STEP < self.last_queue;
        self.last_queue = sample.queue;
        let lossy = self.radio_loss(now, sample) >= LOSS_HIGH && sample.packets >= LOSS_MIN_PACKETS;
        if let Some(capacity_bps) = self.busy_path(now, sample) {
            return self.set_capacity(now, capacity_bps);
        }
        if sample.queue < QUEUE_LONG && !lossy {
            self.long_queue_since = None;
            if let (Some(bps), Some(delivered)) = (self.bps, sample.delivered_bps) {
                self.bps = Some(bps.max((delivered as f32 * CERTAIN_SHARE) as u32));
            }
            return PathState::Clear;
        }
        let long_queue_since = *self.long_queue_since.get_or_insert(now);
        // A path with a known limit is measured while it is busy.
        let is_persistent = now.saturating_duration_since(long_queue_since) >= CONFIRM_AFTER;
        let sure =
            sample.queue >= QUEUE_VERY_LONG || (is_persistent && (self.bps.is_none() || lossy));
        if !sure || shrinks || self.is_settling(now, rtt) {
            return PathState::Queued;
        }
        let Some(delivered) = sample.delivered_bps else {
            return PathState::Queued;
        };
        let bps = match self.bps {
            // The delivered rate of a viewer that is sent little says nothing about the path.
            Some(bps) if lossy && sample.queue < QUEUE_LONG => {
                bps as f32 * (1.0 - sample.loss / 2.0)
            }
            _ => delivered as f32 * USED_SHARE,
        };
        self.lower(now, bps as u32)
    }

    /// The capacity of a limited path that has been busy long enough.
    fn busy_path(&mut self, now: Instant, sample: &PathSample) -> Option<u32> {
        let is_busy = |bps: u32| sample.queue >= QUEUE_BUSY + packet_time(bps);
        let Some(bps) = self.bps.filter(|bps| is_busy(*bps)) else {
            self.busy_since = None;
            return None;
        };
        if self.busy_since.is_none() {
            self.busy_from = (bps, sample.queue);
        }
        let since = *self.busy_since.get_or_insert(now);
        let (from_bps, from_queue) = self.busy_from;
        self.queue_is_foreign = (bps as f32) < from_bps as f32 * FOREIGN_SHARE
            && sample.queue >= from_queue.mul_f32(FOREIGN_QUEUE_SHARE);
        if self.queue_is_foreign {
            self.busy_since = None;
            return None;
        }
        let busy_time = match sample.queue >= QUEUE_LONG {
            true => BUSY_TIME_QUEUED,
            false => BUSY_TIME,
        };
        let long = now.saturating_duration_since(since) >= busy_time;
        // What the radio loses has passed the bottleneck.
        let passed = 1.0 - self.radio_loss(now, sample).min(LOSS_HIGH);
        let delivered = sample.delivered_bps.filter(|_| long);
        delivered.map(|bps| (bps as f32 / passed) as u32)
    }

    /// The loss at the present rate. What was lost shortly before a reduction did not fit into the queue.
    fn radio_loss(&self, now: Instant, sample: &PathSample) -> f32 {
        let is_recent = |at: Instant| now.saturating_duration_since(at) < LOSS_WINDOW;
        if self.lowered_at.is_some_and(is_recent) {
            return 0.0;
        }
        sample.loss
    }

    /// Whether a queue stays although this viewer is sent far less: others fill it. `true` once.
    pub(crate) fn take_foreign_queue(&mut self) -> bool {
        std::mem::take(&mut self.queue_is_foreign)
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

/// How long a full packet takes to pass the bottleneck. A small one takes less, and is the baseline of the delay.
fn packet_time(bps: u32) -> Duration {
    Duration::from_secs_f64(PACKET_BITS / f64::from(bps.max(1)))
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
        assert_eq!(update(e, 600, 120, 700_000), PathState::Queued);
        assert_eq!(e.bps(), Some(900_000));
        assert_eq!(update(e, 620, 110, 800_000), PathState::Lowered);
        assert_eq!(e.bps(), Some(760_000));
    }

    #[test]
    fn a_queue_longer_than_a_frame_of_a_limited_path_drains() {
        let start = Instant::now();
        let is_draining = |capacity_bps: u32, queue_ms| {
            let mut estimate = BandwidthEstimate::default();
            if capacity_bps > 0 {
                estimate.set_capacity(start, capacity_bps);
            }
            estimate.update(start, &sample(queue_ms, 100_000), MS);
            estimate.is_draining()
        };
        assert!(is_draining(1_000_000, 140) && !is_draining(1_000_000, 130));
        assert!(!is_draining(300_000, 250), "a frame takes that long");
        assert!(!is_draining(0, 250), "the path shows no limit");
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
        assert_eq!(update(e, 0, 35, 800_000), PathState::Clear);
        assert_eq!(update(e, 200, 35, 800_000), PathState::Clear);
        assert_eq!(update(e, 300, 10, 700_000), PathState::Clear, "it was idle");
        assert_eq!(update(e, 400, 35, 800_000), PathState::Clear);
        assert_eq!(e.bps(), Some(950_000));
        assert_eq!(update(e, 800, 35, 800_000), PathState::Lowered);
        assert_eq!(e.bps(), Some(760_000));
        assert_eq!(update(e, 900, 40, 900_000), PathState::Queued);
        assert_eq!(e.bps(), Some(855_000), "it carries more again");
    }

    #[test]
    fn the_time_that_a_packet_takes_is_no_queue() {
        let (mut estimate, start) = (BandwidthEstimate::default(), Instant::now());
        estimate.set_capacity(start, 150_000);
        for step in 0..10 {
            let now = start + step * 100 * MS;
            // A packet of 1250 bytes takes 70 ms.
            let state = estimate.update(now, &sample(80, 90_000), MS);
            assert_eq!(state, PathState::Clear);
        }
        assert_eq!(estimate.bps(), Some(142_500), "less was sent, not carried");
    }

    #[test]
    fn what_a_full_queue_dropped_is_not_counted_twice() {
        let (mut estimate, start) = (BandwidthEstimate::default(), Instant::now());
        estimate.set_capacity(start, 300_000);
        let overflow = |queue_ms| PathSample {
            loss: 0.5,
            ..sample(queue_ms, 300_000)
        };
        for step in 0..10 {
            let now = start + step * 150 * MS;
            estimate.update(now, &overflow(if step < 6 { 200 } else { 0 }), MS);
            assert_eq!(estimate.bps(), Some(285_000), "step {step}");
        }
        let later = start + 3000 * MS;
        estimate.update(later, &overflow(0), MS);
        estimate.update(later + 200 * MS, &overflow(0), MS);
        assert_eq!(estimate.bps(), Some(213_750), "the radio loses half");
    }

    #[test]
    fn a_queue_that_others_fill_is_noticed() {
        let (mut estimate, start) = (BandwidthEstimate::default(), Instant::now());
        estimate.set_capacity(start, 1_000_000);
        let e = &mut estimate;
        for (ms, delivered_bps) in [(0, 900_000), (400, 700_000), (500, 550_000)] {
            e.update(start + ms * MS, &sample(100, delivered_bps), MS);
            assert!(!e.take_foreign_queue(), "{ms}");
        }
        e.update(start + 600 * MS, &sample(90, 500_000), MS);
        assert!(e.take_foreign_queue() && !e.take_foreign_queue());
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
