//! Outgoing frames, keyframe requests, the rendition of each viewer, and the bitrate of each rendition's
//! encoder.

use std::sync::Arc;
use std::time::Instant;

use capture::trace;

use super::{Audience, Out, send};
use crate::congestion::{RenditionChoice, share_bps};
use crate::encode::demand::Demand;
use crate::encode::encoder::RenditionId;
use crate::encode::frame_queue::EncodedFrame;
use crate::fanout::media_sender::Phase;
use crate::fanout::media_sender::step::Step;
use crate::fanout::packet_ring::{PacketRing, starts_from_cache};
use crate::fanout::viewer::Viewer;
use crate::metrics::{DropCause, EngineMetrics, RenditionChange, count};
use crate::transport::demux::ViewerKey;
use crate::transport::session::SessionError;

impl Audience {
    /// Sends a frame to everybody who watches its rendition.
    pub(crate) fn frame(&mut self, now: Instant, frame: Arc<EncodedFrame>, out: &mut Out<'_>) {
        let (rendition, keyframe) = (frame.rendition, frame.keyframe);
        if keyframe {
            let mut gate = self.demand.keyframe_gate(rendition);
            gate.arrived(frame.rtp_ticks);
        }
        let entry = self.rings[rendition.index()].push(frame, now);
        let (mut moved, mut queued) = (false, Vec::new());
        for (key, viewer) in &mut self.viewers {
            let Viewer { media, peer, .. } = viewer;
            let sink = &mut |header: &_, payload: &[u8]| peer.write_rtp(header, payload);
            let used = media.frame(now, &entry, sink);
            moved |= used.moves;
            if !used.is_sent {
                continue;
            }
            if used.starts {
                note_start(viewer, now, &self.metrics);
            }
            viewer.report(now, &self.clock, &self.rings);
            if viewer.media.queue.due().is_some() {
                queued.push(*key);
            }
            viewer.peer.drain(now, &mut self.outgoing);
            send(&mut self.outgoing, out);
        }
        queued.into_iter().for_each(|key| self.schedule(key, now));
        if moved {
            self.count_watchers(now);
        }
    }

    /// Drops what has not been sent, and what is kept for retransmission and late joiners. Viewers go on with
    /// the next keyframe.
    pub(crate) fn discard_pictures(&mut self, now: Instant) {
        self.rings.iter_mut().for_each(PacketRing::clear);
        let mut watched = Vec::new();
        for viewer in self.viewers.values_mut() {
            // overflow: drops-to-keyframe, uncounted: these pictures must not be shown any more.
            viewer.media.abandon_rendition(now);
            if viewer.media.phase == Phase::Awaiting {
                watched.push(viewer.media.next.unwrap_or(viewer.media.rendition));
            }
        }
        for rendition in watched {
            request_keyframe(&self.demand, &self.metrics, rendition);
        }
    }

    /// Starts the stream of a connected viewer, from the cache if its keyframe is recent.
    pub(super) fn start(
        &mut self,
        now: Instant,
        key: ViewerKey,
        asked_at: Instant,
        out: &mut Out<'_>,
    ) {
        self.start_with_share(now, key);
        let Some(viewer) = self.viewers.get_mut(&key) else {
            return;
        };
        if viewer.media.next.is_some() {
            // Its share of the path carries a smaller rendition only, whose keyframe is requested.
            return;
        }
        let ring = &self.rings[viewer.media.rendition.index()];
        let round_trip = viewer.media.control.idle_round_trip();
        if !starts_from_cache(asked_at, now, round_trip, ring.keyframe_at()) {
            if self.demand.request_start(viewer.media.rendition) {
                self.metrics.keyframe_requests.inc();
            }
            return;
        }
        self.metrics.replays.inc();
        viewer.media.phase = Phase::Live;
        note_start(viewer, now, &self.metrics);
        let Viewer { media, peer, .. } = viewer;
        let sink = &mut |header: &_, payload: &[u8]| peer.write_rtp(header, payload);
        for entry in ring.since_keyframe() {
            media.write_frame(now, entry.clone(), sink);
        }
        viewer.peer.drain(now, &mut self.outgoing);
        send(&mut self.outgoing, out);
    }

    /// What is known of the path of the viewers behind the same address limits a newcomer from the start.
    fn start_with_share(&mut self, now: Instant, key: ViewerKey) {
        let remote_ip = |viewer: &Viewer| viewer.peer.remote_ip();
        let Some(own) = self.viewers.get(&key).and_then(remote_ip) else {
            return;
        };
        let others = self.viewers.iter().filter(|(other, _)| **other != key);
        let beside = others.filter(|(_, viewer)| remote_ip(viewer) == Some(own));
        let known = beside.filter_map(|(_, viewer)| viewer.media.path_limit(now));
        let share = share_bps(known);
        if let (Some(bps), Some(viewer)) = (share, self.viewers.get_mut(&key)) {
            viewer.media.control.start_limited(now, bps);
            self.settle_media(now, key, &Step::estimate_changed());
        }
    }

    /// Whether the demand counts a viewer that does not watch, or does not count one that does.
    pub(super) fn is_miscounted(&self, now: Instant, key: ViewerKey) -> bool {
        let viewer = self.viewers.get(&key);
        viewer.is_some_and(|viewer| viewer.is_counted != viewer.watches(now))
    }

    pub(super) fn count_watchers(&mut self, now: Instant) {
        let mut counts = [0_u32; RenditionId::LIMIT];
        for viewer in self.viewers.values_mut() {
            viewer.is_counted = viewer.watches(now);
            if !viewer.is_counted {
                continue;
            }
            counts[viewer.media.rendition.index()] += 1;
            if let Some(next) = viewer.media.next {
                counts[next.index()] += 1;
            }
        }
        let before = std::mem::replace(&mut self.watched_by, counts);
        for (index, (before, watchers)) in before.into_iter().zip(counts).enumerate() {
            if let Some(rendition) = RenditionId::new(index) {
                self.demand.change_viewers(rendition, before, watchers);
            }
        }
    }
}

/// Requests a keyframe from the encoder, unless one is requested already.
pub(super) fn request_keyframe(demand: &Demand, metrics: &EngineMetrics, rendition: RenditionId) {
    if demand.request_keyframe(rendition) {
        metrics.keyframe_requests.inc();
    }
}

fn note_start(viewer: &mut Viewer, now: Instant, metrics: &EngineMetrics) {
    if !viewer.started {
        viewer.started = true;
        let took = now.saturating_duration_since(viewer.steps.offered_at);
        metrics.first_keyframe.observe(took.as_secs_f64());
        viewer
            .steps
            .spans(now, None)
            .into_iter()
            .for_each(trace::record);
    }
}

impl Audience {
    /// A viewer chooses a rendition, or automatic selection.
    pub(crate) fn choose(
        &mut self,
        now: Instant,
        id: &str,
        choice: RenditionChoice,
    ) -> Result<(), SessionError> {
        let key = self.key_of(id)?;
        let viewer = self.viewers.get_mut(&key).ok_or(SessionError::Unknown)?;
        viewer.media.control.set_choice(choice);
        self.settle_media(now, key, &Step::reconsider());
        Ok(())
    }

    /// Runs the media timers of one viewer: paced packets, reports, padding, a delayed PLI.
    pub(super) fn run_media_timers(&mut self, now: Instant, key: ViewerKey) {
        let Some(viewer) = self.viewers.get_mut(&key) else {
            return;
        };
        viewer.report(now, &self.clock, &self.rings);
        let Viewer { media, peer, .. } = viewer;
        let sink = &mut |header: &_, payload: &[u8]| peer.write_rtp(header, payload);
        let step = media.run_timers(now, self.targets.ladder(), &self.rings, sink);
        self.settle_media(now, key, &step);
    }

    /// Counts what a step of a viewer's media found, and does what follows from it: adapts the encoders' bitrates, then
    /// its rendition.
    pub(super) fn settle_media(&mut self, now: Instant, key: ViewerKey, step: &Step) {
        count(&self.metrics.drops, DropCause::Late, step.late);
        self.metrics.padding.inc_by(step.padding as u64);
        for outcome in &step.resends {
            count(&self.metrics.resends, *outcome, 1);
        }
        if step.estimate_changed {
            self.retarget(now);
        }
        let Some(viewer) = self.viewers.get_mut(&key) else {
            return;
        };
        let settled = viewer.media.settle(now, self.targets.ladder(), step);
        if let Some(change) = &settled.change {
            self.note_rendition_change(key, (change.from, change.to), change.cause);
            // Counted first: a request for a rendition that nobody watches may be cancelled.
            self.count_watchers(now);
            self.retarget(now);
        }
        for rendition in settled.keyframes() {
            request_keyframe(&self.demand, &self.metrics, rendition);
        }
    }

    pub(super) fn retarget_when_due(&mut self, now: Instant) {
        if self.retarget_at.is_some_and(|at| at <= now) {
            let is_changed = self.targets.follow_offer();
            self.retarget(now);
            if is_changed {
                let viewers = self.viewers.values_mut();
                viewers.for_each(|viewer| viewer.media.control.offer_changed());
                let keys: Vec<ViewerKey> = self.viewers.keys().copied().collect();
                let step = Step::reconsider();
                keys.into_iter()
                    .for_each(|key| self.settle_media(now, key, &step));
            }
        }
    }

    /// Sets the encoders' target bitrates from the estimates of their viewers.
    fn retarget(&mut self, now: Instant) {
        let watching = self.viewers.values().filter(|viewer| viewer.watches(now));
        let own = watching.flat_map(|viewer| viewer.media.estimates(now));
        let mut known = self.peer_index.estimates(self.shard, own.collect());
        known.extend(self.targets.renditions().iter().flat_map(|rendition| {
            let leases = self.demand.stream_leases(rendition.id) as usize;
            let estimate_bps = self.demand.stream_estimate(rendition.id);
            std::iter::repeat_n((rendition.id, estimate_bps), leases)
        }));
        let next = self.targets.update(now, known.into_iter());
        self.targets.publish();
        self.retarget_at = (!self.viewers.is_empty()).then_some(next);
    }

    /// Logs and counts why a viewer's rendition changes.
    pub(super) fn note_rendition_change(
        &self,
        key: ViewerKey,
        (from, to): (RenditionId, RenditionId),
        cause: RenditionChange,
    ) {
        let changes = &self.metrics.rendition_changes;
        changes.get_or_create_owned(&[("cause", cause)]).inc();
        tracing::info!(
            viewer = key.number,
            engine_thread = key.shard.0,
            from = self.targets.name(from),
            to = self.targets.name(to),
            cause = cause.as_str(),
            "a viewer's rendition changes"
        );
    }
}
