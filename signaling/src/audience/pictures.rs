//! Frames on their way out, and the keyframes that are asked for.

use std::sync::Arc;
use std::time::Instant;

use super::{Audience, Out};
use crate::demux::ViewerKey;
use crate::encoded::EncodedFrame;
use crate::engine_metrics::EngineMetrics;
use crate::join::{self, Start};
use crate::rendition::RenditionId;
use crate::viewer::{Phase, Viewer};

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
        if join::start(asked_at, now, ring.keyframe_at()) == Start::Await {
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
