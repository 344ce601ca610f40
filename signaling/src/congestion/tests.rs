//! Simulates one viewer behind a bottleneck on a virtual clock: frames, keyframes, a queue, feedback.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use rtc::interceptor::Acknowledgement;
use rtc::rtcp::transport_feedbacks::cc_feedback_report::Ecn;

use super::allocation::tests::ladder;
use super::control::Decision;
use super::probe::PADDING_PACKET_BYTES;
use super::{Control, RenditionChoice, Rung, SendRoom, targets};
use crate::encode::encoder::RenditionId;
use crate::metrics::RenditionChange;

const MS: Duration = Duration::from_millis(1);
const PACKET_BYTES: u32 = 1180;
const FRAMES_PER_S: u32 = 30;
/// Size of a keyframe relative to other frames.
const KEYFRAME_FRAMES: u32 = 12;
const FEEDBACK_MS: u32 = 100;

struct Bottleneck {
    rate_bps: u32,
    max_queue: Duration,
    delay: Duration,
    lose_every: u64,
    free_at: Duration,
    seen: u64,
    dropped: u64,
}

impl Bottleneck {
    /// Returns when a packet that is sent at `at` arrives, or `None` if it is lost.
    fn pass(&mut self, at: Duration, bytes: u32) -> Option<Duration> {
        self.seen += 1;
        let begins = self.free_at.max(at);
        if begins - at > self.max_queue {
            self.dropped += 1;
            return None;
        }
        self.free_at =
            begins + Duration::from_secs_f64(f64::from(bytes) * 8.0 / f64::from(self.rate_bps));
        let lost = self.lose_every > 0 && self.seen.is_multiple_of(self.lose_every);
        (!lost).then_some(self.free_at + self.delay)
    }
}

/// The simulation of a viewer and its path.
struct Simulation {
    start: Instant,
    ms: u32,
    control: Control,
    link: Bottleneck,
    ladder: Vec<Rung>,
    current: RenditionId,
    next: Option<RenditionId>,
    abandoned: bool,
    in_flight: VecDeque<(u16, Option<Duration>)>,
    /// Offset of the receiver's clock.
    receiver_ahead: Duration,
    /// Queueing delay and rendition, sampled every 100 ms.
    queue_ms: Vec<u32>,
    rungs: Vec<usize>,
    /// The cause of each change of the rendition.
    causes: Vec<RenditionChange>,
}

impl Simulation {
    fn new(rate_bps: u32, lose_every: u64) -> Self {
        let start = Instant::now();
        let ladder = ladder();
        Self {
            start,
            ms: 0,
            control: Control::new(start, RenditionChoice::Auto),
            link: Bottleneck {
                rate_bps,
                max_queue: 2000 * MS,
                delay: 30 * MS,
                lose_every,
                free_at: Duration::ZERO,
                seen: 0,
                dropped: 0,
            },
            current: ladder[0].id,
            ladder,
            next: None,
            abandoned: false,
            in_flight: VecDeque::new(),
            receiver_ahead: Duration::ZERO,
            queue_ms: Vec::new(),
            rungs: Vec::new(),
            causes: Vec::new(),
        }
    }

    fn go(&mut self, seconds: u32) -> &mut Self {
        for _ in 0..seconds * 1000 {
            self.millisecond();
            self.ms += 1;
        }
        self
    }

    /// Suspends the process; feedback of that time is read afterwards.
    fn pause(&mut self, seconds: u32) -> &mut Self {
        self.ms += seconds * 1000;
        self.control.resume(self.start + self.ms * MS);
        self
    }

    fn millisecond(&mut self) {
        let now = self.start + self.ms * MS;
        if self.ms.is_multiple_of(1000 / FRAMES_PER_S) {
            self.frame(now);
        }
        if self.control.due(now).is_some_and(|due| due <= now) {
            for _ in 0..self.control.padding(now) {
                self.send(now, PADDING_PACKET_BYTES);
            }
            self.control.tick(now, &self.ladder, self.current);
            self.decide(now);
        }
        if self.ms.is_multiple_of(FEEDBACK_MS) {
            self.feedback(now);
            let queue = self.link.free_at.saturating_sub(self.ms * MS);
            self.queue_ms
                .push(u32::try_from(queue.as_millis()).expect("bounded"));
            self.rungs.push(self.current.index());
        }
    }

    fn frame(&mut self, now: Instant) {
        if matches!(self.control.room(now), SendRoom::Full(_)) {
            return;
        }
        let keyframe = self.next.is_some();
        if let Some(next) = self.next.take() {
            (self.current, self.abandoned) = (next, false);
        }
        if self.abandoned {
            return;
        }
        let rung = self.ladder[self.current.index()];
        let share = if keyframe { KEYFRAME_FRAMES } else { 1 };
        let mut bytes = rung.target_bps / 8 / FRAMES_PER_S * share;
        while bytes > 0 {
            self.send(now, bytes.min(PACKET_BYTES));
            bytes = bytes.saturating_sub(PACKET_BYTES);
        }
    }

    fn send(&mut self, now: Instant, bytes: u32) {
        let number = self.control.stamp(now, bytes as usize, None);
        let arrives = self.link.pass(self.ms * MS, bytes);
        if let Some(number) = number {
            self.in_flight.push_back((number, arrives));
        }
    }

    /// Reports packets that arrived half a round trip ago; packets missing before those were lost.
    fn feedback(&mut self, now: Instant) {
        let known = (self.ms * MS).saturating_sub(self.link.delay);
        let last = self
            .in_flight
            .iter()
            .rposition(|(_, arrives)| arrives.is_some_and(|at| at <= known));
        let Some(last) = last else { return };
        let news: Vec<Acknowledgement> = self
            .in_flight
            .drain(..=last)
            .map(|(number, arrives)| match arrives {
                Some(at) => {
                    Acknowledgement::received(number, Some(at + self.receiver_ahead), Ecn::NotEct)
                }
                None => Acknowledgement::lost(number),
            })
            .collect();
        let lost = news.iter().filter(|one| !one.arrived).count() as f32 / news.len() as f32;
        self.control.report(now, lost, Some(2 * self.link.delay));
        self.control.feedback(now, &news);
        self.decide(now);
    }

    fn decide(&mut self, now: Instant) {
        targets(
            &mut self.ladder,
            [(self.current, self.control.media_bps())].into_iter(),
        );
        match self.control.decide(now, &self.ladder, self.current) {
            Decision::Stay => {}
            Decision::Move(to, cause) => self.change(to, cause),
            Decision::Abandon(to, cause) => {
                self.change(to, cause);
                self.abandoned = true;
            }
        }
    }

    fn change(&mut self, to: RenditionId, cause: RenditionChange) {
        if self.next.replace(to) != Some(to) {
            self.causes.push(cause);
        }
    }

    /// Share of samples in the last `seconds` with a queueing delay above `ms`.
    fn queued(&self, seconds: usize, ms: u32) -> f64 {
        let last = &self.queue_ms[self.queue_ms.len().saturating_sub(seconds * 10)..];
        last.iter().filter(|queue| **queue > ms).count() as f64 / last.len() as f64
    }

    /// When `rung` was reached without being left again, in seconds from `from_s`.
    fn settled_on(&self, rung: usize, from_s: usize) -> Option<f64> {
        let part = &self.rungs[from_s * 10..];
        let other = part
            .iter()
            .rposition(|at| *at != rung)
            .map_or(0, |index| index + 1);
        (other < part.len()).then(|| other as f64 / 10.0)
    }
}

#[test]
fn a_fast_path_keeps_the_largest_rendition_and_monitoring_ends() {
    let mut run = Simulation::new(50_000_000, 0);
    run.go(12);
    assert_eq!(run.settled_on(0, 0), Some(0.0));
    assert_eq!(run.control.estimate_bps(), None);
    assert!(run.in_flight.is_empty(), "packets are still numbered");
}

#[test]
fn loss_without_queueing_keeps_the_rendition() {
    for lose_every in [20, 10] {
        let mut run = Simulation::new(50_000_000, lose_every);
        run.go(30);
        assert_eq!(run.settled_on(0, 0), Some(0.0), "1 in {lose_every}");
    }
}

#[test]
fn one_megabit_keeps_a_large_rendition_at_a_lower_rate() {
    let mut run = Simulation::new(1_000_000, 0);
    run.go(30);
    assert!(
        run.rungs[50..].iter().all(|rung| *rung <= 1),
        "{:?}",
        run.rungs
    );
    assert!(run.queued(20, 300) < 0.1, "{:?}", run.queue_ms);
}

#[test]
fn three_hundred_kilobits_move_to_the_smallest_within_two_seconds() {
    let mut run = Simulation::new(300_000, 0);
    run.go(40);
    let took = run.settled_on(2, 0).expect("the smallest");
    assert!(took <= 2.0, "{took} s");
    assert!(run.queued(30, 250) < 0.03, "{:?}", run.queue_ms);
    assert!(run.link.dropped < 200, "{}", run.link.dropped);
}

#[test]
fn the_largest_rendition_returns_within_ten_seconds_after_the_limit_ends() {
    for limited_s in [20, 23, 27] {
        let mut run = Simulation::new(300_000, 0);
        run.go(limited_s);
        run.link.rate_bps = 20_000_000;
        run.go(30);
        let took = run.settled_on(0, limited_s as usize).expect("back");
        assert!(took <= 10.0, "{took} s after {limited_s}");
    }
}

#[test]
fn a_later_limit_is_detected() {
    let mut run = Simulation::new(20_000_000, 0);
    run.go(8);
    run.link.rate_bps = 500_000;
    run.go(25);
    let took = run
        .settled_on(2, 8)
        .or(run.settled_on(1, 8))
        .expect("settled");
    assert!(took <= 3.0, "{took} s: {:?}", run.rungs);
    assert!(run.queued(15, 300) < 0.1, "{:?}", run.queue_ms);
}

#[test]
fn a_suspended_process_is_not_congestion() {
    for (rate_bps, before_s) in [(50_000_000, 3), (50_000_000, 9), (50_000_000, 20)] {
        for pause_s in [2, 5, 10, 60] {
            let mut run = Simulation::new(rate_bps, 0);
            run.go(before_s).pause(pause_s).go(30);
            assert_eq!(
                run.settled_on(0, 0),
                Some(0.0),
                "{pause_s} s after {before_s}"
            );
            assert_eq!(run.control.estimate_bps(), None);
            assert_eq!(run.control.playout_delay(), Duration::ZERO);
        }
    }
}

#[test]
fn a_slow_path_stays_limited_after_a_suspension() {
    let mut run = Simulation::new(300_000, 0);
    run.go(20);
    let before = run.control.estimate_bps().expect("it is slow");
    run.pause(10).go(20);
    assert!(
        run.rungs[200..].iter().all(|rung| *rung == 2),
        "{:?}",
        run.rungs
    );
    let after = run.control.estimate_bps().expect("still limited");
    assert!(after.abs_diff(before) < before / 2, "{before} and {after}");
}

#[test]
fn a_clock_jump_of_the_receiver_is_not_congestion() {
    let mut run = Simulation::new(50_000_000, 0);
    run.go(4);
    // The receiver's clock kept running during the suspension.
    run.receiver_ahead = Duration::from_secs(10);
    run.go(30);
    assert_eq!(run.settled_on(0, 0), Some(0.0), "{:?}", run.rungs);
}

#[test]
fn a_queue_lowers_the_rendition_and_a_probe_raises_it() {
    let mut run = Simulation::new(300_000, 0);
    run.go(20);
    assert_eq!(run.causes.first(), Some(&RenditionChange::QueueingDelay));
    run.link.rate_bps = 20_000_000;
    run.causes.clear();
    run.go(15);
    assert_eq!(run.current.index(), 0);
    assert_eq!(run.causes.last(), Some(&RenditionChange::ProbeSucceeded));
}

#[test]
fn heavy_loss_without_a_queue_lowers_the_rendition() {
    let mut run = Simulation::new(50_000_000, 2);
    run.go(10);
    assert_eq!(run.causes.first(), Some(&RenditionChange::Loss));
}

#[test]
fn missing_feedback_lowers_the_rendition() {
    let mut run = Simulation::new(50_000_000, 0);
    run.go(3);
    run.link.lose_every = 1;
    run.go(5);
    assert_eq!(run.causes.first(), Some(&RenditionChange::NoFeedback));
}

#[test]
fn a_choice_is_the_cause_of_its_change_and_of_the_return_to_automatic_selection() {
    let mut run = Simulation::new(50_000_000, 0);
    run.go(3);
    run.control
        .set_choice(RenditionChoice::Fixed(run.ladder[2].id));
    run.go(3);
    assert_eq!(
        (run.current.index(), &run.causes[..]),
        (2, &[RenditionChange::Chosen][..])
    );
    run.control.set_choice(RenditionChoice::Auto);
    run.go(3);
    assert_eq!(run.current.index(), 0);
    assert_eq!(run.causes, [RenditionChange::Chosen; 2]);
}

#[test]
fn a_new_path_raises_a_rendition_that_the_old_path_had_lowered() {
    let mut run = Simulation::new(50_000_000, 0);
    run.current = run.ladder[2].id;
    run.go(3);
    assert_eq!(
        (run.current.index(), &run.causes[..]),
        (0, &[RenditionChange::NewPath][..])
    );
}

#[test]
fn a_rendition_that_is_not_offered_any_more_is_left() {
    for choice in [
        RenditionChoice::Auto,
        RenditionChoice::Fixed(RenditionId::MAIN),
    ] {
        let mut run = Simulation::new(50_000_000, 0);
        run.control.set_choice(choice);
        let gone = run.ladder.remove(0);
        let decision = run.control.decide(run.start, &run.ladder, gone.id);
        let to = run.ladder[0].id;
        assert_eq!(decision, Decision::Move(to, RenditionChange::RenditionGone));
        let settled = run.control.decide(run.start, &run.ladder, to);
        assert_eq!(settled, Decision::Stay, "{choice:?}");
    }
}

/// Runs the estimator of the library (rtc 0.21.1, `Gcc`) over the same paths with a stream of fixed
/// 1.5 Mbit/s. Without a bottleneck its target climbs to the maximum although no packet has tested it;
/// behind 1 Mbit/s or 300 kbit/s it falls to the minimum. Neither selects a rendition. Simulation it with
/// `cargo test --workspace --lib library -- --ignored --nocapture`.
#[test]
#[ignore = "prints a comparison"]
fn the_estimator_of_the_library_on_the_same_paths() {
    use std::io::Write as _;
    for (rate_bps, lose_every) in [
        (50_000_000, 0),
        (50_000_000, 20),
        (1_000_000, 0),
        (300_000, 0),
    ] {
        let targets = library_targets(rate_bps, lose_every);
        let line = format!("{rate_bps} bit/s, 1 in {lose_every} lost: {targets:?} kbit/s\n");
        std::io::stderr()
            .write_all(line.as_bytes())
            .expect("stderr takes text");
    }
}

/// Sends 1.5 Mbit/s with a keyframe every 5 s for 30 s; returns the target every 3 s in kbit/s.
fn library_targets(rate_bps: u32, lose_every: u64) -> Vec<u32> {
    use rtc::interceptor::{BandwidthEstimator as _, Gcc, PacketReport};
    let mut run = Simulation::new(rate_bps, lose_every);
    let mut library = Gcc::new(1_500_000.0, 60_000.0, 10_000_000.0);
    let (mut reports, mut targets): (Vec<PacketReport>, _) = (Vec::new(), Vec::new());
    for ms in 0..30_000_u32 {
        let now = run.start + ms * MS;
        if ms.is_multiple_of(33) {
            let packets = if ms.is_multiple_of(4950) { 64 } else { 5 };
            for _ in 0..packets {
                let arrival = run.link.pass(ms * MS, PACKET_BYTES);
                let id = run.link.seen;
                reports.push(PacketReport {
                    ssrc: 1,
                    id,
                    rtp_sequence_number: id as u16,
                    is_twcc: true,
                    twcc_sequence_number: id as u16,
                    size: PACKET_BYTES as usize,
                    arrived: arrival.is_some(),
                    departure: now,
                    arrival,
                    ecn: Ecn::NotEct,
                });
            }
        }
        if ms.is_multiple_of(FEEDBACK_MS) {
            let known = (ms * MS).saturating_sub(run.link.delay);
            let came = |report: &PacketReport| report.arrival.is_some_and(|at| at <= known);
            let last = reports.iter().rposition(came).map_or(0, |index| index + 1);
            let news: Vec<PacketReport> = reports.drain(..last).collect();
            library.on_reports(now, &news);
        }
        if ms % 3000 == 2999 {
            targets.push((library.target_bitrate() / 1000.0) as u32);
        }
    }
    targets
}
