//! Finding out whether a path carries more: media and padding together at a higher rate, for a moment.
//!
//! Two trains: a short one, which spoils little where the answer is no, then a longer one, which Wi-Fi's
//! habit of delivering in clumps cannot fool. (libwebrtc's probe clusters and LiveKit's padding do
//! alike; the numbers are ours.)

use std::time::{Duration, Instant};

use super::sent_log::Fate;

const SHORT_TRAIN: Duration = Duration::from_millis(120);
const LONG_TRAIN: Duration = Duration::from_millis(400);
/// Padding leaves in steps of this.
const STEP: Duration = Duration::from_millis(10);
/// What a padding packet is taken to have, with its headers.
pub(crate) const PADDING_PACKET_BYTES: u32 = 1200;
/// A queue like this says no at once.
const QUEUE_TOO_LONG: Duration = Duration::from_millis(100);
/// The last word on a train must come within this and a round trip.
const VERDICT_WITHIN: Duration = Duration::from_millis(500);
/// So much of the packets must arrive, at this share of the rate they left at.
const ARRIVED_SHARE: f64 = 0.75;
const RATE_SHARE: f64 = 0.85;
const PACKETS_LEAST: usize = 6;
/// After a no the next try waits longer each time, within reach of "back in ten seconds".
const RETRY_FIRST: Duration = Duration::from_millis(1500);
const RETRY_MOST: Duration = Duration::from_millis(4500);
const NEXT_AFTER_SUCCESS: Duration = Duration::from_millis(700);

/// The answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The path carries this many bits a second.
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
    fates: Vec<Fate>,
}

/// The probes of one viewer.
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

    /// Whether a new probe may begin.
    pub(crate) fn is_ready(&self, now: Instant) -> bool {
        self.train.is_none() && now >= self.next_at
    }

    /// No probe before a lowered ceiling has shown its effect.
    pub(crate) fn hold(&mut self, now: Instant) {
        self.train = None;
        self.next_at = self.next_at.max(now + RETRY_FIRST);
    }

    pub(crate) fn begin(&mut self, now: Instant, goal_bps: u32) {
        self.train = Some(Train::new(now, goal_bps, false));
    }

    /// Something left, media or padding.
    pub(crate) fn sent(&mut self, now: Instant, bytes: u32) {
        if let Some(train) = self.train.as_mut().filter(|train| now < train.ends()) {
            train.sent_bytes += u64::from(bytes);
            train.last_sent = now;
        }
    }

    /// How many padding packets are due now.
    pub(crate) fn owed(&mut self, now: Instant) -> usize {
        let Some(train) = self.train.as_mut().filter(|train| now < train.ends()) else {
            return 0;
        };
        train.next_step = now + STEP;
        let spent = now.saturating_duration_since(train.began) + STEP;
        let aim = (f64::from(train.goal_bps) * spent.as_secs_f64() / 8.0) as u64;
        let missing = aim.saturating_sub(train.sent_bytes) / u64::from(PADDING_PACKET_BYTES);
        usize::try_from(missing).unwrap_or(0)
    }

    /// Takes feedback.
    pub(crate) fn heed(
        &mut self,
        now: Instant,
        fates: &[Fate],
        queue: Duration,
    ) -> Option<Outcome> {
        let train = self.train.as_mut()?;
        if queue >= QUEUE_TOO_LONG {
            return Some(self.fail(now));
        }
        let ends = train.ends();
        let its = |fate: &&Fate| (train.began..=ends).contains(&fate.sent_at);
        let news: Vec<Fate> = fates.iter().filter(its).copied().collect();
        train.fates.extend(news);
        let last = fates.iter().map(|fate| fate.sent_at).max()?;
        (now >= ends && last >= train.last_sent).then(|| self.judge(now))?
    }

    /// Lets time pass.
    pub(crate) fn tick(&mut self, now: Instant, rtt: Duration) -> Option<Outcome> {
        let train = self.train.as_ref()?;
        (now >= train.ends() + VERDICT_WITHIN + rtt).then(|| self.judge(now))?
    }

    /// When [`Self::owed`] or [`Self::tick`] is next due, while a probe runs.
    pub(crate) fn due(&self, rtt: Duration) -> Option<Instant> {
        let train = self.train.as_ref()?;
        Some(if train.next_step < train.ends() {
            train.next_step
        } else {
            train.ends() + VERDICT_WITHIN + rtt
        })
    }

    /// `None`: the short train went well, and the long one has begun.
    fn judge(&mut self, now: Instant) -> Option<Outcome> {
        let train = self.train.take()?;
        if !train.went_well() {
            return Some(self.fail(now));
        }
        if train.long {
            self.failures = 0;
            self.next_at = now + NEXT_AFTER_SUCCESS;
            return Some(Outcome::Carries(train.goal_bps));
        }
        self.train = Some(Train::new(now, train.goal_bps, true));
        None
    }

    fn fail(&mut self, now: Instant) -> Outcome {
        self.train = None;
        let wait = RETRY_FIRST * 2_u32.pow(self.failures.min(4));
        self.failures += 1;
        self.next_at = now + wait.min(RETRY_MOST);
        Outcome::Fails
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
            fates: Vec::new(),
        }
    }

    fn ends(&self) -> Instant {
        self.began + if self.long { LONG_TRAIN } else { SHORT_TRAIN }
    }

    fn went_well(&self) -> bool {
        let left = self.fates.iter().map(|fate| (fate.sent_at, fate.bytes));
        let came = self
            .fates
            .iter()
            .filter_map(|fate| Some((fate.arrived?, fate.bytes)));
        let arrived = came.clone().count();
        if arrived < PACKETS_LEAST || (arrived as f64) < self.fates.len() as f64 * ARRIVED_SHARE {
            return false;
        }
        let sent_bps =
            rate(left.map(|(at, bytes)| (at.saturating_duration_since(self.began), bytes)));
        let came_bps = rate(came);
        sent_bps >= f64::from(self.goal_bps) * RATE_SHARE
            && came_bps >= sent_bps.min(f64::from(self.goal_bps)) * RATE_SHARE
    }
}

/// Bits a second of a train of packets: all bytes but the first packet's, between first and last.
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

    /// Runs a probe over a path of `link_bps` that is 30 ms long; gives the outcome and what was sent.
    fn probe(goal_bps: u32, link_bps: u32) -> (Outcome, u32, Duration) {
        let start = Instant::now();
        let mut prober = Prober::new(start);
        prober.begin(start, goal_bps);
        let (mut free_at, mut sent, mut in_flight) = (Duration::ZERO, 0, Vec::new());
        for ms in 0..3000_u32 {
            let (now, at) = (start + ms * MS, ms * MS);
            for _ in 0..prober.owed(now) {
                prober.sent(now, PADDING_PACKET_BYTES);
                sent += PADDING_PACKET_BYTES;
                let takes = f64::from(PADDING_PACKET_BYTES) * 8.0 / f64::from(link_bps);
                free_at = free_at.max(at) + Duration::from_secs_f64(takes);
                in_flight.push(Fate {
                    sent_at: now,
                    bytes: PADDING_PACKET_BYTES,
                    arrived: Some(free_at + 30 * MS),
                });
            }
            if ms.is_multiple_of(50) {
                let (came, rest): (Vec<_>, Vec<_>) =
                    in_flight.drain(..).partition(|fate: &Fate| {
                        fate.arrived.is_some_and(|arrived| arrived + 30 * MS <= at)
                    });
                in_flight = rest;
                let queue = came.iter().map(|fate| {
                    fate.arrived.unwrap_or_default() - fate.sent_at.duration_since(start) - 30 * MS
                });
                let queue = queue.min().unwrap_or_default();
                if let Some(outcome) = prober
                    .heed(now, &came, queue)
                    .or_else(|| prober.tick(now, 60 * MS))
                {
                    return (outcome, sent, at);
                }
            }
        }
        panic!("no outcome within three seconds");
    }

    #[test]
    fn a_path_that_carries_the_rate_is_found_out_by_two_trains() {
        let (outcome, sent, took) = probe(1_000_000, 3_000_000);
        assert_eq!(outcome, Outcome::Carries(1_000_000));
        assert!(
            (50_000..80_000).contains(&sent),
            "{sent} bytes: 520 ms at 1 Mbit/s"
        );
        assert!(took < 1000 * MS, "{took:?}");
    }

    #[test]
    fn a_path_that_does_not_is_left_alone_after_the_short_one() {
        let (outcome, sent, _) = probe(720_000, 300_000);
        assert_eq!(outcome, Outcome::Fails);
        assert!(sent < 16_000, "{sent} bytes");
    }

    #[test]
    fn tries_are_spaced_within_limits() {
        let start = Instant::now();
        let mut prober = Prober::new(start);
        let mut now = start;
        for expected_ms in [1500, 3000, 4500, 4500] {
            prober.begin(now, 1_000_000);
            assert_eq!(prober.heed(now, &[], QUEUE_TOO_LONG), Some(Outcome::Fails));
            assert!(!prober.is_ready(now + (expected_ms - 1) * MS));
            now += expected_ms * MS;
            assert!(prober.is_ready(now));
        }
    }
}
