//! What feedback shows of the path: the queue in it, the rate that gets through, the loss.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::sent_log::Fate;

/// The rate is taken over this much of the receiver's time: some frames, less than a keyframe's wake.
const RATE_WINDOW: Duration = Duration::from_millis(400);
/// Below this a rate would be a guess.
const RATE_WINDOW_LEAST: Duration = Duration::from_millis(150);
/// Between two packets of one piece of feedback or the next there are never so many seconds: the receiver
/// has begun to count anew, or lies.
const CLOCK_LEAP: Duration = Duration::from_secs(5);
/// The loss is taken over this much of ours.
const LOSS_WINDOW: Duration = Duration::from_secs(2);
/// The shortest way in this time is the empty path. Longer, and a phone that roamed to a farther
/// access point would look congested for too long; shorter, and a standing queue would look empty.
const EMPTY_WINDOW_S: u64 = 20;

/// The path after one piece of feedback.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Look {
    /// How much longer the quickest of the newest packets took than on an empty path. The quickest,
    /// since a frame leaves in one burst and waits for itself.
    pub(crate) queue: Duration,
    /// What arrives, in bits a second; `None` after too short a time.
    pub(crate) delivered_bps: Option<u32>,
    /// Share of packets lost, 0 to 1, and of how many.
    pub(crate) loss: f32,
    pub(crate) packets: u32,
}

/// The recent past of one viewer's path.
#[derive(Debug)]
pub(crate) struct Path {
    origin: Instant,
    /// The shortest way in each second: microseconds between clocks that share no zero.
    shortest: VecDeque<(u64, i64)>,
    arrivals: VecDeque<(Duration, u32)>,
    arrived_bytes: u64,
    first_arrival: Option<Duration>,
    newest_arrival: Duration,
    counts: VecDeque<(Instant, u32, u32)>,
    /// The minimum one-way delay in the newest feedback.
    last_way_us: Option<i64>,
}

impl Path {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            origin: now,
            shortest: VecDeque::new(),
            arrivals: VecDeque::new(),
            arrived_bytes: 0,
            first_arrival: None,
            newest_arrival: Duration::ZERO,
            counts: VecDeque::new(),
            last_way_us: None,
        }
    }

    /// Takes one piece of feedback. `None` when nothing in it arrived.
    pub(crate) fn take(&mut self, now: Instant, fates: &[Fate]) -> Option<Look> {
        self.count(now, fates);
        let quickest = fates.iter().filter_map(|fate| self.way_us(fate)).min()?;
        // Queues grow step by step. A clock that leaps, here or there, moves every packet at once: a
        // machine that was suspended.
        let leaps = |last: i64| quickest.abs_diff(last) > CLOCK_LEAP.as_micros() as u64;
        if self.last_way_us.replace(quickest).is_some_and(leaps) {
            self.shortest.clear();
        }
        self.note_shortest(now, quickest);
        let empty = self.shortest.iter().map(|(_, way)| *way).min()?;
        for fate in fates {
            if let Some(arrived) = fate.arrived {
                self.note_arrival(arrived, fate.bytes);
            }
        }
        let (lost, packets) = self
            .counts
            .iter()
            .fold((0, 0), |(lost, all), (_, l, a)| (lost + l, all + a));
        Some(Look {
            queue: Duration::from_micros(u64::try_from(quickest - empty).unwrap_or(0)),
            delivered_bps: self.rate(),
            loss: lost as f32 / packets.max(1) as f32,
            packets,
        })
    }

    /// From here to there, on two clocks: only differences mean something.
    fn way_us(&self, fate: &Fate) -> Option<i64> {
        let there = i64::try_from(fate.arrived?.as_micros()).ok()?;
        let here = fate.sent_at.saturating_duration_since(self.origin);
        Some(there - i64::try_from(here.as_micros()).ok()?)
    }

    fn note_shortest(&mut self, now: Instant, way_us: i64) {
        let second = now.saturating_duration_since(self.origin).as_secs();
        match self.shortest.back_mut() {
            Some((last, shortest)) if *last == second => *shortest = way_us.min(*shortest),
            _ => self.shortest.push_back((second, way_us)),
        }
        while let Some((oldest, _)) = self.shortest.front()
            && oldest + EMPTY_WINDOW_S < second
        {
            self.shortest.pop_front();
        }
    }

    fn note_arrival(&mut self, at: Duration, bytes: u32) {
        // A clock that leaps says nothing about the rate, and must not fill the window for good.
        if self.first_arrival.is_none() || at.abs_diff(self.newest_arrival) > CLOCK_LEAP {
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
        if known < RATE_WINDOW_LEAST {
            return None;
        }
        Some((self.arrived_bytes as f64 * 8.0 / known.as_secs_f64()) as u32)
    }

    fn count(&mut self, now: Instant, fates: &[Fate]) {
        let lost = fates.iter().filter(|fate| fate.arrived.is_none()).count();
        let as_u32 = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        self.counts
            .push_back((now, as_u32(lost), as_u32(fates.len())));
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

    /// Feedback each 50 ms about packets of 1250 bytes each 10 ms (1 Mbit/s).
    fn run(
        path: &mut Path,
        start: Instant,
        from: u32,
        to: u32,
        way: impl Fn(u32) -> Option<Duration>,
    ) -> Look {
        let mut look = None;
        for batch in (from..to).collect::<Vec<_>>().chunks(5) {
            let fates: Vec<Fate> = batch
                .iter()
                .map(|index| Fate {
                    sent_at: start + *index * 10 * MS,
                    bytes: 1250,
                    // The receiver's clock began an hour ago.
                    arrived: way(*index)
                        .map(|way| Duration::from_secs(3600) + *index * 10 * MS + way),
                })
                .collect();
            look = path.take(start + batch[0] * 10 * MS, &fates).or(look);
        }
        look.expect("something arrived")
    }

    #[test]
    fn an_empty_path_has_no_queue_and_carries_what_is_sent() {
        let start = Instant::now();
        let mut path = Path::new(start);
        let look = run(&mut path, start, 0, 200, |_| Some(30 * MS));
        assert_eq!((look.queue, look.loss), (Duration::ZERO, 0.0));
        let rate = look.delivered_bps.expect("two seconds are enough");
        assert!((950_000..1_050_000).contains(&rate), "{rate}");
    }

    #[test]
    fn a_queue_shows_as_a_longer_way_and_jitter_does_not() {
        let start = Instant::now();
        let mut path = Path::new(start);
        run(&mut path, start, 0, 200, |_| Some(30 * MS));
        let jitter = run(&mut path, start, 200, 300, |index| {
            Some((30 + index % 5 * 20) * MS)
        });
        assert_eq!(
            jitter.queue,
            Duration::ZERO,
            "the quickest of each batch counts"
        );
        let queued = run(&mut path, start, 300, 350, |_| Some(180 * MS));
        assert_eq!(queued.queue, 150 * MS);
        let farther = run(&mut path, start, 350, 2500, |_| Some(180 * MS));
        assert_eq!(
            farther.queue,
            Duration::ZERO,
            "the path itself became longer"
        );
    }

    #[test]
    fn a_receiver_whose_clock_leaps_fills_no_memory() {
        let start = Instant::now();
        let mut path = Path::new(start);
        run(&mut path, start, 0, 100, |_| Some(30 * MS));
        let leap = Duration::from_secs(86_400);
        run(&mut path, start, 100, 101, |_| Some(leap));
        let look = run(&mut path, start, 101, 1500, |_| Some(30 * MS));
        assert!(path.arrivals.len() < 60, "{}", path.arrivals.len());
        let rate = look.delivered_bps.expect("known again");
        assert!((950_000..1_050_000).contains(&rate), "{rate}");
    }

    #[test]
    fn loss_is_a_share_of_the_last_seconds() {
        let start = Instant::now();
        let mut path = Path::new(start);
        let look = run(&mut path, start, 0, 400, |index| {
            (index % 10 != 0).then_some(30 * MS)
        });
        assert!((look.loss - 0.1).abs() < 0.01, "{}", look.loss);
        assert!(path.take(start, &[]).is_none(), "no news");
    }
}
