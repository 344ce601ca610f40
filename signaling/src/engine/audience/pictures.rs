//! Outgoing frames, keyframe requests, the rendition of each viewer, and the bitrate of each rendition's
//! encoder.

use std::sync::Arc;
use std::time::{Duration, Instant};

use capture::trace;

use super::{Audience, Out, send};
use crate::congestion::{RenditionChoice, ladder, targets};
use crate::encode::demand::Demand;
use crate::encode::encoder::{Rendition, RenditionId};
use crate::encode::frame_queue::EncodedFrame;
use crate::fanout::media_sender::Phase;
use crate::fanout::packet_ring::starts_from_cache;
use crate::fanout::viewer::Viewer;
use crate::metrics::{DropCause, EngineMetrics, RenditionChange, count};
use crate::transport::demux::ViewerKey;
use crate::transport::session::SessionError;

impl Audience {
    /// Sends a frame to everybody who watches its rendition.
    pub(crate) fn frame(&mut self, now: Instant, frame: Arc<EncodedFrame>, out: &mut Out<'_>) {
        let (rendition, keyframe) = (frame.rendition, frame.keyframe);
        let stream = &mut self.streams[rendition.index()];
        if keyframe {
            let mut gate = self.demand.keyframe_gate(rendition);
            gate.arrived(frame.rtp_ticks);
        }
        let entry = stream.ring.push(frame, now);
        let (clock, ring) = (self.clock, &stream.ring);
        let (mut moved, mut queued) = (false, Vec::new());
        for (key, viewer) in &mut self.viewers {
            let used = viewer.media.admit(rendition, keyframe);
            moved |= used.moves;
            if !used.is_sent {
                continue;
            }
            if used.starts {
                note_start(viewer, now, &self.metrics);
            }
            viewer.write_frame(now, entry.clone());
            viewer.report(now, &clock, ring);
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
        self.streams
            .iter_mut()
            .for_each(|stream| stream.ring.clear());
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
        let Some(viewer) = self.viewers.get_mut(&key) else {
            return;
        };
        let ring = &self.streams[viewer.media.rendition.index()].ring;
        if !starts_from_cache(asked_at, now, ring.keyframe_at()) {
            request_keyframe(&self.demand, &self.metrics, viewer.media.rendition);
            return;
        }
        self.metrics.replays.inc();
        viewer.media.phase = Phase::Live;
        note_start(viewer, now, &self.metrics);
        for entry in ring.since_keyframe() {
            viewer.write_frame(now, entry.clone());
        }
        viewer.peer.drain(now, &mut self.outgoing);
        send(&mut self.outgoing, out);
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
        for (index, (stream, watchers)) in self.streams.iter_mut().zip(counts).enumerate() {
            let Some(rendition) = RenditionId::new(index) else {
                continue;
            };
            let before = std::mem::replace(&mut stream.watched_by, watchers);
            self.demand.change_viewers(rendition, before, watchers);
        }
    }
}

/// The largest rendition that the viewer allows: stepping down later is quicker than stepping up. `renditions`: largest
/// first.
pub(super) fn first_rendition(
    choice: RenditionChoice,
    renditions: &[Rendition],
    demand: &Demand,
) -> RenditionId {
    match choice {
        RenditionChoice::Fixed(rendition) if !demand.is_withheld(rendition) => rendition,
        RenditionChoice::Fixed(_) | RenditionChoice::Auto => {
            let offered = renditions.iter().find(|one| !demand.is_withheld(one.id));
            offered.map_or(RenditionId::MAIN, |one| one.id)
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

/// How often the encoders' bitrates follow the viewers' estimates and the owner's settings.
const RETARGET_EVERY: Duration = Duration::from_millis(500);

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
        self.reconsider(now, key);
        Ok(())
    }

    /// Runs the media timers of one viewer: paced packets, reports, padding, a delayed PLI.
    pub(super) fn run_media_timers(&mut self, now: Instant, key: ViewerKey) {
        let Some(viewer) = self.viewers.get_mut(&key) else {
            return;
        };
        let stream = &self.streams[viewer.media.rendition.index()];
        if viewer.media.pli_backoff.forward_delayed(now) {
            request_keyframe(&self.demand, &self.metrics, viewer.media.rendition);
        }
        viewer.report(now, &self.clock, &stream.ring);
        if viewer.media.phase != Phase::Live {
            return;
        }
        // overflow: drops-to-keyframe, counted. Every viewer pays for a keyframe, so the request passes
        // this viewer's back-off like a PLI.
        let dropped = viewer.media.drop_late(now);
        if dropped > 0 {
            count(&self.metrics.drops, DropCause::Late, dropped);
            self.reconsider(now, key);
            if let Some(viewer) = self.viewers.get_mut(&key)
                && viewer.media.needs_keyframe_after_drop(now)
            {
                request_keyframe(&self.demand, &self.metrics, viewer.media.rendition);
            }
            return;
        }
        viewer.write_queued(now);
        let padding = viewer.media.control.padding(now);
        if padding > 0 {
            self.metrics.padding.inc_by(padding as u64);
            viewer.write_padding(now, padding, &stream.ring);
        }
        if viewer.media.control.due(now).is_some_and(|due| due <= now) {
            let changed = viewer
                .media
                .control
                .tick(now, &self.ladder, viewer.media.rendition);
            self.apply_estimate(now, key, changed);
        }
    }

    /// A viewer's estimate may have changed: adapts the encoders' bitrates, then its rendition.
    pub(super) fn apply_estimate(&mut self, now: Instant, key: ViewerKey, changed: bool) {
        if changed {
            self.retarget(now);
        }
        self.reconsider(now, key);
    }

    pub(super) fn retarget_when_due(&mut self, now: Instant) {
        if self.retarget_at.is_some_and(|at| at <= now) {
            let is_changed = self.follow_offer();
            self.retarget(now);
            if is_changed {
                let viewers = self.viewers.values_mut();
                viewers.for_each(|viewer| viewer.media.control.offer_changed());
                let keys: Vec<ViewerKey> = self.viewers.keys().copied().collect();
                keys.into_iter().for_each(|key| self.reconsider(now, key));
            }
        }
    }

    /// Takes over which renditions are offered. Returns whether they are others than before.
    fn follow_offer(&mut self) -> bool {
        let is_offered = |one: &&Rendition| !self.demand.is_withheld(one.id);
        let offered: Vec<Rendition> = self.renditions.iter().filter(is_offered).copied().collect();
        let same = self.ladder.iter().map(|rung| rung.id);
        if offered.iter().map(|one| one.id).eq(same) {
            return false;
        }
        self.ladder = ladder(&offered);
        true
    }

    /// Sets the encoders' target bitrates from the estimates of their viewers.
    fn retarget(&mut self, now: Instant) {
        for rung in &mut self.ladder {
            let nominal = self.demand.nominal_bitrate(rung.id);
            let own = self.renditions.iter().find(|one| one.id == rung.id);
            rung.nominal_bps = nominal
                .or(own.map(|own| own.bitrate_bps))
                .unwrap_or(rung.nominal_bps);
        }
        let watching = self.viewers.values().filter(|viewer| viewer.watches(now));
        let own = watching.flat_map(|viewer| viewer.media.estimates());
        let known = self.peer_index.estimates(self.shard, own.collect());
        let sent_on = self.renditions.iter().flat_map(|rendition| {
            let leases = self.demand.stream_leases(rendition.id) as usize;
            let estimate_bps = self.demand.stream_estimate(rendition.id);
            std::iter::repeat_n((rendition.id, estimate_bps), leases)
        });
        targets(&mut self.ladder, known.into_iter().chain(sent_on));
        for rung in &self.ladder {
            let held_back = rung.target_bps < rung.nominal_bps;
            let target_bps = if held_back { rung.target_bps } else { 0 };
            self.demand.set_target_bitrate(rung.id, target_bps);
        }
        self.retarget_at = (!self.viewers.is_empty()).then(|| now + RETARGET_EVERY);
    }

    fn reconsider(&mut self, now: Instant, key: ViewerKey) {
        let Some(viewer) = self.viewers.get_mut(&key) else {
            return;
        };
        let Some(change) = viewer.media.reconsider(now, &self.ladder) else {
            return;
        };
        self.note_rendition_change(key, (change.from, change.to), change.cause);
        // Counted first: a request for a rendition that nobody watches may be cancelled.
        self.count_watchers(now);
        self.retarget(now);
        if change.needs_keyframe {
            request_keyframe(&self.demand, &self.metrics, change.to);
        }
    }

    /// Logs, counts and keeps for the viewer's summary why its rendition changes.
    pub(super) fn note_rendition_change(
        &mut self,
        key: ViewerKey,
        (from, to): (RenditionId, RenditionId),
        cause: RenditionChange,
    ) {
        let changes = &self.metrics.rendition_changes;
        changes.get_or_create_owned(&[("cause", cause)]).inc();
        if let Some(viewer) = self.viewers.get_mut(&key) {
            viewer.rendition_change = Some(cause);
        }
        let name = |id| {
            let rendition = self.renditions.iter().find(|one| one.id == id);
            rendition.map_or_else(|| format!("rendition {}", id.index()), Rendition::name)
        };
        tracing::info!(
            viewer = key.number,
            engine_thread = key.shard.0,
            from = name(from),
            to = name(to),
            cause = cause.as_str(),
            "a viewer's rendition changes"
        );
    }
}
