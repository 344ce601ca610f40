//! The capacity of a path from packet trains (dispersion): packets that leave faster than the path carries them
//! arrive at the rate of its bottleneck. The first keyframe is such a train, so that the capacity is known one round trip
//! after the start. Later frames are short trains, which show without padding that a path has become faster.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::sent_log::PacketResult;

/// Packets that leave within this time of each other belong to one train.
const SPACING: Duration = Duration::from_millis(15);
/// A train shows a bottleneck if it arrives this much slower than it left.
const STRETCH: f64 = 1.3;
const STRETCH_LEAST: Duration = Duration::from_millis(5);
/// A train is long enough if it takes this long to arrive, or has this many packets: jitter then matters little.
const LONG_TIME: Duration = Duration::from_millis(60);
const LONG_TIME_PACKETS: usize = 3;
const LONG_PACKETS: usize = 8;
/// Results that are kept for a train whose feedback comes in parts.
const KEPT: usize = 128;
/// Packets of one frame leave within this time.
const BURST: Duration = Duration::from_millis(2);
/// Arrival times have a resolution of a quarter of a millisecond.
const ARRIVAL_LEAST: Duration = Duration::from_micros(500);
/// Short trains that are remembered, for how long, and how many of them must have arrived fast.
const BURSTS: usize = 8;
const BURSTS_TIME: Duration = Duration::from_secs(2);
const FAST_BURSTS: usize = 3;

/// Measures trains in transport-wide feedback.
#[derive(Debug, Default)]
pub(super) struct PacketTrains {
    newest: VecDeque<PacketResult>,
    /// When frames of several packets left, and the rates in bits per second at which they arrived.
    bursts: VecDeque<(Instant, u32)>,
}

impl PacketTrains {
    /// Adds one feedback message. Returns the capacity in bits per second if its last train shows a bottleneck.
    pub(super) fn add(&mut self, results: &[PacketResult]) -> Option<u32> {
        for result in results.iter().filter(|result| result.arrived.is_some()) {
            let previous = self.newest.back().map(|last| last.sent_at);
            let since = |at: Instant| result.sent_at.saturating_duration_since(at);
            if previous.is_some_and(|at| since(at) > SPACING) {
                self.newest.clear();
            }
            self.newest.push_back(*result);
            if self.newest.len() > KEPT {
                self.newest.pop_front();
            }
        }
        self.note_bursts(results);
        capacity(self.newest.make_contiguous())
    }

    /// The rate at which at least three of the last eight frames of several packets arrived; `None` without as many
    /// lately. The path may carry as much; only a probe shows whether it does.
    pub(super) fn burst_bps(&self, now: Instant) -> Option<u32> {
        let lately = |at: Instant| now.saturating_duration_since(at) <= BURSTS_TIME;
        let bursts = self.bursts.iter().filter(|(at, _)| lately(*at));
        let mut rates: Vec<u32> = bursts.map(|(_, bps)| *bps).collect();
        rates.sort_unstable();
        let place = rates.len().checked_sub(FAST_BURSTS)?;
        rates.get(place).copied()
    }

    /// Forgets earlier frames, which say nothing about the present.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }

    fn note_bursts(&mut self, results: &[PacketResult]) {
        let arrived: Vec<PacketResult> = results
            .iter()
            .filter(|result| result.arrived.is_some())
            .copied()
            .collect();
        let together = |one: &PacketResult, next: &PacketResult| {
            next.sent_at.saturating_duration_since(one.sent_at) <= BURST
        };
        for burst in arrived.chunk_by(together).filter(|burst| burst.len() > 1) {
            let Some((_, span, bytes)) = spans(burst) else {
                continue;
            };
            if self.bursts.len() >= BURSTS {
                self.bursts.pop_front();
            }
            let bps = rate(bytes, span.max(ARRIVAL_LEAST));
            self.bursts.push_back((burst[0].sent_at, bps));
        }
    }
}

/// The rate at which a long train arrived, if it arrived slower than it left.
fn capacity(train: &[PacketResult]) -> Option<u32> {
    let (left, came, bytes) = spans(train)?;
    let long =
        train.len() >= LONG_PACKETS || (train.len() >= LONG_TIME_PACKETS && came >= LONG_TIME);
    let stretched = came > left.mul_f64(STRETCH) + STRETCH_LEAST;
    // A network that stalls for a moment delivers with one long gap.
    let arrivals: Vec<Duration> = train.iter().filter_map(|result| result.arrived).collect();
    let gaps = arrivals
        .windows(2)
        .map(|pair| pair[1].saturating_sub(pair[0]));
    let even = gaps.max()? <= came.mul_f64(0.6);
    (long && stretched && even).then(|| rate(bytes, came))
}

/// How long a train took to leave and to arrive, and its bytes without the first packet.
fn spans(train: &[PacketResult]) -> Option<(Duration, Duration, u64)> {
    let (first, last) = (train.first()?, train.last()?);
    let came = last.arrived?.checked_sub(first.arrived?)?;
    let left = last.sent_at.saturating_duration_since(first.sent_at);
    let bytes = train.iter().skip(1).map(|result| u64::from(result.bytes));
    Some((left, came, bytes.sum()))
}

fn rate(bytes: u64, span: Duration) -> u32 {
    (bytes as f64 * 8.0 / span.as_secs_f64()) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// A train of 1200-byte packets that leaves at once and arrives with these gaps.
    fn train(start: Instant, gaps_ms: &[u32]) -> Vec<PacketResult> {
        let mut arrived = Duration::from_secs(1000);
        let packets = gaps_ms.iter().map(|gap| {
            arrived += *gap * MS;
            PacketResult {
                sent_at: start,
                bytes: 1200,
                media: None,
                arrived: Some(arrived),
            }
        });
        packets.collect()
    }

    #[test]
    fn a_keyframe_that_arrives_slowly_shows_the_capacity() {
        let start = Instant::now();
        let slow = PacketTrains::default().add(&train(start, &[0, 32, 32, 32]));
        assert_eq!(
            slow,
            Some(300_000),
            "a few packets are enough on a slow path"
        );
        let short = PacketTrains::default().add(&train(start, &[0, 10, 10, 10]));
        assert_eq!(short, None, "too short for a path of 1 Mbit/s");
        let mut trains = PacketTrains::default();
        assert_eq!(trains.add(&train(start, &[0, 10, 10, 10])), None);
        let rest = train(start, &[40, 10, 10, 10, 10]);
        assert_eq!(trains.add(&rest), Some(960_000), "feedback in parts");
    }

    #[test]
    fn a_train_that_arrives_as_it_left_shows_no_limit() {
        let start = Instant::now();
        let mut paced = train(start, &[0, 8, 8, 8, 8, 8, 8, 8, 8, 8]);
        for (index, packet) in paced.iter_mut().enumerate() {
            packet.sent_at = start + u32::try_from(index).expect("few") * 8 * MS;
        }
        assert_eq!(PacketTrains::default().add(&paced), None);
    }

    #[test]
    fn a_stall_is_no_bottleneck() {
        let stalled = train(Instant::now(), &[0, 0, 0, 0, 90, 0, 1, 0, 0, 1]);
        assert_eq!(PacketTrains::default().add(&stalled), None);
    }

    #[test]
    fn frames_that_arrive_fast_suggest_a_faster_path() {
        let (mut trains, start) = (PacketTrains::default(), Instant::now());
        let at = |frame: u32| start + frame * 66 * MS;
        for frame in 0..8 {
            trains.add(&train(at(frame), &[0, 32]));
        }
        assert_eq!(trains.burst_bps(at(8)), Some(300_000));
        for frame in 8..11 {
            trains.add(&train(at(frame), &[0, 1]));
        }
        assert_eq!(trains.burst_bps(at(11)), Some(9_600_000));
        assert_eq!(trains.burst_bps(at(42)), None, "too long ago");
        trains.forget();
        assert_eq!(trains.burst_bps(at(11)), None);
    }
}
