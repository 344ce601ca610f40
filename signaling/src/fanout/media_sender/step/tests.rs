use super::*;
use rtc::interceptor::Acknowledgement;
use rtc::rtcp::transport_feedbacks::cc_feedback_report::Ecn;

use crate::congestion::{RenditionChoice, ladder};
use crate::encode::encoder::default_renditions;
use crate::fanout::packet_ring::tests::frame;
use crate::fanout::rtp_stream::{RtpStream, StreamTerms};
use crate::metrics::RenditionChange;
use crate::rtp::rtcp::ReportBlock;

const MS: Duration = Duration::from_millis(1);

struct Sender {
    media: MediaSender,
    rings: Vec<PacketRing>,
    ladder: Vec<Rung>,
    clock: ReportClock,
    sent: usize,
}

/// A sender that was sent a keyframe of three packets at `start`.
fn live(start: Instant) -> Sender {
    live_to(start, false)
}

fn live_to(start: Instant, needs_regular_keyframes: bool) -> Sender {
    let terms = StreamTerms {
        ssrc: 1,
        payload_type: 102,
        rtx: Some((2, 103)),
        playout_delay_id: None,
        transport_id: Some(3),
        needs_regular_keyframes,
    };
    let rtp = RtpStream::new(terms, 0);
    let mut media = MediaSender::new(start, rtp, RenditionChoice::Auto, RenditionId::MAIN);
    media.phase = Phase::Awaiting;
    let renditions = default_renditions();
    let mut sender = Sender {
        media,
        rings: renditions.iter().map(|_| PacketRing::default()).collect(),
        ladder: ladder(&renditions),
        clock: ReportClock::new(start, std::time::SystemTime::UNIX_EPOCH),
        sent: 0,
    };
    assert!(sender.frame(start, 0, true, 3).starts);
    sender
}

impl Sender {
    fn frame(&mut self, now: Instant, seq: u64, keyframe: bool, packets: usize) -> FrameUse {
        let entry = self.rings[0].push(frame(seq, keyframe, packets), now);
        let sink = &mut |_: &_, _: &[u8]| self.sent += 1;
        self.media.frame(now, &entry, sink)
    }

    fn timers(&mut self, now: Instant) -> (Step, Settled) {
        let sink = &mut |_: &_, _: &[u8]| self.sent += 1;
        let step = self.media.run_timers(now, &self.ladder, &self.rings, sink);
        let settled = self.media.settle(now, &self.ladder, &step);
        (step, settled)
    }

    /// What follows from these messages, which came together.
    fn feedback(&mut self, now: Instant, messages: &[Feedback]) -> (Step, Vec<RenditionId>) {
        let mut step = Step::default();
        for message in messages {
            let (clock, rings) = (&self.clock, &self.rings);
            let sink = &mut |_: &_, _: &[u8]| self.sent += 1;
            self.media
                .feedback(now, message, clock, rings, sink, &mut step);
        }
        let settled = self.media.settle(now, &self.ladder, &step);
        (step, settled.keyframes().collect())
    }
}

#[test]
fn feedback_is_answered_by_retransmissions_and_one_keyframe() {
    let start = Instant::now();
    let mut sender = live(start);
    let later = start + 600 * MS;
    let (step, keyframes) = sender.feedback(later, &[Feedback::Nack(vec![1, 2])]);
    assert_eq!(step.resends, [ResendOutcome::Sent; 2]);
    assert_eq!((sender.sent, keyframes), (5, vec![]));

    let lost = [Feedback::Pli, Feedback::Fir];
    let (step, keyframes) = sender.feedback(later + 600 * MS, &lost);
    assert!(step.picture_lost);
    assert_eq!(keyframes, [RenditionId::MAIN], "both ask for the same");
}

#[test]
fn a_receiver_report_tells_loss_and_round_trip() {
    let start = Instant::now();
    let mut sender = live(start);
    let left = sender.clock.ntp_middle(start);
    let report = ReportBlock {
        loss: 0.25,
        last_sender_report: left,
        delay: 0,
    };
    let (step, _) = sender.feedback(start + 80 * MS, &[Feedback::Report(report)]);
    assert!(!step.reconsiders && !step.estimate_changed);
    let round_trip = sender.media.round_trip.expect("known");
    assert!(round_trip.abs_diff(80 * MS) < MS, "{round_trip:?}");
    assert_eq!(sender.media.loss, Some(0.25));
}

#[test]
fn sender_reports_leave_in_their_interval_while_pictures_do() {
    let start = Instant::now();
    let mut sender = live(start);
    let report = |media: &mut MediaSender, now| {
        let rings = &sender.rings;
        media.sender_report(now, &sender.clock, rings).is_some()
    };
    let media = &mut sender.media;
    assert_eq!(media.due(start), Some(start));
    assert!(report(media, start) && !report(media, start + 10 * MS));
    assert!(report(media, start + REPORT_INTERVAL));
    media.phase = Phase::Away;
    assert!(!report(media, start + 3 * REPORT_INTERVAL));
    assert_eq!(media.due(start), None);
}

#[test]
fn frames_that_waited_too_long_are_counted_and_a_keyframe_is_requested_once() {
    let start = Instant::now();
    let mut sender = live(start);
    // Nothing arrives any more: silence halves the estimate again and again.
    let mut now = start;
    let is_slow = |media: &MediaSender| {
        let estimate_bps = media.control.estimate_bps();
        estimate_bps.is_some_and(|bps| bps < 100_000)
    };
    while !is_slow(&sender.media) {
        now += 33 * MS;
        assert!(now < start + 20_000 * MS, "it was never limited");
        sender.frame(now, 1, false, 6);
        sender.timers(now);
        (sender.media.phase, sender.media.next) = (Phase::Live, None);
    }
    assert_eq!(sender.media.path_limit(now), None, "nothing was measured");
    sender.frame(now, 2, false, 120);
    let (step, settled) = sender.timers(now + 701 * MS);
    assert!(step.late > 0 && step.reconsiders);
    assert_eq!(sender.media.phase, Phase::Awaiting);
    let change = settled.change.expect("a smaller rendition");
    assert_eq!(change.cause, RenditionChange::QueueingDelay);
    let wanted: Vec<RenditionId> = settled.keyframes().collect();
    assert_eq!(wanted, [change.to]);
    assert_eq!(sender.media.rendition_change, Some(change.cause));
}

#[test]
fn only_a_receiver_that_needs_regular_keyframes_gets_one_every_ten_seconds() {
    let start = Instant::now();
    for (needs_them, expected_s) in [(false, vec![]), (true, vec![10, 20, 30])] {
        let mut sender = live_to(start, needs_them);
        let is_due = |second: &u32| {
            let now = start + *second * 1000 * MS;
            let (ladder, rings) = (&sender.ladder, &sender.rings);
            let step = sender.media.run_timers(now, ladder, rings, &mut |_, _| {});
            step.keyframe_due
        };
        let due_s: Vec<u32> = (1..35).filter(is_due).collect();
        assert_eq!(due_s, expected_s);
    }
}

#[test]
fn packets_that_feedback_reports_as_lost_are_sent_again_on_a_path_with_loss() {
    for (lost_of_ten, expected) in [(0_u16, 0), (2, 2)] {
        let start = Instant::now();
        let mut sender = live(start);
        // Starts close monitoring, so that packets are numbered.
        sender.feedback(start, &[Feedback::Nack(vec![500])]);
        for seq in 1..=30 {
            sender.frame(start + seq * 33 * MS, u64::from(seq), false, 1);
        }
        let report = |from: u16, lost: &[u16]| {
            let each = (from..from + 10).map(|number| {
                let at = Duration::from_secs(100) + u32::from(number) * 33 * MS;
                match lost.contains(&number) {
                    true => Acknowledgement::lost(number),
                    false => Acknowledgement::received(number, Some(at), Ecn::NotEct),
                }
            });
            Feedback::Transport(each.collect())
        };
        let lost: Vec<u16> = (0..lost_of_ten).map(|index| 3 + index * 4).collect();
        let before = sender.sent;
        let (step, _) = sender.feedback(start + 1100 * MS, &[report(0, &lost)]);
        assert_eq!(step.resends, vec![ResendOutcome::Sent; expected]);
        assert_eq!(sender.sent, before + 2 * expected, "twice at once");
        let (step, _) = sender.feedback(start + 1101 * MS, &[Feedback::Nack(vec![7])]);
        let repeat = [ResendOutcome::Repeat];
        assert_eq!(step.resends == repeat, expected > 0, "{:?}", step.resends);
    }
}
