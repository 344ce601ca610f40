use super::*;

const MS: Duration = Duration::from_millis(1);
const LOOK_MS: u32 = 10;
const PERIOD_MS: u32 = 66;
/// Of a 720p picture in full quality.
const FULL_BYTES: u32 = 110_000;
/// What the kernel keeps unsent.
const UNSENT_MOST: u64 = 16 * 1024;

/// A TCP connection over a path of a fixed rate, and the viewer's loop.
struct Simulation {
    start: Instant,
    ms: u32,
    rate_bps: u64,
    round_trip_ms: u32,
    /// How much larger than usual the versions above the first one are.
    better_factor: u32,
    adaptation: Adaptation,
    next_ms: u32,
    offered: u64,
    /// What the path has carried, by the time at which its acknowledgement comes.
    carried: VecDeque<(u32, u64)>,
    left: u64,
    acknowledged: u64,
    credit: f64,
    /// When each picture was handed over, and its version.
    sent: Vec<(u32, PictureLevel)>,
    /// How long each picture took until it was acknowledged.
    ends: VecDeque<(u32, u64)>,
    took_ms: Vec<u32>,
}

impl Simulation {
    fn new(rate_bps: u64, round_trip_ms: u32) -> Self {
        Self {
            start: Instant::now(),
            ms: 0,
            rate_bps,
            round_trip_ms,
            better_factor: 1,
            adaptation: Adaptation::new(),
            next_ms: 0,
            offered: 0,
            carried: VecDeque::new(),
            left: 0,
            acknowledged: 0,
            credit: 0.0,
            sent: Vec::new(),
            ends: VecDeque::new(),
            took_ms: Vec::new(),
        }
    }

    fn go(&mut self, seconds: u32) -> &mut Self {
        for _ in 0..seconds * 1000 {
            self.millisecond();
            self.ms += 1;
        }
        self
    }

    fn millisecond(&mut self) {
        self.credit += self.rate_bps as f64 / 8000.0;
        let leaves = (self.credit as u64).min(self.offered - self.left);
        self.credit = (self.credit - leaves as f64).min(3000.0);
        self.left += leaves;
        self.carried
            .push_back((self.ms + self.round_trip_ms, self.left));
        while self.carried.front().is_some_and(|(at, _)| *at <= self.ms) {
            self.acknowledged = self.carried.pop_front().map_or(0, |(_, bytes)| bytes);
        }
        while self
            .ends
            .front()
            .is_some_and(|(_, end)| *end <= self.acknowledged)
        {
            let (sent, _) = self.ends.pop_front().expect("just seen");
            self.took_ms.push(self.ms - sent);
        }
        if self.ms.is_multiple_of(LOOK_MS) {
            self.look();
        }
    }

    fn look(&mut self) {
        let now = self.start + self.ms * MS;
        let accepted = self.offered.min(self.left + UNSENT_MOST);
        let flushed = if accepted == self.offered {
            self.offered
        } else {
            0
        };
        self.adaptation.observe(
            now,
            SentBytes {
                offered: self.offered,
                flushed,
                accepted,
                acknowledged: self.acknowledged,
                unsent: u32::try_from(accepted - self.left).expect("little"),
                round_trip_min: self.round_trip_ms * MS,
            },
        );
        if self.adaptation.is_ready() && self.ms >= self.next_ms {
            let level = self.adaptation.level();
            let factor = if level < PictureLevel::FIRST {
                self.better_factor
            } else {
                1
            };
            let bytes = level.usual_bytes(PictureLevel::FULL, FULL_BYTES) * factor;
            self.adaptation.sent(now, level, bytes, self.offered);
            self.offered += u64::from(bytes);
            self.ends.push_back((self.ms, self.offered));
            self.sent.push((self.ms, level));
            self.next_ms = self.ms + PERIOD_MS;
        }
    }

    fn level(&self) -> PictureLevel {
        self.adaptation.level()
    }

    /// Pictures handed over since `from_ms`.
    fn pictures_since(&self, from_ms: u32) -> usize {
        self.sent.iter().filter(|(at, _)| *at >= from_ms).count()
    }
}

#[test]
fn a_fast_connection_gets_the_full_picture_within_half_a_second_and_at_the_full_rate() {
    for round_trip_ms in [1, 40] {
        let mut run = Simulation::new(50_000_000, round_trip_ms);
        run.go(10);
        let first = run
            .sent
            .iter()
            .find(|(_, level)| *level == PictureLevel::FULL);
        let at = first.expect("reached").0;
        assert!(at <= 500, "{at} ms at a round trip of {round_trip_ms} ms");
        assert!(
            run.sent
                .iter()
                .all(|(sent, level)| *sent < at || *level == PictureLevel::FULL)
        );
        assert!(run.pictures_since(0) >= 140, "{}", run.pictures_since(0));
    }
}

#[test]
fn a_slow_connection_gets_smaller_pictures_that_arrive_within_300_ms() {
    for (rate_bps, round_trip_ms) in [
        (4_000_000, 20),
        (1_000_000, 20),
        (1_000_000, 100),
        (300_000, 20),
    ] {
        let mut run = Simulation::new(rate_bps, round_trip_ms);
        run.go(30);
        assert!(run.level() > PictureLevel::FULL, "{rate_bps}");
        let settled = &run.took_ms[run.took_ms.len() / 3..];
        let late = settled
            .iter()
            .filter(|took| **took > 300 + round_trip_ms)
            .count();
        assert!(
            late * 50 <= settled.len(),
            "{late} of {} at {rate_bps}: {settled:?}",
            settled.len()
        );
        let fps = run.pictures_since(10_000) / 20;
        assert!(fps >= 5, "{fps} pictures a second at {rate_bps}");
    }
}

#[test]
fn what_no_version_fits_gets_the_smallest_one_and_no_queue() {
    let mut run = Simulation::new(60_000, 20);
    run.go(40);
    assert_eq!(run.level().smaller().next(), None);
    let settled = &run.took_ms[run.took_ms.len() / 2..];
    // One picture takes 730 ms, and at most a second one is before it.
    assert!(settled.iter().all(|took| *took < 1600), "{settled:?}");
}

#[test]
fn a_limit_lowers_the_version_at_once_and_its_end_raises_it_again() {
    let mut run = Simulation::new(50_000_000, 10);
    run.go(5);
    run.rate_bps = 500_000;
    run.go(10);
    assert!(run.level() > PictureLevel::FIRST, "{:?}", run.level());
    run.rate_bps = 50_000_000;
    run.go(20);
    assert_eq!(run.level(), PictureLevel::FULL);
}

#[test]
fn a_better_version_that_is_too_slow_is_tried_ever_more_rarely() {
    let mut run = Simulation::new(6_000_000, 10);
    run.better_factor = 3;
    run.go(180);
    let raised = |pair: &&[(u32, PictureLevel)]| pair[1].1 < pair[0].1;
    let raises: Vec<u32> = run
        .sent
        .windows(2)
        .filter(raised)
        .map(|pair| pair[1].0)
        .collect();
    assert!((2..=8).contains(&raises.len()), "{raises:?}");
    let better = run
        .sent
        .iter()
        .filter(|(_, level)| *level < PictureLevel::FIRST)
        .count();
    assert!(
        better * 50 < run.sent.len(),
        "{better} of {}",
        run.sent.len()
    );
}

#[test]
fn nothing_is_taken_while_a_picture_has_not_left() {
    let start = Instant::now();
    let mut adaptation = Adaptation::new();
    assert!(adaptation.is_ready() && adaptation.is_idle());
    let progress = |flushed, accepted, acknowledged, unsent| SentBytes {
        offered: 20_000,
        flushed,
        accepted,
        acknowledged,
        unsent,
        round_trip_min: 10 * MS,
    };
    adaptation.sent(start, PictureLevel::FIRST, 20_000, 0);
    assert!(!adaptation.is_ready(), "it waits in this process");
    adaptation.observe(start + 10 * MS, progress(20_000, 20_100, 9_000, 5_000));
    assert!(!adaptation.is_ready(), "some of it waits in the kernel");
    adaptation.observe(start + 20 * MS, progress(20_000, 20_100, 14_000, 0));
    assert!(
        adaptation.is_ready() && !adaptation.is_idle(),
        "all of it is on the way"
    );
    adaptation.observe(start + 30 * MS, progress(20_000, 20_100, 20_100, 0));
    assert!(adaptation.is_idle());
}
