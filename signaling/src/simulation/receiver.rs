//! A model of a receiver as Chromium is one: it asks for lost packets again, reports arrival times, decodes a frame
//! that is complete and whose reference was decoded, and shows it after the playout delay.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use bytes::Bytes;
use rtc::interceptor::Acknowledgement;
use rtc::rtcp::transport_feedbacks::cc_feedback_report::Ecn;
use rtc::rtp::header::Header;

use super::{PLAYOUT_DELAY_ID, RTX_SSRC, TRANSPORT_ID};
use crate::rtp::rtcp::Feedback;

/// libwebrtc takes this round trip until it has measured one, which a receiver without media of its own does not.
const NACK_REPEAT: Duration = Duration::from_millis(100);
const NACK_TRIES: u32 = 10;
const NACKS_MAX: usize = 1000;
/// How long libwebrtc waits for a first keyframe, and for any frame, before it sends a PLI.
const KEYFRAME_WAIT: Duration = Duration::from_millis(200);
const FRAME_WAIT: Duration = Duration::from_secs(3);
const FEEDBACK_FIRST: Duration = Duration::from_millis(100);
const FEEDBACK_EVERY: Duration = Duration::from_millis(60);
const REPORT_EVERY: Duration = Duration::from_secs(1);

/// What the sender writes into the first bytes of each payload.
#[derive(Debug, Clone, Copy)]
pub(super) struct Label {
    pub(super) rendition: u8,
    pub(super) keyframe: bool,
    pub(super) index: u16,
    pub(super) count: u16,
}

impl Label {
    pub(super) const BYTES: usize = 6;

    pub(super) fn write(self, payload: &mut [u8]) {
        payload[0] = self.rendition;
        payload[1] = u8::from(self.keyframe);
        payload[2..4].copy_from_slice(&self.index.to_be_bytes());
        payload[4..6].copy_from_slice(&self.count.to_be_bytes());
    }

    fn read(payload: &[u8]) -> Self {
        let number = |at: usize| u16::from_be_bytes([payload[at], payload[at + 1]]);
        Self {
            rendition: payload[0],
            keyframe: payload[1] == 1,
            index: number(2),
            count: number(4),
        }
    }
}

/// A packet on its way, with the time it left.
pub(super) struct Datagram {
    pub(super) left: Instant,
    pub(super) header: Header,
    pub(super) payload: Bytes,
}

/// What the receiver sends back.
#[derive(Debug, Clone)]
pub(super) enum Message {
    Feedback(Feedback),
    /// Transport-wide feedback with its count.
    Arrivals(u8, Vec<Acknowledgement>),
    /// Loss since the last report, and the one-way delay of the newest packet.
    Report(f32, Duration),
}

struct Frame {
    label: Label,
    timestamp: u32,
    received: u16,
    /// The playout delay that its first packet carries, as libwebrtc takes it.
    delay: Option<Duration>,
}

/// A picture that was shown.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shown {
    pub(super) at: Instant,
    pub(super) rendition: u8,
}

pub(super) struct Receiver {
    start: Instant,
    newest: Option<u64>,
    /// Packets asked for: when last, and how often.
    missing: BTreeMap<u64, (Instant, u32)>,
    /// Of frames that have not been decoded.
    received_media: BTreeSet<u64>,
    /// By the number of the first packet.
    frames: BTreeMap<u64, Frame>,
    /// The number after the last decoded frame's.
    decoded_to: Option<u64>,
    waits_since: Instant,
    keyframe_packet_at: Option<Instant>,
    /// The smallest difference of arrival and timestamp.
    base: Option<Duration>,
    delay: Duration,
    pub(super) shown: Vec<Shown>,
    arrivals: BTreeMap<u64, Instant>,
    newest_transport: Option<u64>,
    feedback_count: u8,
    next_feedback: Instant,
    next_report: Instant,
    next_nacks: Instant,
    one_way: Duration,
    expected_before: u64,
    received: u64,
    received_before: u64,
    first_number: Option<u64>,
}

impl Receiver {
    pub(super) fn new(start: Instant, phase: Duration) -> Self {
        Self {
            start,
            newest: None,
            missing: BTreeMap::new(),
            received_media: BTreeSet::new(),
            frames: BTreeMap::new(),
            decoded_to: None,
            waits_since: start,
            keyframe_packet_at: None,
            base: None,
            delay: Duration::ZERO,
            shown: Vec::new(),
            arrivals: BTreeMap::new(),
            newest_transport: None,
            feedback_count: 0,
            next_feedback: start + phase,
            next_report: start + REPORT_EVERY + phase,
            next_nacks: start + phase,
            one_way: Duration::ZERO,
            expected_before: 0,
            received: 0,
            received_before: 0,
            first_number: None,
        }
    }

    /// Takes a packet that arrived at `now`.
    pub(super) fn take(&mut self, now: Instant, datagram: &Datagram, out: &mut Vec<Message>) {
        let Datagram {
            left,
            header,
            payload,
        } = datagram;
        self.one_way = now - *left;
        let mut delay = None;
        for extension in &header.extensions {
            match (extension.id, extension.payload.as_ref()) {
                (TRANSPORT_ID, [high, low]) => self.arrived(now, u16::from_be_bytes([*high, *low])),
                (PLAYOUT_DELAY_ID, [high, middle, _]) => {
                    let least = u64::from(*high) << 4 | u64::from(*middle >> 4);
                    delay = Some(Duration::from_millis(least * 10));
                }
                _ => {}
            }
        }
        if header.ssrc == RTX_SSRC {
            let number = extend(u16::from_be_bytes([payload[0], payload[1]]), self.newest);
            self.missing.remove(&number);
            let label = Label::read(&payload[2..]);
            self.packet(now, number, header.timestamp, label, delay);
        } else {
            let number = extend(header.sequence_number, self.newest);
            self.received += 1;
            self.first_number.get_or_insert(number);
            self.ask_for_gap(now, number, out);
            self.newest = self.newest.max(Some(number));
            self.packet(now, number, header.timestamp, Label::read(payload), delay);
        }
    }

    fn ask_for_gap(&mut self, now: Instant, number: u64, out: &mut Vec<Message>) {
        let Some(newest) = self.newest else { return };
        if number <= newest + 1 {
            return;
        }
        let gap = (newest + 1..number).filter(|number| !self.received_media.contains(number));
        let gap: Vec<u64> = gap.collect();
        let numbers = gap.iter().map(|one| *one as u16);
        out.push(Message::Feedback(Feedback::Nack(numbers.collect())));
        self.missing
            .extend(gap.into_iter().map(|one| (one, (now, 1))));
        if self.missing.len() > NACKS_MAX {
            self.missing.clear();
            out.push(Message::Feedback(Feedback::Pli));
        }
    }

    fn packet(
        &mut self,
        now: Instant,
        number: u64,
        timestamp: u32,
        label: Label,
        delay: Option<Duration>,
    ) {
        if label.keyframe {
            self.keyframe_packet_at = Some(now);
        }
        let first = number - u64::from(label.index);
        // One that has arrived already is padding, or another copy.
        let is_decoded = self.decoded_to.is_some_and(|to| first < to);
        if is_decoded || !self.received_media.insert(number) {
            return;
        }
        let frame = self.frames.entry(first).or_insert(Frame {
            label,
            timestamp,
            received: 0,
            delay: None,
        });
        frame.received += 1;
        if label.index == 0 {
            frame.delay = delay;
        }
        self.decode(now);
    }

    fn decode(&mut self, now: Instant) {
        loop {
            let complete = |frame: &Frame| frame.received >= frame.label.count;
            let next = self
                .decoded_to
                .filter(|to| self.frames.get(to).is_some_and(complete));
            let keyframe = || {
                let mut keyframes = self.frames.iter();
                let found = keyframes.find(|(_, frame)| frame.label.keyframe && complete(frame));
                found.map(|(first, _)| *first)
            };
            let Some(first) = next.or_else(keyframe) else {
                return;
            };
            let Some(frame) = self.frames.remove(&first) else {
                return;
            };
            let end = first + u64::from(frame.label.count);
            self.decoded_to = Some(end);
            self.frames = self.frames.split_off(&end);
            self.missing = self.missing.split_off(&end);
            self.received_media = self.received_media.split_off(&end);
            self.waits_since = now;
            self.show(now, &frame);
        }
    }

    fn show(&mut self, now: Instant, frame: &Frame) {
        self.delay = frame.delay.unwrap_or(self.delay);
        let taken = Duration::from_secs_f64(f64::from(frame.timestamp) / 90_000.0);
        let since = now - self.start;
        let base = self.base.get_or_insert(since.saturating_sub(taken));
        *base = (*base).min(since.saturating_sub(taken));
        let wanted = self.start + *base + taken + self.delay;
        let after = self.shown.last().map_or(now, |last| last.at);
        // libwebrtc shows the first picture at once.
        let at = match self.delay.is_zero() || self.shown.is_empty() {
            true => now,
            false => wanted.max(now),
        };
        self.shown.push(Shown {
            at: at.max(after),
            rendition: frame.label.rendition,
        });
    }

    fn arrived(&mut self, now: Instant, number: u16) {
        let number = extend(number, self.newest_transport);
        self.newest_transport = self.newest_transport.max(Some(number));
        self.arrivals.insert(number, now);
    }

    /// Sends what is due.
    pub(super) fn tick(&mut self, now: Instant, out: &mut Vec<Message>) {
        if now >= self.next_feedback {
            let first = now < self.start + 5 * FEEDBACK_FIRST;
            self.next_feedback = now
                + if first {
                    FEEDBACK_FIRST
                } else {
                    FEEDBACK_EVERY
                };
            self.report_arrivals(out);
        }
        if now >= self.next_nacks {
            self.next_nacks = now + Duration::from_millis(20);
            self.repeat_nacks(now, out);
        }
        if now >= self.next_report {
            self.next_report = now + REPORT_EVERY;
            self.report(out);
        }
        let waited = now - self.waits_since;
        let (first, patience) = match self.decoded_to {
            None => (true, KEYFRAME_WAIT),
            Some(_) => (false, FRAME_WAIT),
        };
        // A keyframe that is arriving is not asked for.
        let recent = |at: Instant| now - at < KEYFRAME_WAIT;
        let arrives = self.keyframe_packet_at.is_some_and(recent);
        if waited >= patience && !arrives && (!first || self.newest.is_some()) {
            self.waits_since = now;
            out.push(Message::Feedback(Feedback::Pli));
        }
    }

    fn report_arrivals(&mut self, out: &mut Vec<Message>) {
        let Some(newest) = self.newest_transport else {
            return;
        };
        // libwebrtc begins with the first packet that arrived.
        let Some((from, _)) = self.arrivals.first_key_value() else {
            return;
        };
        let all: Vec<Acknowledgement> = (*from..=newest)
            .map(|number| match self.arrivals.get(&number) {
                Some(at) => {
                    let at = Some(*at - self.start + Duration::from_secs(100));
                    Acknowledgement::received(number as u16, at, Ecn::NotEct)
                }
                None => Acknowledgement::lost(number as u16),
            })
            .collect();
        self.arrivals.clear();
        out.push(Message::Arrivals(self.feedback_count, all));
        self.feedback_count = self.feedback_count.wrapping_add(1);
    }

    fn repeat_nacks(&mut self, now: Instant, out: &mut Vec<Message>) {
        let mut again = Vec::new();
        self.missing.retain(|number, (at, tries)| {
            if now - *at >= NACK_REPEAT {
                (*at, *tries) = (now, *tries + 1);
                again.push(*number as u16);
            }
            *tries <= NACK_TRIES
        });
        if !again.is_empty() {
            out.push(Message::Feedback(Feedback::Nack(again)));
        }
    }

    fn report(&mut self, out: &mut Vec<Message>) {
        let (Some(first), Some(newest)) = (self.first_number, self.newest) else {
            return;
        };
        let expected = newest + 1 - first;
        let (more, came) = (
            expected - self.expected_before,
            self.received - self.received_before,
        );
        (self.expected_before, self.received_before) = (expected, self.received);
        let lost = 1.0 - came as f32 / more.max(1) as f32;
        out.push(Message::Report(lost.clamp(0.0, 1.0), self.one_way));
    }
}

/// The number nearest to `newest` with these low 16 bits.
fn extend(number: u16, newest: Option<u64>) -> u64 {
    let Some(newest) = newest else {
        return (1 << 16) + u64::from(number);
    };
    let ahead = number.wrapping_sub(newest as u16).cast_signed();
    newest.saturating_add_signed(i64::from(ahead))
}
