//! One shard of the viewers: datagrams, frames, requests and the time go in, datagrams come out. It has no
//! socket and no clock. All shards share the [`PeerIndex`].

mod incoming;
pub(super) mod peer_index;
mod pictures;
mod sessions;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rtc::crypto::RTCCryptoProvider;

use self::peer_index::PeerIndex;
use crate::encode::demand::Demand;
use crate::encode::encoder::{Rendition, RenditionId};
use crate::fanout::encoder_targets::EncoderTargets;
use crate::fanout::packet_ring::PacketRing;
use crate::fanout::viewer::Viewer;
use crate::ingest::publisher::CurrentPublisher;
use crate::metrics::{EngineMetrics, LeaveReason};
use crate::rtp::clock::ReportClock;
use crate::transport::demux::{Shard, ViewerKey};
use crate::transport::runs::Run;

/// Sends datagrams; called once per viewer and frame.
pub(crate) type Out<'a> = dyn FnMut(&[Run]) + 'a;

/// The least time between two timer runs of one viewer, so that a deadline that stays in the past does
/// not spin the loop.
const TICK_LEAST: Duration = Duration::from_millis(1);

/// Limits of the audience.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AudienceLimits {
    pub(crate) viewers_max: usize,
    pub(crate) connect_within: Duration,
}

/// What an audience is made with.
pub(crate) struct AudienceParts {
    pub(crate) shard: Shard,
    pub(crate) peer_index: Arc<PeerIndex>,
    pub(crate) crypto: Arc<dyn RTCCryptoProvider>,
    pub(crate) clock: ReportClock,
    pub(crate) limits: AudienceLimits,
    pub(crate) demand: Arc<Demand>,
    pub(crate) metrics: Arc<EngineMetrics>,
    /// Largest first.
    pub(crate) renditions: Vec<Rendition>,
}

/// The viewers of one shard, and the publisher on the first shard.
pub(crate) struct Audience {
    shard: Shard,
    peer_index: Arc<PeerIndex>,
    crypto: Arc<dyn RTCCryptoProvider>,
    viewers: HashMap<ViewerKey, Viewer>,
    publishing: CurrentPublisher,
    /// One of each rendition, and how many watch it on this shard.
    rings: [PacketRing; RenditionId::LIMIT],
    watched_by: [u32; RenditionId::LIMIT],
    timetable: BTreeSet<(Instant, ViewerKey)>,
    next_key: u64,
    clock: ReportClock,
    limits: AudienceLimits,
    demand: Arc<Demand>,
    metrics: Arc<EngineMetrics>,
    outgoing: Vec<Run>,
    targets: EncoderTargets,
    retarget_at: Option<Instant>,
}

impl Audience {
    pub(crate) fn new(parts: AudienceParts) -> Self {
        Self {
            shard: parts.shard,
            peer_index: parts.peer_index,
            crypto: parts.crypto,
            viewers: HashMap::new(),
            publishing: CurrentPublisher::default(),
            rings: Default::default(),
            watched_by: Default::default(),
            timetable: BTreeSet::new(),
            next_key: 0,
            clock: parts.clock,
            limits: parts.limits,
            targets: EncoderTargets::new(Arc::clone(&parts.demand), parts.renditions),
            demand: parts.demand,
            metrics: parts.metrics,
            outgoing: Vec::new(),
            retarget_at: None,
        }
    }

    /// Whether this viewer or publisher is still here.
    pub(crate) fn has(&self, key: ViewerKey) -> bool {
        self.viewers.contains_key(&key) || self.publishing.is(key)
    }

    /// Runs the timers that are due.
    pub(crate) fn tick(&mut self, now: Instant, out: &mut Out<'_>) {
        while let Some((due, key)) = self.timetable.first().copied()
            && due <= now
        {
            self.timetable.pop_first();
            if let Some(viewer) = self.viewers.get_mut(&key) {
                viewer.deadline = None;
                viewer.peer.tick(now);
                self.run_media_timers(now, key);
                self.settle(now, key, out);
            }
        }
        self.retarget_when_due(now);
        self.tick_publisher(now, out);
    }

    /// This thread did not run for `pause`, and runs again.
    pub(crate) fn resume(&mut self, now: Instant, pause: Duration) {
        for viewer in self.viewers.values_mut() {
            viewer.peer.resume(now, pause);
            viewer.media.control.resume(now);
        }
        self.publishing.resume(now, pause);
    }

    /// When [`Self::tick`] is next due.
    pub(crate) fn due(&self) -> Option<Instant> {
        let viewer = self.timetable.first().map(|(due, _)| *due);
        let more = [self.retarget_at, self.publishing.due()];
        more.into_iter().flatten().chain(viewer).min()
    }

    /// Ends all sessions.
    pub(crate) fn close(&mut self, now: Instant, out: &mut Out<'_>) {
        let keys: Vec<ViewerKey> = self.viewers.keys().copied().collect();
        for key in keys {
            self.remove(now, key, LeaveReason::Shutdown, out);
        }
        self.dismiss_publisher(now, "the engine ends", out);
    }

    pub(crate) fn viewers(&self) -> impl Iterator<Item = &Viewer> {
        self.viewers.values()
    }

    fn flush(&mut self, now: Instant, key: ViewerKey, out: &mut Out<'_>) {
        let Some(viewer) = self.viewers.get_mut(&key) else {
            return;
        };
        viewer.peer.drain(now, &mut self.outgoing);
        self.peer_index.note_sent(key, &self.outgoing);
        send(&mut self.outgoing, out);
    }

    fn new_key(&mut self) -> ViewerKey {
        self.next_key += 1;
        ViewerKey {
            shard: self.shard,
            number: self.next_key,
        }
    }

    fn schedule(&mut self, key: ViewerKey, now: Instant) {
        let Some(viewer) = self.viewers.get_mut(&key) else {
            return;
        };
        let due = viewer.due(now, self.limits.connect_within);
        let deadline = due.map(|due| due.max(now + TICK_LEAST));
        if viewer.deadline == deadline {
            return;
        }
        if let Some(old) = viewer.deadline {
            self.timetable.remove(&(old, key));
        }
        viewer.deadline = deadline;
        if let Some(deadline) = deadline {
            self.timetable.insert((deadline, key));
        }
    }

    /// Entries in all tables: zero when nobody watches.
    #[cfg(test)]
    fn footprint(&self) -> usize {
        self.publishing.len()
            + self.viewers.len()
            + self.peer_index.directory().len()
            + self.timetable.len()
    }
}

/// Sends what waits and leaves the list empty, for reuse.
fn send(outgoing: &mut Vec<Run>, out: &mut Out<'_>) {
    out(outgoing);
    outgoing.clear();
}
