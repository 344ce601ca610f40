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
use crate::congestion::{RenditionChoice, Rung, ladder, targets};
use crate::encode::demand::Demand;
use crate::encode::encoder::{Rendition, RenditionId};
use crate::encode::frame_queue::EncodedFrame;
use crate::fanout::media_sender::{MediaSender, Phase};
use crate::fanout::packet_ring::PacketRing;
use crate::fanout::rtp_stream::{RtpStream, StreamTerms};
use crate::metrics::{RenditionChange, ResendOutcome};
use crate::rtp::clock::{REPORT_INTERVAL, ReportClock};
use crate::rtp::rtcp::{Feedback, ReportBlock};

/// How often the encoders' bitrates follow the estimate and the owner's settings.
const RETARGET_EVERY: Duration = Duration::from_millis(500);

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
    renditions: Vec<Rendition>,
    ladder: Vec<Rung>,
    demand: Arc<Demand>,
    clock: ReportClock,
    /// Whether the server sends transport-wide feedback.
    has_arrivals: bool,
    rate: SentRate,
    change: Option<RenditionChange>,
    loss: Option<f32>,
    next_report: Instant,
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
            ladder: ladder(&renditions),
            renditions,
            demand,
            clock: ReportClock::new(now, SystemTime::now()),
            has_arrivals,
            rate: SentRate::new(now),
            change: None,
            loss: None,
            next_report: now,
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
        let (rendition, keyframe) = (frame.rendition, frame.keyframe);
        let Some(ring) = self.rings.get_mut(rendition.index()) else {
            return;
        };
        let entry = ring.push(frame, now);
        if self.media.admit(rendition, keyframe).is_sent {
            let mut sink = sink(&mut self.outbox.packets);
            self.media.write_frame(now, entry, &mut sink);
        }
    }

    /// Does everything that is due.
    pub(super) fn timers(&mut self, now: Instant) {
        if now >= self.retarget_at {
            self.retarget(now);
        }
        if self.media.pli_backoff.forward_delayed(now) {
            self.demand.request_keyframe(self.media.rendition);
        }
        if self.media.phase != Phase::Live {
            return;
        }
        // overflow: drops-to-keyframe, counted by who takes the outbox.
        let dropped = self.media.drop_late(now);
        if dropped > 0 {
            self.outbox.dropped += dropped as u64;
            self.apply_estimate(now, false);
            if self.media.needs_keyframe_after_drop(now) {
                self.demand.request_keyframe(self.media.rendition);
            }
            return;
        }
        let ring = &self.rings[self.media.rendition.index()];
        if now >= self.next_report
            && let Some(newest) = ring.newest()
        {
            self.outbox.report = Some(self.media.rtp.report(&self.clock, &newest.frame, now));
            self.next_report = now + REPORT_INTERVAL;
        }
        let mut sink = sink(&mut self.outbox.packets);
        self.media.write_queued(now, &mut sink);
        let padding = self.media.control.padding(now);
        if padding > 0 {
            self.media.write_padding(now, padding, ring, &mut sink);
        }
        drop(sink);
        if self.media.control.due(now).is_some_and(|due| due <= now) {
            let current = self.media.rendition;
            let changed = self.media.control.tick(now, &self.ladder, current);
            self.apply_estimate(now, changed);
        }
    }

    /// When [`Self::timers`] is due next.
    pub(super) fn due(&mut self, now: Instant) -> Instant {
        let control = self.media.control.due(now);
        let timers = [control, self.media.queue.due(), Some(self.next_report)];
        let is_live = self.media.phase == Phase::Live;
        let timers = timers.into_iter().flatten().filter(|_| is_live);
        let others = [Some(self.retarget_at), self.media.pli_backoff.due()];
        let all = timers.chain(others.into_iter().flatten());
        all.min().unwrap_or(self.retarget_at)
    }

    /// Handles the server's feedback.
    pub(super) fn feedback(&mut self, now: Instant, feedback: Feedback) {
        match feedback {
            Feedback::Pli | Feedback::Fir => {
                self.outbox.keyframe_requests += 1;
                self.needs_keyframe(now);
            }
            Feedback::Nack(numbers) => self.resend(now, &numbers),
            Feedback::Report(report) => self.report(now, report),
            Feedback::Transport(acknowledgements) => {
                let changed = self.media.control.feedback(now, &acknowledgements);
                self.apply_estimate(now, changed);
            }
        }
    }

    /// Handles the server's own estimate (REMB).
    pub(super) fn receiver_estimate(&mut self, now: Instant, bps: u32) {
        let changed = self.media.control.receiver_estimate(now, bps);
        self.apply_estimate(now, changed);
    }

    /// What is to be done outside since the last call.
    pub(super) fn take(&mut self, now: Instant) -> Outbox {
        self.rate.add(now, &self.outbox.packets);
        std::mem::take(&mut self.outbox)
    }

    pub(super) fn sent_feed(&self) -> SentFeed {
        SentFeed {
            rendition: self.media.rendition,
            rendition_change: self.change,
            sent_bps: self.rate.bps(),
            estimate_bps: self.media.control.estimate_bps(),
            loss: self.loss,
            round_trip: self.media.round_trip,
        }
    }

    fn resend(&mut self, now: Instant, numbers: &[u16]) {
        self.media.control.start_monitoring(now);
        let mut is_lost = false;
        for number in numbers {
            let rings = &self.rings;
            let find = |id: RenditionId, number| rings.get(id.index())?.packet(number);
            let mut sink = sink(&mut self.outbox.packets);
            let outcome = self.media.resend(now, *number, find, &mut sink);
            is_lost |= outcome == ResendOutcome::Exhausted;
        }
        if is_lost {
            self.needs_keyframe(now);
        }
    }

    fn report(&mut self, now: Instant, report: ReportBlock) {
        let round_trip = report.round_trip(self.clock.ntp_middle(now));
        self.loss = Some(report.loss);
        self.media.round_trip = round_trip.or(self.media.round_trip);
        self.media.control.report(now, report.loss, round_trip);
        if !self.has_arrivals {
            let sent = self.rate.since_report(now);
            let control = &mut self.media.control;
            let changed = control.report_alone(now, (report.loss, round_trip), sent);
            self.apply_estimate(now, changed);
        }
    }

    fn needs_keyframe(&mut self, now: Instant) {
        self.media.control.start_monitoring(now);
        if self.media.needs_keyframe(now) {
            self.demand.request_keyframe(self.media.rendition);
        }
    }

    fn apply_estimate(&mut self, now: Instant, changed: bool) {
        if changed {
            self.retarget(now);
        }
        let Some(change) = self.media.reconsider(now, &self.ladder) else {
            return;
        };
        self.change = Some(change.cause);
        tracing::info!(
            from = self.name(change.from),
            to = self.name(change.to),
            cause = change.cause.as_str(),
            "the published rendition changes"
        );
        self.retarget(now);
        if change.needs_keyframe {
            self.demand.request_keyframe(change.to);
        }
    }

    /// Tells the encoders what the server can take. The engine sets their bitrates where it has viewers, too.
    fn retarget(&mut self, now: Instant) {
        for rung in &mut self.ladder {
            let own = self.renditions.iter().find(|one| one.id == rung.id);
            let nominal = self.demand.nominal_bitrate(rung.id);
            rung.nominal_bps = nominal
                .or(own.map(|own| own.bitrate_bps))
                .unwrap_or(rung.nominal_bps);
        }
        targets(&mut self.ladder, self.media.estimates());
        let by_engine = self.demand.engine_is_watched();
        let watched = self.watched();
        let estimate_bps = self.media.control.media_bps();
        for rung in &mut self.ladder {
            let known = estimate_bps.filter(|_| watched.contains(&rung.id));
            self.demand.set_stream_estimate(rung.id, known);
            let has_viewers = self.demand.viewers(rung.id) > self.demand.stream_leases(rung.id);
            if has_viewers {
                let target = self.demand.target_bitrate(rung.id);
                rung.target_bps = target.unwrap_or(rung.nominal_bps);
                rung.needs_bps = rung.target_bps;
            }
            if !by_engine {
                let held_back = rung.target_bps < rung.nominal_bps;
                let target_bps = if held_back { rung.target_bps } else { 0 };
                self.demand.set_target_bitrate(rung.id, target_bps);
            }
        }
        self.retarget_at = now + RETARGET_EVERY;
    }

    fn name(&self, id: RenditionId) -> String {
        let rendition = self.renditions.iter().find(|one| one.id == id);
        rendition.map_or_else(|| format!("rendition {}", id.index()), Rendition::name)
    }
}

/// The encoders owe it nothing any more.
impl Drop for FeedSender {
    fn drop(&mut self) {
        let by_engine = self.demand.engine_is_watched();
        for rung in &self.ladder {
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
