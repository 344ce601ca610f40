//! Estimates queueing delay, delivered rate and loss of one viewer's path from transport-wide feedback.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::sent_log::PacketResult;

/// Window of the delivered rate, on the receiver's clock: several frames, less than a keyframe interval.
const RATE_WINDOW: Duration = Duration::from_millis(400);
/// With less data than this no rate is reported.
const RATE_WINDOW_MIN: Duration = Duration::from_millis(150);
/// A larger step between consecutive arrival times means that the receiver's clock was reset or is wrong.
const CLOCK_JUMP: Duration = Duration::from_secs(5);
/// Window of the loss rate, on the sender's clock.
pub(super) const LOSS_WINDOW: Duration = Duration::from_secs(2);
/// The minimum one-way delay over the last 20 s is the uncongested baseline. With a longer window, a phone
/// that roamed to a farther access point would sample congested for too long; with a shorter one, a
/// standing queue would become the baseline.
const BASELINE_WINDOW_S: u64 = 20;

/// The baseline is corrected by the idle round trip for this long: later, the path may have changed.
const CORRECTION_TIME: Duration = Duration::from_secs(2);
/// A busy receiver answers later than in a connectivity check, without any queue.
const CORRECTION_MARGIN: Duration = Duration::from_millis(15);

/// The state of the path after one feedback message.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct PathSample {
    /// Queueing delay: the minimum one-way delay of this feedback above the baseline. The minimum, because
    /// a frame leaves in one burst and its later packets wait for the earlier ones.
    pub(crate) queue: Duration,
    /// The newest packet that arrived: when it left, and its own queueing delay.
    pub(crate) newest: (Instant, Duration),
    /// Delivered rate in bits per second; `None` until there is enough data.
    pub(crate) delivered_bps: Option<u32>,
    /// Share of packets lost, 0 to 1, and the number of packets it was measured over.
    pub(crate) loss: f32,
    pub(crate) packets: u32,
}

/// Sliding windows over the feedback of one viewer.
#[derive(Debug)]
pub(crate) struct PathEstimator {
    origin: Instant,
    /// Minimum one-way delay per second, in microseconds. The two clocks share no zero, so that only
    /// differences are meaningful.
    baselines: VecDeque<(u64, i64)>,
    arrivals: VecDeque<(Duration, u32)>,
    arrived_bytes: u64,
    first_arrival: Option<Duration>,
    newest_arrival: Duration,
    counts: VecDeque<(Instant, u32, u32)>,
    /// Minimum one-way delay in the newest feedback.
    last_delay_us: Option<i64>,
    /// The round trip before there was media.
    idle_round_trip: Option<Duration>,
    last_newest: Option<NewestPacket>,
}

/// The newest packet that the last feedback message reported.
#[derive(Debug, Clone, Copy)]
struct NewestPacket {
    arrived: Duration,
    one_way_delay_us: i64,
    /// From its departure to the arrival of the feedback.
    round_trip: Duration,
}

impl PathEstimator {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            origin: now,
            baselines: VecDeque::new(),
            arrivals: VecDeque::new(),
            arrived_bytes: 0,
            first_arrival: None,
            newest_arrival: Duration::ZERO,
            counts: VecDeque::new(),
            last_delay_us: None,
            idle_round_trip: None,
            last_newest: None,
        }
    }

    pub(crate) fn set_idle_round_trip(&mut self, round_trip: Duration) {
        self.idle_round_trip = Some(round_trip);
    }

    pub(crate) fn idle_round_trip(&self) -> Option<Duration> {
        self.idle_round_trip
    }

    /// Adds one feedback message. Returns `None` when no packet of it arrived.
    pub(crate) fn add(&mut self, now: Instant, results: &[PacketResult]) -> Option<PathSample> {
        self.count(now, results);
        let min_delay = results
            .iter()
            .filter_map(|result| self.one_way_delay_us(result))
            .min()?;
        // Queues grow gradually. A clock that jumps on either side shifts all packets at once, for example
        // after a machine was suspended; the baseline then starts again.
        let jumps = |last: i64| min_delay.abs_diff(last) > CLOCK_JUMP.as_micros() as u64;
        if self.last_delay_us.replace(min_delay).is_some_and(jumps) {
            self.baselines.clear();
        }
        self.correct_baseline(now, results);
        self.note_delay(now, min_delay);
        let baseline = self.baselines.iter().map(|(_, delay)| *delay).min()?;
        for result in results {
            if let Some(arrived) = result.arrived {
                self.note_arrival(arrived, result.bytes);
            }
        }
        let newest = results
            .iter()
            .rev()
            .find(|result| result.arrived.is_some())?;
        let newest_delay = self.one_way_delay_us(newest)?;
        let above =
            |delay: i64| Duration::from_micros(u64::try_from(delay - baseline).unwrap_or(0));
        let (lost, packets) = self
            .counts
            .iter()
            .fold((0, 0), |(lost, all), (_, l, a)| (lost + l, all + a));
        Some(PathSample {
            queue: above(min_delay),
            newest: (newest.sent_at, above(newest_delay)),
            delivered_bps: self.rate(),
            loss: lost as f32 / packets.max(1) as f32,
            packets,
        })
    }

    /// Takes the present delay as that of the path without a queue.
    pub(crate) fn forget_baseline(&mut self) {
        self.baselines.clear();
    }

    /// One-way delay between the sender's and the receiver's clock; only differences are meaningful.
    fn one_way_delay_us(&self, result: &PacketResult) -> Option<i64> {
        let there = i64::try_from(result.arrived?.as_micros()).ok()?;
        let here = result.sent_at.saturating_duration_since(self.origin);
        Some(there - i64::try_from(here.as_micros()).ok()?)
    }

    /// Lowers the baseline of a path whose packets have waited from the first one on, behind those of other viewers.
    ///
    /// A feedback message leaves between the arrival of its newest packet and that of the next one. What the round trip of
    /// the newest packet took longer than the idle one, and than that interval, it has waited.
    fn correct_baseline(&mut self, now: Instant, results: &[PacketResult]) {
        let arrived = results.iter().filter(|result| result.arrived.is_some());
        let newest = arrived.clone().max_by_key(|result| result.arrived);
        let next = arrived.filter_map(|result| result.arrived).min();
        let is_young = now.saturating_duration_since(self.origin) < CORRECTION_TIME;
        if let (Some(idle), Some(last), Some(next)) = (self.idle_round_trip, self.last_newest, next)
            && is_young
        {
            let interval = next.saturating_sub(last.arrived);
            let idle = idle + interval + CORRECTION_MARGIN;
            let waited = last.round_trip.saturating_sub(idle);
            if let Ok(waited_us @ 1..) = i64::try_from(waited.as_micros()) {
                self.note_delay(now, last.one_way_delay_us - waited_us);
            }
        }
        self.last_newest = newest.and_then(|newest| {
            Some(NewestPacket {
                arrived: newest.arrived?,
                one_way_delay_us: self.one_way_delay_us(newest)?,
                round_trip: now.saturating_duration_since(newest.sent_at),
            })
        });
    }

    fn note_delay(&mut self, now: Instant, one_way_delay_us: i64) {
        let second = now.saturating_duration_since(self.origin).as_secs();
        match self.baselines.back_mut() {
            Some((last, minimum)) if *last == second => *minimum = one_way_delay_us.min(*minimum),
            _ => self.baselines.push_back((second, one_way_delay_us)),
        }
        while let Some((oldest, _)) = self.baselines.front()
            && oldest + BASELINE_WINDOW_S < second
        {
            self.baselines.pop_front();
        }
    }

    fn note_arrival(&mut self, at: Duration, bytes: u32) {
        // A clock jump says nothing about the rate, and must not keep old arrivals in the window.
        if self.first_arrival.is_none() || at.abs_diff(self.newest_arrival) > CLOCK_JUMP {
            self.arrivals.clear();
            self.arrived_bytes = 0;
            self.first_arrival = Some(at);
            self.newest_arrival = at;
        }
        self.arrivals.push_back((at, bytes));
        self.arrived_bytes += u64::from(bytes);
        self.newest_arrival = self.newest_arrival.max(at);
        while let Some((oldest, bytes)) = self.arrivals.front()
            && *oldest + RATE_WINDOW < self.newest_arrival
        {
            self.arrived_bytes -= u64::from(*bytes);
            self.arrivals.pop_front();
        }
    }

    fn rate(&self) -> Option<u32> {
        let known = self.newest_arrival.saturating_sub(self.first_arrival?);
        let known = known.min(RATE_WINDOW);
        if known < RATE_WINDOW_MIN {
            return None;
        }
        Some((self.arrived_bytes as f64 * 8.0 / known.as_secs_f64()) as u32)
    }

    fn count(&mut self, now: Instant, results: &[PacketResult]) {
        let lost = results
            .iter()
            .filter(|result| result.arrived.is_none())
            .count();
        let as_u32 = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        self.counts
            .push_back((now, as_u32(lost), as_u32(results.len())));
        while let Some((oldest, ..)) = self.counts.front()
            && now.saturating_duration_since(*oldest) > LOSS_WINDOW
        {
            self.counts.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// Sends packets of 1250 bytes every 10 ms (1 Mbit/s) with feedback every 50 ms.
    fn run(
        path: &mut PathEstimator,
        start: Instant,
        from: u32,
        to: u32,
        delay: impl Fn(u32) -> Option<Duration>,
    ) -> PathSample {
        let mut sample = None;
        for batch in (from..to).collect::<Vec<_>>().chunks(5) {
            let results: Vec<PacketResult> = batch
                .iter()
                .map(|index| PacketResult {
                    sent_at: start + *index * 10 * MS,
                    bytes: 1250,
                    media: None,
                    // The receiver's clock started an hour earlier.
                    arrived: delay(*index)
                        .map(|delay| Duration::from_secs(3600) + *index * 10 * MS + delay),
                })
                .collect();
            sample = path.add(start + batch[0] * 10 * MS, &results).or(sample);
        }
        sample.expect("something arrived")
    }

    #[test]
    fn an_idle_path_has_no_queue_and_delivers_the_sent_rate() {
        let start = Instant::now();
        let mut path = PathEstimator::new(start);
        let sample = run(&mut path, start, 0, 200, |_| Some(30 * MS));
        assert_eq!((sample.queue, sample.loss), (Duration::ZERO, 0.0));
        let rate = sample.delivered_bps.expect("two seconds are enough");
        assert!((950_000..1_050_000).contains(&rate), "{rate}");
    }

    #[test]
    fn queueing_raises_the_one_way_delay_and_jitter_does_not() {
        let start = Instant::now();
        let mut path = PathEstimator::new(start);
        run(&mut path, start, 0, 200, |_| Some(30 * MS));
        let jitter = run(&mut path, start, 200, 300, |index| {
            Some((30 + index % 5 * 20) * MS)
        });
        assert_eq!(
            jitter.queue,
            Duration::ZERO,
            "the minimum of each batch counts"
        );
        let queued = run(&mut path, start, 300, 350, |_| Some(180 * MS));
        assert_eq!(queued.queue, 150 * MS);
        let farther = run(&mut path, start, 350, 2500, |_| Some(180 * MS));
        assert_eq!(
            farther.queue,
            Duration::ZERO,
            "the baseline has moved to the longer path"
        );
    }

    #[test]
    fn packets_that_waited_from_the_first_one_on_have_a_queue() {
        // A train of 1250-byte packets every 10 ms, 100 ms behind others, on a path with a round trip of 40 ms; feedback
        // leaves 4 ms after the newest packet arrived.
        let queue_of_second_feedback = |idle: Option<Duration>| {
            let start = Instant::now();
            let mut path = PathEstimator::new(start);
            path.idle_round_trip = idle;
            let mut queue = Duration::ZERO;
            for first in [0, 5] {
                let arrived = |index: u32| Duration::from_secs(3600) + (120 + 10 * index) * MS;
                let results: Vec<PacketResult> = (first..first + 5)
                    .map(|index| PacketResult {
                        sent_at: start,
                        bytes: 1250,
                        media: None,
                        arrived: Some(arrived(index)),
                    })
                    .collect();
                let sample = path.add(start + (120 + 10 * (first + 4) + 4 + 20) * MS, &results);
                queue = sample.expect("all arrived").queue;
            }
            queue
        };
        assert_eq!(queue_of_second_feedback(None), 50 * MS, "behind its own");
        // 100 ms of others, less the margin and the 6 ms between feedback and the next packet.
        assert_eq!(queue_of_second_feedback(Some(40 * MS)), 129 * MS);
        assert_eq!(queue_of_second_feedback(Some(160 * MS)), 50 * MS);
    }

    #[test]
    fn a_jumping_receiver_clock_does_not_grow_the_window() {
        let start = Instant::now();
        let mut path = PathEstimator::new(start);
        run(&mut path, start, 0, 100, |_| Some(30 * MS));
        let jump = Duration::from_secs(86_400);
        run(&mut path, start, 100, 101, |_| Some(jump));
        let sample = run(&mut path, start, 101, 1500, |_| Some(30 * MS));
        assert!(path.arrivals.len() < 60, "{}", path.arrivals.len());
        let rate = sample.delivered_bps.expect("known again");
        assert!((950_000..1_050_000).contains(&rate), "{rate}");
    }

    #[test]
    fn loss_is_measured_over_the_last_seconds() {
        let start = Instant::now();
        let mut path = PathEstimator::new(start);
        let sample = run(&mut path, start, 0, 400, |index| {
            (index % 10 != 0).then_some(30 * MS)
        });
        assert!((sample.loss - 0.1).abs() < 0.01, "{}", sample.loss);
        assert!(path.add(start, &[]).is_none(), "empty feedback");
    }
}
