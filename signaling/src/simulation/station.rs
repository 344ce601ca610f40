//! The sender of the simulation: what an [`Audience`](crate::engine) does for its viewers, without their transport.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use rtc::rtp::header::Header;

use super::conditions::Network;
use super::frame_sizes::Source;
use super::receiver::{Datagram, Label, Message};
use super::{MEDIA_SSRC, PLAYOUT_DELAY_ID, RTX_SSRC, TRANSPORT_ID};
use crate::congestion::{RenditionChoice, Rung, share_bps};
use crate::encode::demand::Demand;
use crate::encode::encoder::{RenditionId, default_renditions};
use crate::encode::frame_queue::EncodedFrame;
use crate::encode::pace::{FrameRateControl, Pace};
use crate::fanout::encoder_targets::EncoderTargets;
use crate::fanout::media_sender::step::Step;
use crate::fanout::media_sender::{MediaSender, Phase};
use crate::fanout::packet_ring::{PacketRing, starts_from_cache};
use crate::fanout::rtp_stream::{RtpStream, StreamTerms};
use crate::metrics::{RenditionChange, ResendOutcome};
use crate::rtp::clock::ReportClock;
use crate::rtp::feedback_gap::FeedbackGap;
use crate::rtp::packetise::MAX_PAYLOAD_BYTES;
use crate::rtp::rtcp::Feedback;

/// Scaling, encoding, and the queue to the engine.
const ENCODE: Duration = Duration::from_millis(12);

/// OpenH264 follows a lower bitrate over some frames: halved, the first three frames take 1.2 to 1.8 times the new target,
/// the next three 0.8 to 1.5 (clip and scene, 720p and 360p). This share of the difference goes with each frame.
const FOLLOWED_PER_FRAME: f64 = 0.37;

/// With each seed, viewers come this many pictures later in the source, which has a cut every two seconds.
const SEED_SIZES: usize = 7;

/// Round trips from a viewer's first connectivity check, with which encoding begins, to the end of its DTLS handshake.
const ROUND_TRIPS_TO_CONNECT: u32 = 3;

pub(super) struct Station {
    source: &'static Source,
    viewers: Vec<MediaSender>,
    gaps: Vec<FeedbackGap>,
    /// Viewers on good networks who watch the main rendition.
    others: usize,
    rings: Vec<PacketRing>,
    demand: Arc<Demand>,
    targets: EncoderTargets,
    clock: ReportClock,
    watched: Vec<bool>,
    frame_rate: Vec<FrameRateControl>,
    /// What each encoder spends at present.
    spent_bps: Vec<u32>,
    pictures: u64,
    /// The place in the pattern of sizes of the first picture.
    first_size: usize,
    encoded: VecDeque<(Instant, Arc<EncodedFrame>)>,
    next_picture: Instant,
    retarget_at: Instant,
    start: Instant,
    /// When each viewer connects.
    connects_at: Vec<Option<Instant>>,
    /// Whether viewers have one bottleneck.
    is_path_shared: bool,
    /// What leaves, and for which viewer.
    pub(super) out: Vec<(usize, Datagram)>,
    pub(super) causes: Vec<(Duration, usize, RenditionChange)>,
    pub(super) padding: usize,
    pub(super) resent: usize,
    pub(super) late: usize,
    pub(super) keyframes: usize,
}

impl Station {
    /// The first connectivity checks of all viewers come at `now`.
    pub(super) fn new(
        now: Instant,
        source: &'static Source,
        network: &Network,
        seed: usize,
    ) -> Self {
        let renditions = default_renditions();
        let terms = StreamTerms {
            ssrc: MEDIA_SSRC,
            payload_type: 102,
            rtx: Some((RTX_SSRC, 103)),
            playout_delay_id: Some(PLAYOUT_DELAY_ID),
            transport_id: Some(TRANSPORT_ID),
            needs_regular_keyframes: false,
        };
        let viewer = |_| {
            let rtp = RtpStream::new(terms, 0);
            let mut media = MediaSender::new(now, rtp, RenditionChoice::Auto, RenditionId::MAIN);
            media
                .control
                .set_idle_round_trip(network.down.delay + network.up().delay);
            media
        };
        let demand = Demand::new();
        demand.request_keyframe(RenditionId::MAIN);
        Self {
            source,
            viewers: (0..network.viewers).map(viewer).collect(),
            gaps: (0..network.viewers)
                .map(|_| FeedbackGap::default())
                .collect(),
            others: network.others,
            rings: renditions.iter().map(|_| PacketRing::default()).collect(),
            watched: vec![false; renditions.len()],
            frame_rate: (1..=renditions.len())
                .map(|rung| {
                    FrameRateControl::new(renditions[rung - 1].fps, rung == renditions.len())
                })
                .collect(),
            spent_bps: vec![0; renditions.len()],
            targets: EncoderTargets::new(Arc::clone(&demand), renditions),
            demand,
            clock: ReportClock::new(now, SystemTime::UNIX_EPOCH),
            pictures: 0,
            first_size: seed * SEED_SIZES,
            encoded: VecDeque::new(),
            next_picture: now,
            retarget_at: now + Duration::from_millis(500),
            start: now,
            connects_at: (0..network.viewers as u32)
                .map(|viewer| {
                    let round_trip = network.down.delay + network.up().delay;
                    let joins = now + network.joins_apart * viewer;
                    Some(joins + ROUND_TRIPS_TO_CONNECT * round_trip)
                })
                .collect(),
            is_path_shared: network.is_shared,
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
        for viewer in 0..self.viewers.len() {
            let connects_at = &mut self.connects_at[viewer];
            if connects_at.take_if(|at| *at <= now).is_some() {
                self.connected(now, viewer);
            }
        }
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

    /// What `Audience::start` does.
    fn connected(&mut self, now: Instant, viewer: usize) {
        self.viewers[viewer].phase = Phase::Awaiting;
        let others = self.viewers.iter().filter(|_| self.is_path_shared);
        let known = others.filter_map(|media| media.path_limit(now));
        if let Some(bps) = share_bps(known) {
            self.viewers[viewer].control.start_limited(now, bps);
            self.settle(now, viewer, &Step::estimate_changed());
        }
        let media = &mut self.viewers[viewer];
        if media.next.is_some() {
            return;
        }
        let ring = &self.rings[media.rendition.index()];
        let round_trip = media.control.idle_round_trip();
        if !starts_from_cache(self.start, now, round_trip, ring.keyframe_at()) {
            self.demand.request_start(media.rendition);
            return;
        }
        media.phase = Phase::Live;
        let sink = &mut sink(&mut self.out, viewer, now);
        for entry in ring.since_keyframe() {
            media.write_frame(now, entry.clone(), sink);
        }
    }

    fn encode(&mut self, now: Instant) {
        for index in 0..self.rings.len() {
            let id = self.targets.ladder()[index].id;
            let pace = self.pace(now, index);
            let watched = self.others > 0 && id == RenditionId::MAIN
                || self
                    .viewers
                    .iter()
                    .any(|media| media.rendition == id || media.next == Some(id));
            let mut gate = self.demand.keyframe_gate(id);
            if watched && !self.watched[index] {
                gate.started(now);
            }
            self.watched[index] = watched;
            let keyframe = gate.is_due(now);
            let every = u64::from(30 / pace.fps.max(1)).max(1);
            if !watched || (!keyframe && !self.pictures.is_multiple_of(every)) {
                continue;
            }
            if keyframe {
                gate.made(now);
                self.keyframes += 1;
            }
            drop(gate);
            let frame = self.encoded_frame(now, index, pace, keyframe);
            self.encoded.push_back((now + ENCODE, Arc::new(frame)));
        }
    }

    fn pace(&mut self, now: Instant, index: usize) -> Pace {
        let Rung {
            nominal_bps,
            target_bps,
            ..
        } = self.targets.ladder()[index];
        self.frame_rate[index].pace(now, nominal_bps, target_bps)
    }

    fn encoded_frame(
        &mut self,
        now: Instant,
        index: usize,
        pace: Pace,
        keyframe: bool,
    ) -> EncodedFrame {
        let number = self.first_size + usize::try_from(self.pictures).unwrap_or(0);
        let excess_bps = self.spent_bps[index].saturating_sub(pace.encoder_bps);
        let excess_bps = (f64::from(excess_bps) * (1.0 - FOLLOWED_PER_FRAME)) as u32;
        self.spent_bps[index] = pace.encoder_bps + excess_bps;
        let bps = if keyframe {
            pace.keyframe_bps
        } else {
            self.spent_bps[index]
        };
        let recorded = self.source.renditions[index].bytes(bps, keyframe, number);
        let bytes = recorded * self.source.size_percent / 100;
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
            rendition: self.targets.renditions()[index].id,
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
        let rendition = frame.rendition;
        if frame.keyframe {
            let mut gate = self.demand.keyframe_gate(rendition);
            gate.arrived(frame.rtp_ticks);
        }
        let entry = self.rings[rendition.index()].push(frame, now);
        for (viewer, media) in self.viewers.iter_mut().enumerate() {
            media.frame(now, &entry, &mut sink(&mut self.out, viewer, now));
        }
    }

    fn timers(&mut self, now: Instant, viewer: usize) {
        let (ladder, media) = (self.targets.ladder(), &mut self.viewers[viewer]);
        let out = &mut self.out;
        let step = media.run_timers(now, ladder, &self.rings, &mut sink(out, viewer, now));
        self.settle(now, viewer, &step);
    }

    /// Takes what a viewer sent.
    pub(super) fn receive(&mut self, now: Instant, viewer: usize, message: &Message) {
        let (media, mut step) = (&mut self.viewers[viewer], Step::default());
        match message {
            Message::Report(loss, round_trip) => {
                media.receiver_report(now, *loss, Some(*round_trip));
            }
            Message::Feedback(feedback) => {
                let sink = &mut sink(&mut self.out, viewer, now);
                media.feedback(now, feedback, &self.clock, &self.rings, sink, &mut step);
            }
            Message::Arrivals(count, packets) => {
                let mut packets = packets.clone();
                self.gaps[viewer].fill(*count, &mut packets);
                let (feedback, sink) = (
                    Feedback::Transport(packets),
                    &mut sink(&mut self.out, viewer, now),
                );
                media.feedback(now, &feedback, &self.clock, &self.rings, sink, &mut step);
            }
        }
        self.settle(now, viewer, &step);
    }

    fn settle(&mut self, now: Instant, viewer: usize, step: &Step) {
        self.late += step.late;
        self.padding += step.padding;
        let resends = step.resends.iter();
        self.resent += resends.filter(|one| **one == ResendOutcome::Sent).count();
        if step.estimate_changed {
            self.retarget(now);
        }
        let settled = self.viewers[viewer].settle(now, self.targets.ladder(), step);
        if let Some(change) = &settled.change {
            let since = now - self.start;
            self.causes.push((since, change.to.index(), change.cause));
            self.retarget(now);
        }
        for rendition in settled.keyframes() {
            self.demand.request_keyframe(rendition);
        }
    }

    fn retarget(&mut self, now: Instant) {
        let viewers = self.viewers.iter();
        let estimates = viewers.flat_map(|media| media.estimates(now));
        let others = std::iter::repeat_n((RenditionId::MAIN, None), self.others);
        self.retarget_at = self.targets.update(now, estimates.chain(others));
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
