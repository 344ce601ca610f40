//! Runs a simulation, and measures what the viewer saw.

use std::time::{Duration, Instant};

use lossy_link::Link;

use super::bottlenecks::Bottlenecks;
use super::conditions::Network;
use super::frame_sizes::Source;
use super::receiver::{Message, Receiver, Shown};
use super::station::Station;

const MS: Duration = Duration::from_millis(1);
/// RTP header, extension with the transport-wide number, SRTP tag.
const OVERHEAD_BYTES: usize = 12 + 8 + 16;
const FEEDBACK_BYTES: usize = 80;
/// A longer gap between two pictures is a freeze, as in `make bench-network`.
const FROZEN: Duration = Duration::from_millis(200);

/// What the viewer saw.
#[derive(Debug, Clone)]
pub(super) struct Outcome {
    pub(super) first_ms: u32,
    pub(super) frozen_percent: f64,
    pub(super) longest_gap_ms: u32,
    /// From two seconds after the first picture on.
    pub(super) longest_late_gap_ms: u32,
    /// When the last rendition before the limit went was reached for good, and which it was.
    pub(super) settled_ms: u32,
    pub(super) settled_on: usize,
    /// From the end of the limit to the largest rendition.
    pub(super) recovered_ms: Option<u32>,
    pub(super) moving_again_ms: Option<u32>,
    pub(super) pictures_per_s: f64,
    /// The share of time of each rendition.
    pub(super) shares: [f64; 4],
    pub(super) queue_p90_ms: u32,
    pub(super) details: String,
}

/// Runs `source` over `network`; returns what the viewer with the longest freezes saw. The same seed gives the same
/// outcome.
pub(super) fn simulate(source: &'static Source, network: &Network, seed: u64) -> Outcome {
    let start = Instant::now();
    let mut station = Station::new(start, source, network, usize::try_from(seed).unwrap_or(0));
    let phase = |viewer: u64| u32::try_from((seed * 13 + viewer * 31) % 60).unwrap_or(0) * MS;
    let mut receivers: Vec<Receiver> = (0..network.viewers as u64)
        .map(|viewer| Receiver::new(start, phase(viewer)))
        .collect();
    let mut down = Bottlenecks::new(network, seed);
    let mut up: Link<(usize, Message)> = Link::new(network.up(), seed + 1000);
    let (mut messages, mut queues, mut estimates) = (Vec::new(), Vec::new(), Vec::new());
    let mut changes = network.changes.iter().peekable();
    let lasts_ms = u32::try_from(network.lasts.as_millis()).unwrap_or(u32::MAX);
    for ms in 0..lasts_ms {
        let now = start + ms * MS;
        if let Some((_, rate_bps)) = changes.next_if(|(at, _)| *at <= ms * MS) {
            down.change_rate(now, *rate_bps);
        }
        while let Some((_, (viewer, message))) = up.take(now) {
            station.receive(now, viewer, &with_round_trip(message, network));
        }
        station.tick(now);
        for (viewer, datagram) in station.out.drain(..) {
            let bytes = datagram.payload.len() + OVERHEAD_BYTES;
            down.of(viewer).offer(now, bytes, (viewer, datagram));
        }
        while let Some((at, (viewer, datagram))) = down.take(now) {
            receivers[viewer].take(at, &datagram, &mut messages);
            send_all(&mut up, now, viewer, &mut messages);
        }
        for (viewer, receiver) in receivers.iter_mut().enumerate() {
            receiver.tick(now, &mut messages);
            send_all(&mut up, now, viewer, &mut messages);
        }
        if ms % 50 == 0 {
            queues.push(down.of(0).waiting_time().unwrap_or(Duration::ZERO));
        }
        if ms % 1000 == 0 {
            estimates.push(station.estimate_bps().map_or(0, |bps| bps / 1000));
        }
    }
    queues.sort_unstable();
    let (mut outcome, gaps) = worst(start, network, &receivers);
    outcome.queue_p90_ms = in_ms(queues[queues.len() * 9 / 10]);
    outcome.details = format!(
        "{:?} estimates {estimates:?} padding {} resent {} late {} keyframes {} link {:?} late gaps {gaps:?}",
        station.causes,
        station.padding,
        station.resent,
        station.late,
        station.keyframes,
        down.of(0).counters(),
    );
    outcome
}

/// What the viewer with the longest freezes saw, and its gaps.
fn worst(start: Instant, network: &Network, receivers: &[Receiver]) -> (Outcome, Vec<(u32, u32)>) {
    let seen = receivers.iter().map(|receiver| {
        let gaps = gaps_over(start, &receiver.shown, 150 * MS);
        (measure(start, network, &receiver.shown), gaps)
    });
    let frozen = |one: &(Outcome, _)| one.0.frozen_percent;
    let worst = seen.max_by(|one, other| frozen(one).total_cmp(&frozen(other)));
    worst.unwrap_or_else(|| (Outcome::nothing(network), Vec::new()))
}

fn send_all(
    up: &mut Link<(usize, Message)>,
    now: Instant,
    viewer: usize,
    messages: &mut Vec<Message>,
) {
    for message in messages.drain(..) {
        up.offer(now, FEEDBACK_BYTES, (viewer, message));
    }
}

/// A report's one-way delay becomes the round trip.
fn with_round_trip(message: Message, network: &Network) -> Message {
    match message {
        Message::Report(loss, one_way) => Message::Report(loss, one_way + network.down.delay),
        other => other,
    }
}

fn in_ms(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(u32::MAX)
}

fn gaps_over(start: Instant, shown: &[Shown], least: Duration) -> Vec<(u32, u32)> {
    let pairs = shown.windows(2);
    pairs
        .filter(|pair| pair[1].at - pair[0].at > least)
        .map(|pair| (in_ms(pair[0].at - start), in_ms(pair[1].at - pair[0].at)))
        .collect()
}

fn measure(start: Instant, network: &Network, shown: &[Shown]) -> Outcome {
    let end = start + network.lasts;
    let limit_ends = network.lifts.map_or(end, |at| start + at);
    let Some(first) = shown.first().filter(|first| first.at < limit_ends) else {
        return Outcome::nothing(network);
    };
    let (mut frozen, mut longest, mut longest_late) =
        (Duration::ZERO, Duration::ZERO, Duration::ZERO);
    let mut shares = [0.0; 4];
    for (index, picture) in shown.iter().enumerate() {
        let next = shown.get(index + 1).map_or(end, |next| next.at).min(end);
        let gap = next.saturating_duration_since(picture.at);
        let limited_gap = next.min(limit_ends) - picture.at.min(limit_ends);
        if limited_gap > FROZEN {
            frozen += limited_gap;
        }
        longest = longest.max(gap);
        if picture.at >= first.at + Duration::from_secs(2) {
            longest_late = longest_late.max(gap);
        }
        shares[usize::from(picture.rendition).min(3)] += gap.as_secs_f64();
    }
    let span = (end - first.at).as_secs_f64();
    let before: Vec<&Shown> = shown.iter().filter(|one| one.at < limit_ends).collect();
    let settled_on = before.last().map_or(3, |last| last.rendition);
    let changed = before.iter().rposition(|one| one.rendition != settled_on);
    let settled = changed.map_or(first.at, |index| {
        before[(index + 1).min(before.len() - 1)].at
    });
    let after: Vec<&Shown> = shown.iter().filter(|one| one.at >= limit_ends).collect();
    let recovered = network.lifts.and_then(|_| {
        let small = after.iter().rposition(|one| one.rendition != 0);
        let from = small.map_or(0, |index| index + 1);
        after.get(from).map(|one| in_ms(one.at - limit_ends))
    });
    Outcome {
        first_ms: in_ms(first.at - start),
        frozen_percent: 100.0 * frozen.as_secs_f64() / (limit_ends - first.at).as_secs_f64(),
        longest_gap_ms: in_ms(longest),
        longest_late_gap_ms: in_ms(longest_late),
        settled_ms: in_ms(settled - start),
        settled_on: usize::from(settled_on),
        recovered_ms: recovered,
        moving_again_ms: network
            .lifts
            .and_then(|_| Some(in_ms(after.first()?.at - limit_ends))),
        pictures_per_s: shown.len() as f64 / span,
        shares: shares.map(|seconds| seconds / span),
        queue_p90_ms: 0,
        details: String::new(),
    }
}

impl Outcome {
    fn nothing(network: &Network) -> Self {
        let all = in_ms(network.lasts);
        Self {
            first_ms: all,
            frozen_percent: 100.0,
            longest_gap_ms: all,
            longest_late_gap_ms: all,
            settled_ms: all,
            settled_on: 3,
            recovered_ms: None,
            moving_again_ms: None,
            pictures_per_s: 0.0,
            shares: [0.0; 4],
            queue_p90_ms: 0,
            details: String::new(),
        }
    }

    /// The median of each figure over several outcomes; `None` is the largest.
    pub(super) fn median(outcomes: &[Self]) -> Self {
        fn middle<T: Clone>(
            outcomes: &[Outcome],
            of: impl Fn(&Outcome) -> T,
            key: impl Fn(&T) -> f64,
        ) -> T {
            let mut values: Vec<T> = outcomes.iter().map(of).collect();
            values.sort_by(|one, other| key(one).total_cmp(&key(other)));
            values[values.len() / 2].clone()
        }
        let ms = |of: fn(&Self) -> u32| middle(outcomes, of, |ms| f64::from(*ms));
        let optional = |of: fn(&Self) -> Option<u32>| {
            middle(outcomes, of, |ms| ms.map_or(f64::MAX, f64::from))
        };
        let share = |index: usize| middle(outcomes, |one| one.shares[index], |share| *share);
        Self {
            first_ms: ms(|one| one.first_ms),
            frozen_percent: middle(outcomes, |one| one.frozen_percent, |share| *share),
            longest_gap_ms: ms(|one| one.longest_gap_ms),
            longest_late_gap_ms: ms(|one| one.longest_late_gap_ms),
            settled_ms: ms(|one| one.settled_ms),
            settled_on: middle(outcomes, |one| one.settled_on, |rung| *rung as f64),
            recovered_ms: optional(|one| one.recovered_ms),
            moving_again_ms: optional(|one| one.moving_again_ms),
            pictures_per_s: middle(outcomes, |one| one.pictures_per_s, |rate| *rate),
            shares: [0, 1, 2, 3].map(share),
            queue_p90_ms: ms(|one| one.queue_p90_ms),
            details: outcomes[0].details.clone(),
        }
    }
}
