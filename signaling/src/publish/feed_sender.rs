//! What is sent to the WHIP server: one viewer's media and its congestion control, fed by the server's feedback. Pure but
//! for [`Demand`]: time is an argument, and packets are collected for whoever sends them.

mod sent_rate;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use rtc::rtcp::sender_report::SenderReport;
use rtc::rtp::Packet;
use rtc::rtp::header::Header;

use self::sent_rate::SentRate;
use crate::congestion::RenditionChoice;
use crate::encode::demand::Demand;
use crate::encode::encoder::{Rendition, RenditionId};
use crate::encode::frame_queue::EncodedFrame;
use crate::fanout::encoder_targets::EncoderTargets;
use crate::fanout::media_sender::step::Step;
use crate::fanout::media_sender::{MediaSender, Phase};
use crate::fanout::packet_ring::PacketRing;
use crate::fanout::rtp_stream::{RtpStream, StreamTerms};
use crate::metrics::RenditionChange;
use crate::rtp::clock::ReportClock;
use crate::rtp::rtcp::Feedback;

/// What a WHIP server is sent.
#[derive(Debug, Clone, PartialEq)]
pub struct SentFeed {
    /// The rendition.
    pub rendition: RenditionId,
    /// Why that last changed; `None`: it has not changed yet.
    pub rendition_change: Option<RenditionChange>,
    /// Bits a second of late, with headers and retransmissions.
    pub sent_bps: u32,
    /// The bandwidth estimate in bits a second; `None`: no limit is known.
    pub estimate_bps: Option<u32>,
    /// Share of packets lost in the server's last report, 0 to 1.
    pub loss: Option<f32>,
    /// Round trip in the server's last report.
    pub round_trip: Option<Duration>,
}

/// What is to be done outside.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    pub(super) packets: Vec<Packet>,
    pub(super) report: Option<SenderReport>,
    /// Keyframes that the server asked for.
    pub(super) keyframe_requests: u64,
    /// Frames that waited too long.
    pub(super) dropped: u64,
}

pub(super) struct FeedSender {
    media: MediaSender,
    /// One of each rendition.
    rings: Vec<PacketRing>,
    targets: EncoderTargets,
    demand: Arc<Demand>,
    clock: ReportClock,
    /// Whether the server sends transport-wide feedback.
    has_arrivals: bool,
    rate: SentRate,
    retarget_at: Instant,
    outbox: Outbox,
}

impl FeedSender {
    /// The connection is up. `renditions`: largest first.
    pub(super) fn new(
        now: Instant,
        terms: StreamTerms,
        renditions: Vec<Rendition>,
        demand: Arc<Demand>,
    ) -> Self {
        // The upper half of the numbers is unused at first, so that the first wrap-around, which both roll-over counters
        // (SRTP, RFC 3711 3.3.1) must notice, is not near the start.
        let random = rand::random::<u64>() >> 1;
        let rtp = RtpStream::new(terms, random);
        let first = renditions.first().map_or(RenditionId::MAIN, |one| one.id);
        let mut media = MediaSender::new(now, rtp, RenditionChoice::Auto, first);
        media.phase = Phase::Awaiting;
        let has_arrivals = terms.transport_id.is_some();
        if !has_arrivals {
            media.control.rely_on_reports();
        }
        Self {
            media,
            rings: renditions.iter().map(|_| PacketRing::default()).collect(),
            targets: EncoderTargets::new(Arc::clone(&demand), renditions),
            demand,
            clock: ReportClock::new(now, SystemTime::now()),
            has_arrivals,
            rate: SentRate::new(now),
            retarget_at: now,
            outbox: Outbox::default(),
        }
    }

    /// The renditions whose frames it takes: the present one, and the next one during a change.
    pub(super) fn watched(&self) -> Vec<RenditionId> {
        let both = [Some(self.media.rendition), self.media.next];
        both.into_iter().flatten().collect()
    }

    /// A new frame of a watched rendition.
    pub(super) fn frame(&mut self, now: Instant, frame: Arc<EncodedFrame>) {
        let Some(ring) = self.rings.get_mut(frame.rendition.index()) else {
            return;
        };
        let entry = ring.push(frame, now);
        let mut sink = sink(&mut self.outbox.packets);
        self.media.frame(now, &entry, &mut sink);
    }

    /// Does everything that is due.
    pub(super) fn timers(&mut self, now: Instant) {
        if now >= self.retarget_at {
            self.retarget(now);
        }
        let report = self.media.sender_report(now, &self.clock, &self.rings);
        self.outbox.report = report.or(self.outbox.report.take());
        let mut sink = sink(&mut self.outbox.packets);
        let ladder = self.targets.ladder();
        let step = self.media.run_timers(now, ladder, &self.rings, &mut sink);
        drop(sink);
        self.settle(now, &step);
    }

    /// When [`Self::timers`] is due next.
    pub(super) fn due(&self, now: Instant) -> Instant {
        let media = self.media.due(now);
        media.map_or(self.retarget_at, |due| due.min(self.retarget_at))
    }

    /// Handles the server's feedback.
    pub(super) fn feedback(&mut self, now: Instant, feedback: &Feedback) {
        let mut step = Step::default();
        let mut sink = sink(&mut self.outbox.packets);
        let (clock, rings) = (&self.clock, &self.rings);
        self.media
            .feedback(now, feedback, clock, rings, &mut sink, &mut step);
        drop(sink);
        match feedback {
            Feedback::Pli | Feedback::Fir => self.outbox.keyframe_requests += 1,
            Feedback::Report(report) if !self.has_arrivals => {
                let round_trip = report.round_trip(self.clock.ntp_middle(now));
                let sent = self.rate.since_report(now);
                let control = &mut self.media.control;
                step.estimate_changed = control.report_alone(now, (report.loss, round_trip), sent);
                step.reconsiders = true;
            }
            _ => {}
        }
        self.settle(now, &step);
    }

    /// Handles the server's own estimate (REMB).
    pub(super) fn receiver_estimate(&mut self, now: Instant, bps: u32) {
        let mut step = Step::reconsider();
        step.estimate_changed = self.media.control.receiver_estimate(now, bps);
        self.settle(now, &step);
    }

    /// What is to be done outside since the last call.
    pub(super) fn take(&mut self, now: Instant) -> Outbox {
        self.rate.add(now, &self.outbox.packets);
        std::mem::take(&mut self.outbox)
    }

    pub(super) fn sent_feed(&self) -> SentFeed {
        SentFeed {
            rendition: self.media.rendition,
            rendition_change: self.media.rendition_change,
            sent_bps: self.rate.bps(),
            estimate_bps: self.media.control.estimate_bps(),
            loss: self.media.loss,
            round_trip: self.media.round_trip,
        }
    }

    fn settle(&mut self, now: Instant, step: &Step) {
        self.outbox.dropped += step.late as u64;
        if step.estimate_changed {
            self.retarget(now);
        }
        let settled = self.media.settle(now, self.targets.ladder(), step);
        if let Some(change) = &settled.change {
            tracing::info!(
                from = self.targets.name(change.from),
                to = self.targets.name(change.to),
                cause = change.cause.as_str(),
                "the published rendition changes"
            );
            self.retarget(now);
        }
        for rendition in settled.keyframes() {
            self.demand.request_keyframe(rendition);
        }
    }

    /// Tells the encoders what the server can take. The engine sets their bitrates where it has viewers, too.
    fn retarget(&mut self, now: Instant) {
        self.retarget_at = self.targets.update(now, self.media.estimates(now));
        let watched = self.watched();
        let estimate_bps = self.media.control.media_bps();
        for rung in self.targets.ladder_mut() {
            let known = estimate_bps.filter(|_| watched.contains(&rung.id));
            self.demand.set_stream_estimate(rung.id, known);
            let has_viewers = self.demand.viewers(rung.id) > self.demand.stream_leases(rung.id);
            if has_viewers {
                let target = self.demand.target_bitrate(rung.id);
                rung.target_bps = target.unwrap_or(rung.nominal_bps);
                rung.needs_bps = rung.target_bps;
            }
        }
        if !self.demand.engine_is_watched() {
            self.targets.publish();
        }
    }
}

/// The encoders owe it nothing any more.
impl Drop for FeedSender {
    fn drop(&mut self) {
        let by_engine = self.demand.engine_is_watched();
        for rung in self.targets.ladder() {
            self.demand.set_stream_estimate(rung.id, None);
            if !by_engine {
                self.demand.set_target_bitrate(rung.id, 0);
            }
        }
    }
}

/// The library takes packets of its own.
fn sink(packets: &mut Vec<Packet>) -> impl FnMut(&Header, &[u8]) + use<'_> {
    move |header, payload| {
        packets.push(Packet {
            header: header.clone(),
            payload: Bytes::copy_from_slice(payload),
        });
    }
}
