//! The sender of the simulation: what an [`Audience`](crate::engine) does for its viewers, without their transport.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use rtc::rtp::header::Header;

use super::conditions::Network;
use super::frame_sizes::Source;
use super::receiver::{Datagram, Label, Message};
use super::{MEDIA_SSRC, PLAYOUT_DELAY_ID, RTX_SSRC, TRANSPORT_ID};
use crate::congestion::{RenditionChoice, Rung, ladder, targets};
use crate::encode::encoder::{Rendition, RenditionId, default_renditions};
use crate::encode::frame_queue::EncodedFrame;
use crate::encode::keyframes::KeyframeGate;
use crate::encode::pace::{Pace, pace};
use crate::fanout::media_sender::{MediaSender, Phase};
use crate::fanout::packet_ring::PacketRing;
use crate::fanout::rtp_stream::{RtpStream, StreamTerms};
use crate::metrics::{RenditionChange, ResendOutcome};
use crate::rtp::packetise::MAX_PAYLOAD_BYTES;

/// Scaling, encoding, and the queue to the engine.
const ENCODE: Duration = Duration::from_millis(12);
const RETARGET_EVERY: Duration = Duration::from_millis(500);

pub(super) struct Station {
    source: &'static Source,
    renditions: Vec<Rendition>,
    viewers: Vec<MediaSender>,
    /// Viewers on good networks who watch the main rendition.
    others: usize,
    rings: Vec<PacketRing>,
    gates: Vec<KeyframeGate>,
    watched: Vec<bool>,
    ladder: Vec<Rung>,
    pictures: u64,
    encoded: VecDeque<(Instant, Arc<EncodedFrame>)>,
    next_picture: Instant,
    retarget_at: Instant,
    start: Instant,
    /// What leaves, and for which viewer.
    pub(super) out: Vec<(usize, Datagram)>,
    pub(super) causes: Vec<(Duration, usize, RenditionChange)>,
    pub(super) padding: usize,
    pub(super) resent: usize,
    pub(super) late: usize,
    pub(super) keyframes: usize,
}

impl Station {
    /// All viewers have connected at `now`.
    pub(super) fn new(now: Instant, source: &'static Source, network: &Network) -> Self {
        let renditions = default_renditions();
        let terms = StreamTerms {
            ssrc: MEDIA_SSRC,
            payload_type: 102,
            rtx: Some((RTX_SSRC, 103)),
            playout_delay_id: Some(PLAYOUT_DELAY_ID),
            transport_id: Some(TRANSPORT_ID),
        };
        let viewer = |_| {
            let rtp = RtpStream::new(terms, 0);
            let mut media = MediaSender::new(now, rtp, RenditionChoice::Auto, RenditionId::MAIN);
            media.phase = Phase::Awaiting;
            media
        };
        let mut gates: Vec<KeyframeGate> = Vec::new();
        gates.resize_with(renditions.len(), KeyframeGate::default);
        gates[0].request();
        Self {
            source,
            viewers: (0..network.viewers).map(viewer).collect(),
            others: network.others,
            rings: renditions.iter().map(|_| PacketRing::default()).collect(),
            gates,
            watched: vec![false; renditions.len()],
            ladder: ladder(&renditions),
            renditions,
            pictures: 0,
            encoded: VecDeque::new(),
            next_picture: now,
            retarget_at: now + RETARGET_EVERY,
            start: now,
            out: Vec::new(),
            causes: Vec::new(),
            padding: 0,
            resent: 0,
            late: 0,
            keyframes: 0,
        }
    }

    /// Does everything that is due.
    pub(super) fn tick(&mut self, now: Instant) {
        if now >= self.next_picture {
            self.next_picture += Duration::from_micros(33_333);
            self.encode(now);
            self.pictures += 1;
        }
        while self.encoded.front().is_some_and(|(at, _)| *at <= now) {
            if let Some((_, frame)) = self.encoded.pop_front() {
                self.frame(now, frame);
            }
        }
        (0..self.viewers.len()).for_each(|viewer| self.timers(now, viewer));
        if now >= self.retarget_at {
            self.retarget(now);
        }
    }

    fn encode(&mut self, now: Instant) {
        for index in 0..self.renditions.len() {
            let id = self.renditions[index].id;
            let fps = self.pace(index).fps;
            let watched = self.others > 0 && id == RenditionId::MAIN
                || self
                    .viewers
                    .iter()
                    .any(|media| media.rendition == id || media.next == Some(id));
            if watched && !self.watched[index] {
                self.gates[index].started(now);
            }
            self.watched[index] = watched;
            let keyframe = self.gates[index].is_due(now);
            let every = u64::from(30 / fps.max(1)).max(1);
            if !watched || (!keyframe && !self.pictures.is_multiple_of(every)) {
                continue;
            }
            if keyframe {
                self.gates[index].made(now);
                self.keyframes += 1;
            }
            let frame = self.encoded_frame(now, index, keyframe);
            self.encoded.push_back((now + ENCODE, Arc::new(frame)));
        }
    }

    fn pace(&self, index: usize) -> Pace {
        let Rung {
            nominal_bps,
            target_bps,
            ..
        } = self.ladder[index];
        let is_smallest = index + 1 == self.renditions.len();
        pace(
            self.renditions[index].fps,
            nominal_bps,
            target_bps,
            is_smallest,
        )
    }

    fn encoded_frame(&self, now: Instant, index: usize, keyframe: bool) -> EncodedFrame {
        let number = usize::try_from(self.pictures).unwrap_or(0);
        let pace = self.pace(index);
        let bps = if keyframe {
            pace.keyframe_bps
        } else {
            pace.encoder_bps
        };
        let bytes = self.source.renditions[index].bytes(bps, keyframe, number);
        let packets = bytes.div_ceil(MAX_PAYLOAD_BYTES);
        let payloads: Vec<Bytes> = (0..packets)
            .map(|packet| {
                let length = (bytes - packet * MAX_PAYLOAD_BYTES).min(MAX_PAYLOAD_BYTES);
                let mut payload = vec![0; length.max(Label::BYTES)];
                let label = Label {
                    rendition: index as u8,
                    keyframe,
                    index: packet as u16,
                    count: packets as u16,
                };
                label.write(&mut payload);
                Bytes::from(payload)
            })
            .collect();
        let since = now - self.start;
        EncodedFrame {
            rendition: self.renditions[index].id,
            keyframe,
            frame_seq: self.pictures,
            captured_at: now,
            rtp_ticks: (since.as_secs_f64() * 90_000.0) as u32 + index as u32,
            bytes: payloads.iter().map(Bytes::len).sum(),
            payloads,
            trace: None,
        }
    }

    fn frame(&mut self, now: Instant, frame: Arc<EncodedFrame>) {
        let (rendition, keyframe) = (frame.rendition, frame.keyframe);
        if keyframe {
            self.gates[rendition.index()].arrived(frame.rtp_ticks);
        }
        let entry = self.rings[rendition.index()].push(frame, now);
        for (viewer, media) in self.viewers.iter_mut().enumerate() {
            if media.admit(rendition, keyframe).is_sent {
                let sink = &mut sink(&mut self.out, viewer, now);
                media.write_frame(now, entry.clone(), sink);
            }
        }
    }

    fn timers(&mut self, now: Instant, viewer: usize) {
        let media = &mut self.viewers[viewer];
        if media.pli_backoff.forward_delayed(now) {
            self.gates[media.rendition.index()].request();
        }
        if media.phase != Phase::Live {
            return;
        }
        let dropped = media.drop_late(now);
        if dropped > 0 {
            self.late += dropped;
            self.apply_estimate(now, viewer, false);
            let media = &mut self.viewers[viewer];
            if media.needs_keyframe_after_drop(now) {
                self.gates[media.rendition.index()].request();
            }
            return;
        }
        media.write_queued(now, &mut sink(&mut self.out, viewer, now));
        let padding = media.control.padding(now);
        if padding > 0 {
            self.padding += padding;
            let ring = &self.rings[media.rendition.index()];
            let sink = &mut sink(&mut self.out, viewer, now);
            media.write_padding(now, padding, ring, sink);
        }
        if media.control.due(now).is_some_and(|due| due <= now) {
            let current = media.rendition;
            let changed = media.control.tick(now, &self.ladder, current);
            self.apply_estimate(now, viewer, changed);
        }
    }

    fn apply_estimate(&mut self, now: Instant, viewer: usize, changed: bool) {
        if changed {
            self.retarget(now);
        }
        let Some(change) = self.viewers[viewer].reconsider(now, &self.ladder) else {
            return;
        };
        self.retarget(now);
        let since = now - self.start;
        self.causes.push((since, change.to.index(), change.cause));
        if change.needs_keyframe {
            self.gates[change.to.index()].request();
        }
    }

    fn retarget(&mut self, now: Instant) {
        let estimates = self.viewers.iter().flat_map(MediaSender::estimates);
        let others = std::iter::repeat_n((RenditionId::MAIN, None), self.others);
        targets(&mut self.ladder, estimates.chain(others));
        self.retarget_at = now + RETARGET_EVERY;
    }

    /// Takes what a viewer sent.
    pub(super) fn receive(&mut self, now: Instant, viewer: usize, message: Message) {
        let media = &mut self.viewers[viewer];
        let (mut needs_keyframe, mut has_arrivals, mut changed) = (false, false, false);
        match message {
            Message::Pli => needs_keyframe = true,
            Message::Nack(numbers) => {
                media.control.start_monitoring(now);
                for number in numbers {
                    let rings = &self.rings;
                    let find = |id: RenditionId, number| rings[id.index()].packet(number);
                    let sink = &mut sink(&mut self.out, viewer, now);
                    let outcome = media.resend(now, number, find, sink);
                    self.resent += usize::from(outcome == ResendOutcome::Sent);
                    needs_keyframe |= outcome == ResendOutcome::Exhausted;
                }
            }
            Message::Report(loss, round_trip) => {
                media.round_trip = Some(round_trip);
                media.control.report(now, loss, Some(round_trip));
            }
            Message::Transport(acknowledgements) => {
                has_arrivals = true;
                changed = media.control.feedback(now, &acknowledgements);
            }
        }
        if needs_keyframe {
            media.control.start_monitoring(now);
            if media.needs_keyframe(now) {
                self.gates[media.rendition.index()].request();
            }
        }
        if has_arrivals {
            self.apply_estimate(now, viewer, changed);
        }
    }

    /// The estimate of the first viewer.
    pub(super) fn estimate_bps(&self) -> Option<u32> {
        self.viewers[0].control.estimate_bps()
    }
}

fn sink(
    out: &mut Vec<(usize, Datagram)>,
    viewer: usize,
    now: Instant,
) -> impl FnMut(&Header, &[u8]) + use<'_> {
    move |header, payload| {
        let datagram = Datagram {
            left: now,
            header: header.clone(),
            payload: Bytes::copy_from_slice(payload),
        };
        out.push((viewer, datagram));
    }
}
