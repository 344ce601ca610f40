//! Frames on their way out, the keyframes that are asked for, which rendition each viewer gets, and what
//! each rendition's encoder aims at.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Audience, Out};
use crate::congestion::{Choice, Decision, targets};
use crate::encode::encoder::RenditionId;
use crate::encode::frame_queue::EncodedFrame;
use crate::fanout::packet_ring::{Start, start_of_join};
use crate::fanout::viewer::{Phase, Viewer};
use crate::metrics::{DropCause, EngineMetrics, count};
use crate::transport::demux::ViewerKey;
use crate::transport::session::SessionError;

impl Audience {
    /// Sends a frame to everybody who watches its rendition.
    pub(crate) fn frame(&mut self, now: Instant, frame: Arc<EncodedFrame>, out: &mut Out<'_>) {
        let (rendition, keyframe) = (frame.rendition, frame.keyframe);
        let stream = &mut self.streams[rendition.index()];
        if keyframe {
            self.ledger.keyframe_came(now, rendition, frame.rtp_ticks);
        }
        let entry = stream.ring.push(frame, now);
        let (clock, ring) = (self.clock, &stream.ring);
        let (mut moved, mut queued) = (false, Vec::new());
        for (key, viewer) in &mut self.viewers {
            if keyframe && viewer.next == Some(rendition) && viewer.phase != Phase::Connecting {
                moved |= viewer.arrive();
            }
            // Whoever gave its picture up waits for the next one's keyframe, not for any.
            let starts = viewer.phase == Phase::Awaiting && keyframe && viewer.next.is_none();
            if viewer.rendition != rendition || (viewer.phase != Phase::Live && !starts) {
                continue;
            }
            if starts {
                viewer.phase = Phase::Live;
                note_start(viewer, now, &self.metrics);
            }
            viewer.write_frame(now, entry.clone());
            viewer.report(now, &clock, ring);
            if viewer.queue.due().is_some() {
                queued.push(*key);
            }
            viewer.peer.drain(now, &mut self.outgoing);
            out(&self.outgoing);
            self.outgoing.clear();
        }
        queued.into_iter().for_each(|key| self.schedule(key, now));
        if moved {
            self.count_watchers(now);
        }
    }

    /// Begins a connected viewer's picture, from the cache if that is fresh.
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
        let ring = &self.streams[viewer.rendition.index()].ring;
        if start_of_join(asked_at, now, ring.keyframe_at()) == Start::Await {
            self.ledger.want_keyframe(viewer.rendition);
            return;
        }
        self.metrics.replays.inc();
        viewer.phase = Phase::Live;
        note_start(viewer, now, &self.metrics);
        for entry in ring.since_keyframe() {
            viewer.write_frame(now, entry.clone());
        }
        viewer.peer.drain(now, &mut self.outgoing);
        out(&self.outgoing);
        self.outgoing.clear();
    }

    pub(super) fn ask_for_keyframes(&mut self, now: Instant) {
        for rendition in self.ledger.keyframes_to_ask(now) {
            self.metrics.keyframe_requests.inc();
            self.demand.request_keyframe(rendition);
        }
    }

    /// Whether the demand counts a viewer that does not watch, or the other way round.
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
            counts[viewer.rendition.index()] += 1;
            if let Some(next) = viewer.next {
                counts[next.index()] += 1;
            }
        }
        for (index, (stream, watchers)) in self.streams.iter_mut().zip(counts).enumerate() {
            let Some(rendition) = RenditionId::new(index) else {
                continue;
            };
            let before = std::mem::replace(&mut stream.watched_by, watchers);
            if self.demand.change_viewers(rendition, before, watchers) == 0 {
                self.ledger.cancel_keyframe(rendition);
            }
        }
    }
}

fn note_start(viewer: &mut Viewer, now: Instant, metrics: &EngineMetrics) {
    if !viewer.started {
        viewer.started = true;
        let took = now.saturating_duration_since(viewer.offered_at);
        metrics.first_keyframe.observe(took.as_secs_f64());
    }
}

/// How often the encoders' bitrates follow the viewers, and the owner's wishes.
const RETARGET_EVERY: Duration = Duration::from_millis(500);

impl Audience {
    /// Takes a viewer's own choice.
    pub(crate) fn choose(
        &mut self,
        now: Instant,
        id: &str,
        choice: Choice,
    ) -> Result<(), SessionError> {
        let key = self.key_of(id)?;
        let viewer = self.viewers.get_mut(&key).ok_or(SessionError::Unknown)?;
        viewer.control.choose(choice);
        self.reconsider(now, key);
        self.ask_for_keyframes(now);
        Ok(())
    }

    /// Lets time pass for one viewer's stream: what waits to leave, reports, padding, pleas.
    pub(super) fn let_go(&mut self, now: Instant, key: ViewerKey) {
        let Some(viewer) = self.viewers.get_mut(&key) else {
            return;
        };
        let stream = &self.streams[viewer.rendition.index()];
        if viewer.pli.tick(now) {
            self.ledger.want_keyframe(viewer.rendition);
        }
        viewer.report(now, &self.clock, &stream.ring);
        if viewer.phase != Phase::Live {
            return;
        }
        // overflow: drops-to-keyframe, counted. Everybody pays for a keyframe, so it is asked for as a
        // plea of this viewer would be.
        let dropped = viewer.queue.drop_late(now);
        if dropped > 0 {
            count(&self.metrics.drops, DropCause::Late, dropped);
            viewer.phase = Phase::Awaiting;
            viewer.freeze.began(now);
            if viewer.pleads(now) {
                self.ledger.want_keyframe(viewer.rendition);
            }
            return;
        }
        viewer.write_queued(now);
        let padding = viewer.control.padding(now);
        if padding > 0 {
            self.metrics.padding.inc_by(padding as u64);
            viewer.write_padding(now, padding, &stream.ring);
        }
        if viewer.control.due(now).is_some_and(|due| due <= now) {
            let changed = viewer.control.tick(now, &self.ladder, viewer.rendition);
            self.heed_ceiling(now, key, changed);
        }
    }

    /// After a viewer's ceiling may have changed: the encoders' aims, then its rendition.
    pub(super) fn heed_ceiling(&mut self, now: Instant, key: ViewerKey, changed: bool) {
        if changed {
            self.retarget(now);
        }
        self.reconsider(now, key);
    }

    pub(super) fn retarget_when_due(&mut self, now: Instant) {
        if self.retarget_at.is_some_and(|at| at <= now) {
            self.retarget(now);
        }
    }

    /// Sets what the encoders aim at from what their viewers can take.
    fn retarget(&mut self, now: Instant) {
        for (rung, rendition) in self.ladder.iter_mut().zip(&self.renditions) {
            let nominal = self.demand.nominal_bitrate(rendition.id);
            rung.nominal_bps = nominal.unwrap_or(rendition.bitrate_bps);
        }
        let watching = self.viewers.values().filter(|viewer| viewer.watches(now));
        let own = watching.map(|viewer| (viewer.rendition, viewer.control.estimate_bps()));
        let known = self.ledger.ceilings(self.shard, own.collect());
        // A stream that is sent on has an audience of its own, of which nothing is known here.
        let sent_on = self.renditions.iter().flat_map(|rendition| {
            let leases = self.demand.stream_leases(rendition.id) as usize;
            std::iter::repeat_n((rendition.id, None), leases)
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
        let aim = viewer.next.unwrap_or(viewer.rendition);
        let to = match viewer.control.decide(now, &self.ladder, aim) {
            Decision::Stay => return,
            Decision::Move(to) => to,
            Decision::Abandon(to) => {
                viewer.give_up_picture(now);
                to
            }
        };
        viewer.next = (to != viewer.rendition).then_some(to);
        self.metrics.switches.inc();
        let abandoned = viewer.phase == Phase::Awaiting;
        if viewer.next.is_some() || abandoned {
            self.ledger.want_keyframe(to);
        }
        self.count_watchers(now);
    }
}
