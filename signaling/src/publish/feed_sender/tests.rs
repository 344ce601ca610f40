//! The sender behind a simulated link on a virtual clock, with a server that sends transport-wide feedback, or only
//! receiver reports.

use std::collections::BTreeMap;

use lossy_link::{Conditions, Link};
use rtc::interceptor::Acknowledgement;
use rtc::rtcp::transport_feedbacks::cc_feedback_report::Ecn;

use super::*;
use crate::encode::encoder::default_renditions;
use crate::rtp::rtcp::ReportBlock;

const MS: Duration = Duration::from_millis(1);
const TRANSPORT_ID: u8 = 3;
const FEEDBACK_MS: u32 = 60;
const FRAME_MS: u32 = 33;
const PAYLOAD_BYTES: usize = 1100;
/// Size of a keyframe relative to other frames.
const KEYFRAME_FRAMES: usize = 10;

enum Datagram {
    Media(Packet),
    Report(u64),
}

struct Run {
    start: Instant,
    ms: u32,
    demand: Arc<Demand>,
    sender: FeedSender,
    link: Link<Datagram>,
    has_arrivals: bool,
    pictures: u64,
    /// What arrived since the last feedback: transport-wide number and time.
    arrived: BTreeMap<u16, Duration>,
    next_number: u16,
    /// For receiver reports: the highest sequence number, packets that arrived, and the last sender report.
    highest: Option<u16>,
    expected_before: Option<u16>,
    received: u32,
    sender_report: Option<(u32, u32)>,
    media_bytes: usize,
    media: Vec<Packet>,
}

fn terms(has_arrivals: bool) -> StreamTerms {
    StreamTerms {
        ssrc: 7,
        payload_type: 96,
        rtx: Some((8, 97)),
        playout_delay_id: None,
        transport_id: has_arrivals.then_some(TRANSPORT_ID),
        needs_regular_keyframes: true,
    }
}

fn limited(rate_bps: Option<u64>) -> Conditions {
    Conditions {
        delay: 20 * MS,
        rate_bps,
        ..Conditions::default()
    }
}

impl Run {
    fn new(has_arrivals: bool, rate_bps: Option<u64>) -> Self {
        let (start, demand) = (Instant::now(), Demand::new());
        let renditions = default_renditions();
        let sender = FeedSender::new(start, terms(has_arrivals), renditions, Arc::clone(&demand));
        demand.request_keyframe(RenditionId::MAIN);
        Self {
            start,
            ms: 0,
            demand,
            sender,
            link: Link::new(limited(rate_bps), 1),
            has_arrivals,
            pictures: 0,
            arrived: BTreeMap::new(),
            next_number: 0,
            highest: None,
            expected_before: None,
            received: 0,
            sender_report: None,
            media_bytes: 0,
            media: Vec::new(),
        }
    }

    fn limit(&mut self, rate_bps: Option<u64>) {
        self.link.change(self.now(), limited(rate_bps));
    }

    fn now(&self) -> Instant {
        self.start + self.ms * MS
    }

    fn go(&mut self, seconds: u32) -> &mut Self {
        self.media_bytes = 0;
        for _ in 0..seconds * 1000 {
            self.millisecond();
            self.ms += 1;
        }
        self
    }

    fn millisecond(&mut self) {
        let now = self.now();
        if self.ms.is_multiple_of(FRAME_MS) {
            self.pictures += 1;
            let watched = self.sender.watched();
            watched.into_iter().for_each(|id| self.encode(now, id));
        }
        if self.sender.due(now) <= now {
            self.sender.timers(now);
        }
        let outbox = self.sender.take(now);
        for packet in outbox.packets {
            let bytes = packet.payload.len() + 36;
            self.media_bytes += bytes;
            self.media.push(packet.clone());
            self.link.offer(now, bytes, Datagram::Media(packet));
        }
        if let Some(report) = outbox.report {
            self.link.offer(now, 60, Datagram::Report(report.ntp_time));
        }
        while let Some((_, datagram)) = self.link.take(now) {
            self.receive(datagram);
        }
        if self.has_arrivals && self.ms.is_multiple_of(FEEDBACK_MS) {
            self.send_arrivals(now);
        }
        if self.ms % 1000 == 999 {
            self.send_report(now);
        }
    }

    fn encode(&mut self, now: Instant, id: RenditionId) {
        let rendition = default_renditions()[id.index()];
        let every = u64::from(30 / rendition.fps);
        let is_keyframe = {
            let mut gate = self.demand.keyframe_gate(id);
            let due = gate.is_due(now);
            if due {
                gate.made(now);
            }
            due
        };
        if !is_keyframe && !self.pictures.is_multiple_of(every) {
            return;
        }
        let bps = self
            .demand
            .target_bitrate(id)
            .unwrap_or(rendition.bitrate_bps);
        let share = if is_keyframe { KEYFRAME_FRAMES } else { 1 };
        let bytes = (bps / 8 / rendition.fps) as usize * share;
        let packets = bytes.div_ceil(PAYLOAD_BYTES);
        let frame = EncodedFrame {
            rendition: id,
            keyframe: is_keyframe,
            frame_seq: self.pictures,
            captured_at: now,
            rtp_ticks: self.ms * 90 + id.index() as u32,
            payloads: vec![Bytes::from(vec![0; bytes / packets]); packets],
            bytes,
            trace: None,
        };
        self.sender.frame(now, Arc::new(frame));
    }

    fn receive(&mut self, datagram: Datagram) {
        match datagram {
            Datagram::Report(ntp) => {
                let [_, _, a, b, c, d, _, _] = ntp.to_be_bytes();
                self.sender_report = Some((u32::from_be_bytes([a, b, c, d]), self.ms));
            }
            Datagram::Media(packet) => {
                if let Some(number) = packet.header.get_extension(TRANSPORT_ID) {
                    let number = u16::from_be_bytes([number[0], number[1]]);
                    self.arrived.insert(number, self.ms * MS);
                }
                if packet.header.ssrc == 7 {
                    self.received += 1;
                    let number = packet.header.sequence_number;
                    self.highest = Some(self.highest.map_or(number, |highest| highest.max(number)));
                }
            }
        }
    }

    fn send_arrivals(&mut self, now: Instant) {
        let Some(last) = self.arrived.keys().next_back().copied() else {
            return;
        };
        let acknowledgements =
            (self.next_number..=last).map(|number| match self.arrived.get(&number) {
                Some(at) => Acknowledgement::received(number, Some(*at), Ecn::NotEct),
                None => Acknowledgement::lost(number),
            });
        let feedback = Feedback::Transport(acknowledgements.collect());
        self.sender.feedback(now, &feedback);
        (self.next_number, self.arrived) = (last + 1, BTreeMap::new());
    }

    fn send_report(&mut self, now: Instant) {
        let Some(highest) = self.highest else { return };
        let expected = self
            .expected_before
            .map_or(self.received, |before| u32::from(highest - before));
        let lost = expected.saturating_sub(self.received);
        let (last_sender_report, arrived_ms) = self.sender_report.unwrap_or_default();
        let report = Feedback::Report(ReportBlock {
            loss: lost as f32 / expected.max(1) as f32,
            last_sender_report,
            delay: (self.ms - arrived_ms) * 65_536 / 1000,
        });
        self.sender.feedback(now, &report);
        (self.expected_before, self.received) = (Some(highest), 0);
    }

    fn rendition(&self) -> usize {
        self.sender.sent_feed().rendition.index()
    }

    /// Of all that was sent in the last call of [`Self::go`].
    fn sent_bps(&self, seconds: usize) -> usize {
        self.media_bytes * 8 / seconds
    }
}

#[test]
fn a_good_network_gets_the_main_rendition_at_its_own_bitrate() {
    for has_arrivals in [true, false] {
        let mut run = Run::new(has_arrivals, Some(50_000_000));
        run.go(20);
        let sent = run.sender.sent_feed();
        assert_eq!((run.rendition(), sent.rendition_change), (0, None));
        assert_eq!(
            (
                sent.estimate_bps,
                run.demand.target_bitrate(RenditionId::MAIN)
            ),
            (None, None)
        );
        assert!(sent.sent_bps > 1_300_000, "{}", sent.sent_bps);
        assert!(
            sent.round_trip.is_some_and(|rtt| rtt < 100 * MS),
            "{:?}",
            sent.round_trip
        );
    }
}

#[test]
fn transport_wide_feedback_fits_what_is_sent_to_a_slow_network_and_back() {
    let mut run = Run::new(true, Some(500_000));
    run.go(5);
    assert!(run.rendition() > 0, "{:?}", run.sender.sent_feed());
    run.go(10);
    assert!(run.sent_bps(10) < 520_000, "{}", run.sent_bps(10));
    assert!(run.sent_bps(10) > 150_000, "{}", run.sent_bps(10));
    let overflowed = run.link.counters().overflowed;
    run.go(10);
    assert!(run.link.counters().overflowed - overflowed < 20);
    assert!(run.sender.sent_feed().rendition_change.is_some());
    run.limit(Some(50_000_000));
    run.go(12);
    assert_eq!(run.rendition(), 0, "{:?}", run.sender.sent_feed());
    assert_eq!(run.demand.target_bitrate(RenditionId::MAIN), None);
}

#[test]
fn receiver_reports_alone_do_so_too() {
    let mut run = Run::new(false, Some(400_000));
    run.go(15);
    assert!(run.rendition() > 0, "{:?}", run.sender.sent_feed());
    run.go(15);
    assert!(run.sent_bps(15) < 480_000, "{}", run.sent_bps(15));
    run.limit(Some(50_000_000));
    run.go(60);
    assert_eq!(run.rendition(), 0, "{:?}", run.sender.sent_feed());
}

#[test]
fn the_estimate_of_the_server_counts_where_there_is_no_transport_wide_feedback() {
    let mut run = Run::new(false, Some(50_000_000));
    run.go(3);
    run.sender.receiver_estimate(run.now(), 150_000);
    run.go(2);
    assert_eq!(run.rendition(), 2);
    let mut other = Run::new(true, Some(50_000_000));
    other.go(3);
    other.sender.receiver_estimate(other.now(), 150_000);
    other.go(2);
    assert_eq!(other.rendition(), 0);
}

#[test]
fn the_encoders_are_free_again_after_the_end() {
    let mut run = Run::new(true, Some(1_000_000));
    run.go(10);
    let watched = run.sender.watched();
    let limited = |run: &Run| {
        watched
            .iter()
            .any(|id| run.demand.stream_estimate(*id).is_some())
    };
    assert!(limited(&run), "{:?}", run.sender.sent_feed());
    let demand = Arc::clone(&run.demand);
    drop(run);
    assert!(
        watched
            .iter()
            .all(|id| demand.stream_estimate(*id).is_none())
    );
    assert!(
        watched
            .iter()
            .all(|id| demand.target_bitrate(*id).is_none())
    );
}

#[test]
fn viewers_of_the_station_have_their_say_about_the_bitrate() {
    let mut run = Run::new(true, Some(1_000_000));
    run.demand.change_viewers(RenditionId::MAIN, 0, 3);
    run.go(10);
    // The engine, which is not there, would set it.
    assert_eq!(run.demand.target_bitrate(RenditionId::MAIN), None);
    assert_eq!(
        run.rendition(),
        1,
        "the bitrate of the main rendition is too high for this network"
    );
}

#[test]
fn packets_are_numbered_without_gaps_and_retransmissions_have_their_own_stream() {
    let mut run = Run::new(true, None);
    run.go(1);
    let numbers: Vec<u16> = run
        .media
        .iter()
        .map(|packet| packet.header.sequence_number)
        .collect();
    assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1));
    assert!(numbers[0] < 1 << 15);
    let lost = numbers[numbers.len() - 5];
    run.sender.feedback(run.now(), &Feedback::Nack(vec![lost]));
    let again = run.sender.take(run.now()).packets;
    assert_eq!(again.len(), 1);
    assert_eq!(
        (again[0].header.ssrc, again[0].header.payload_type),
        (8, 97)
    );
    assert_eq!(again[0].payload[..2], lost.to_be_bytes());
}

#[test]
fn a_keyframe_request_is_passed_on() {
    let mut run = Run::new(true, None);
    run.go(2);
    run.sender.feedback(run.now(), &Feedback::Pli);
    assert_eq!(run.sender.take(run.now()).keyframe_requests, 1);
    assert!(
        run.demand
            .keyframe_gate(RenditionId::MAIN)
            .is_due(run.now())
    );
}

#[test]
fn a_server_that_records_or_passes_on_gets_a_keyframe_every_ten_seconds() {
    let mut run = Run::new(true, None);
    let mut made: Vec<Instant> = Vec::new();
    for second in 0..27 {
        if second == 5 {
            run.sender.feedback(run.now(), &Feedback::Pli);
        }
        run.go(1);
        let newest = run.sender.rings[0].keyframe_at();
        made.extend(newest.filter(|at| !made.contains(at)));
    }
    let seconds = |pair: &[Instant]| (pair[1] - pair[0]).as_secs_f64().round() as u32;
    let intervals: Vec<u32> = made.windows(2).map(seconds).collect();
    assert_eq!(
        intervals,
        [5, 10, 10],
        "10 s after the one that the server requested"
    );
}
