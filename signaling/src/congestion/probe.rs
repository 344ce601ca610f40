//! Bandwidth probing: sends media plus padding at a higher rate for a short time and measures delivery.
//!
//! Each probe is two packet trains: a short one, which adds little queue where the path is too slow, then
//! a longer one, which is not fooled by Wi-Fi delivering packets in clumps. libwebrtc's probe clusters
//! and LiveKit's padding work alike; the numbers differ.

use std::time::{Duration, Instant};

use super::sent_log::PacketResult;

const SHORT_TRAIN: Duration = Duration::from_millis(120);
const LONG_TRAIN: Duration = Duration::from_millis(400);
/// Interval at which padding is sent.
const STEP: Duration = Duration::from_millis(10);
/// Assumed size of a padding packet with its headers.
pub(crate) const PADDING_PACKET_BYTES: u32 = 1200;
/// A queueing delay of this length fails the probe at once.
const QUEUE_TOO_LONG: Duration = Duration::from_millis(100);
/// The feedback on a train must arrive within this time plus a round trip.
const FEEDBACK_TIMEOUT: Duration = Duration::from_millis(500);
/// A train succeeds if this share of its packets arrives, at this share of its goal.
const ARRIVED_SHARE: f64 = 0.75;
const RATE_SHARE: f64 = 0.85;
const MIN_PACKETS: usize = 6;
/// Failed probes are repeated with exponential back-off. The limit keeps the promise that a viewer
/// recovers within ten seconds after a limit is gone.
const RETRY_FIRST: Duration = Duration::from_millis(1500);
const RETRY_MAX: Duration = Duration::from_millis(4500);
const NEXT_AFTER_SUCCESS: Duration = Duration::from_millis(700);

/// The result of a probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ProbeOutcome {
    /// The path carries this many bits per second.
    Carries(u32),
    Fails,
}

#[derive(Debug)]
struct Train {
    goal_bps: u32,
    long: bool,
    began: Instant,
    sent_bytes: u64,
    last_sent: Instant,
    next_step: Instant,
    results: Vec<PacketResult>,
}

/// Schedules and evaluates the probes of one viewer.
#[derive(Debug)]
pub(crate) struct Prober {
    train: Option<Train>,
    next_at: Instant,
    failures: u32,
}

impl Prober {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            train: None,
            next_at: now,
            failures: 0,
        }
    }

    pub(crate) fn is_running(&self) -> bool {
        self.train.is_some()
    }

    /// The rate of the running probe.
    pub(crate) fn goal_bps(&self) -> Option<u32> {
        self.train.as_ref().map(|train| train.goal_bps)
    }

    /// Whether a new probe may begin.
    pub(crate) fn is_ready(&self, now: Instant) -> bool {
        self.train.is_none() && now >= self.next_at
    }

    /// Cancels and delays probing, because a lowered estimate must show its effect first.
    pub(crate) fn hold(&mut self, now: Instant) {
        self.train = None;
        self.next_at = self.next_at.max(now + RETRY_FIRST);
    }

    pub(crate) fn begin(&mut self, now: Instant, goal_bps: u32) {
        self.train = Some(Train::new(now, goal_bps, false));
    }

    /// Records a packet that was sent, media or padding.
    pub(crate) fn sent(&mut self, now: Instant, bytes: u32) {
        if let Some(train) = self.train.as_mut().filter(|train| now < train.ends()) {
            train.sent_bytes += u64::from(bytes);
            train.last_sent = now;
        }
    }

    /// Number of padding packets to send now.
    pub(crate) fn padding_due(&mut self, now: Instant) -> usize {
        let Some(train) = self.train.as_mut().filter(|train| now < train.ends()) else {
            return 0;
        };
        train.next_step = now + STEP;
        let spent = now.saturating_duration_since(train.began) + STEP;
        let aim = (f64::from(train.goal_bps) * spent.as_secs_f64() / 8.0) as u64;
        let missing = aim.saturating_sub(train.sent_bytes) / u64::from(PADDING_PACKET_BYTES);
        usize::try_from(missing).unwrap_or(0)
    }

    /// Handles feedback.
    pub(crate) fn update(
        &mut self,
        now: Instant,
        results: &[PacketResult],
        queue: Duration,
    ) -> Option<ProbeOutcome> {
        let train = self.train.as_mut()?;
        if queue >= QUEUE_TOO_LONG {
            return Some(self.fail(now));
        }
        let ends = train.ends();
        let its = |result: &&PacketResult| (train.began..=ends).contains(&result.sent_at);
        let news: Vec<PacketResult> = results.iter().filter(its).copied().collect();
        train.results.extend(news);
        let last = results.iter().map(|result| result.sent_at).max()?;
        (now >= ends && last >= train.last_sent).then(|| self.evaluate(now))?
    }

    /// Ends a train whose feedback is overdue.
    pub(crate) fn tick(&mut self, now: Instant, rtt: Duration) -> Option<ProbeOutcome> {
        let train = self.train.as_ref()?;
        (now >= train.ends() + FEEDBACK_TIMEOUT + rtt).then(|| self.evaluate(now))?
    }

    /// When [`Self::padding_due`] or [`Self::tick`] must be called next, while a probe runs.
    pub(crate) fn due(&self, rtt: Duration) -> Option<Instant> {
        let train = self.train.as_ref()?;
        Some(if train.next_step < train.ends() {
            train.next_step
        } else {
            train.ends() + FEEDBACK_TIMEOUT + rtt
        })
    }

    /// Evaluates the train. Returns `None` if it was the short one and succeeded: the long one has begun.
    fn evaluate(&mut self, now: Instant) -> Option<ProbeOutcome> {
        let train = self.train.take()?;
        if !train.succeeded() {
            return Some(self.fail(now));
        }
        if train.long {
            self.failures = 0;
            self.next_at = now + NEXT_AFTER_SUCCESS;
            return Some(ProbeOutcome::Carries(train.goal_bps));
        }
        self.train = Some(Train::new(now, train.goal_bps, true));
        None
    }

    fn fail(&mut self, now: Instant) -> ProbeOutcome {
        self.train = None;
        let wait = RETRY_FIRST * 2_u32.pow(self.failures.min(4));
        self.failures += 1;
        self.next_at = now + wait.min(RETRY_MAX);
        ProbeOutcome::Fails
    }
}

impl Train {
    fn new(now: Instant, goal_bps: u32, long: bool) -> Self {
        Self {
            goal_bps,
            long,
            began: now,
            sent_bytes: 0,
            last_sent: now,
            next_step: now,
            results: Vec::new(),
        }
    }

    fn ends(&self) -> Instant {
        self.began + if self.long { LONG_TRAIN } else { SHORT_TRAIN }
    }

    fn succeeded(&self) -> bool {
        let results = self.results.iter();
        let left = results.clone().map(|result| (result.sent_at, result.bytes));
        let came = results.filter_map(|result| Some((result.arrived?, result.bytes)));
        let arrived = came.clone().count();
        if arrived < MIN_PACKETS || (arrived as f64) < self.results.len() as f64 * ARRIVED_SHARE {
            return false;
        }
        let sent_bps =
            rate(left.map(|(at, bytes)| (at.saturating_duration_since(self.began), bytes)));
        // Random loss does not make a path slow.
        let came_bps = rate(came) * self.results.len() as f64 / arrived as f64;
        sent_bps >= f64::from(self.goal_bps) * RATE_SHARE
            && came_bps >= f64::from(self.goal_bps) * RATE_SHARE
    }
}

/// Rate of a packet train in bits per second: all bytes except the first packet's, between first and last.
fn rate(packets: impl Iterator<Item = (Duration, u32)>) -> f64 {
    let (mut first, mut last, mut bytes) = (None::<(Duration, u32)>, Duration::ZERO, 0_u64);
    for (at, size) in packets {
        if first.is_none_or(|(earliest, _)| at < earliest) {
            first = Some((at, size));
        }
        last = last.max(at);
        bytes += u64::from(size);
    }
    let Some((earliest, size)) = first else {
        return 0.0;
    };
    let span = (last - earliest).as_secs_f64().max(0.001);
    (bytes - u64::from(size)) as f64 * 8.0 / span
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// Probes a path of `link_bps` with 30 ms one-way delay; returns the outcome, the bytes sent and the time.
    fn probe(goal_bps: u32, link_bps: u32) -> (ProbeOutcome, u32, Duration) {
        let start = Instant::now();
        let mut prober = Prober::new(start);
        prober.begin(start, goal_bps);
        let (mut free_at, mut sent, mut in_flight) = (Duration::ZERO, 0, Vec::new());
        for ms in 0..3000_u32 {
            let (now, at) = (start + ms * MS, ms * MS);
            for _ in 0..prober.padding_due(now) {
                prober.sent(now, PADDING_PACKET_BYTES);
                sent += PADDING_PACKET_BYTES;
                let takes = f64::from(PADDING_PACKET_BYTES) * 8.0 / f64::from(link_bps);
                free_at = free_at.max(at) + Duration::from_secs_f64(takes);
                in_flight.push(PacketResult {
                    sent_at: now,
                    bytes: PADDING_PACKET_BYTES,
                    media: None,
                    arrived: Some(free_at + 30 * MS),
                });
            }
            if ms.is_multiple_of(50) {
                let (came, rest): (Vec<_>, Vec<_>) =
                    in_flight.drain(..).partition(|result: &PacketResult| {
                        result
                            .arrived
                            .is_some_and(|arrived| arrived + 30 * MS <= at)
                    });
                in_flight = rest;
                let queue = came.iter().map(|result| {
                    result.arrived.unwrap_or_default()
                        - result.sent_at.duration_since(start)
                        - 30 * MS
                });
                let queue = queue.min().unwrap_or_default();
                if let Some(outcome) = prober
                    .update(now, &came, queue)
                    .or_else(|| prober.tick(now, 60 * MS))
                {
                    return (outcome, sent, at);
                }
            }
        }
        panic!("no outcome within three seconds");
    }

    #[test]
    fn a_fast_enough_path_is_confirmed_by_two_trains() {
        let (outcome, sent, took) = probe(1_000_000, 3_000_000);
        assert_eq!(outcome, ProbeOutcome::Carries(1_000_000));
        assert!(
            (50_000..80_000).contains(&sent),
            "{sent} bytes: 520 ms at 1 Mbit/s"
        );
        assert!(took < 1000 * MS, "{took:?}");
    }

    #[test]
    fn a_slow_path_fails_after_the_short_train() {
        let (outcome, sent, _) = probe(720_000, 300_000);
        assert_eq!(outcome, ProbeOutcome::Fails);
        assert!(sent < 16_000, "{sent} bytes");
    }

    #[test]
    fn failed_probes_back_off_up_to_a_limit() {
        let start = Instant::now();
        let mut prober = Prober::new(start);
        let mut now = start;
        for expected_ms in [1500, 3000, 4500, 4500] {
            prober.begin(now, 1_000_000);
            let outcome = prober.update(now, &[], QUEUE_TOO_LONG);
            assert_eq!(outcome, Some(ProbeOutcome::Fails));
            assert!(!prober.is_ready(now + (expected_ms - 1) * MS));
            now += expected_ms * MS;
            assert!(prober.is_ready(now));
        }
    }
}
