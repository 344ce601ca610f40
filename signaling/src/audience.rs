//! All viewers: datagrams, frames, requests and time go in, datagrams come out. No socket, no
//! clock.

mod arrivals;
mod feedback;
mod goodbyes;
mod pictures;
mod publishing;
mod renditions;
mod sessions;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use self::goodbyes::Goodbyes;
use self::publishing::Publishing;
use crate::congestion::Rung;
use crate::demand::Demand;
use crate::demux::{Demux, ViewerKey};
use crate::engine_metrics::{EngineMetrics, LeaveReason};
use crate::keyframe_gate::KeyframeGate;
use crate::packet_ring::PacketRing;
use crate::rendition::{Rendition, RenditionId};
use crate::reports::ReportClock;
use crate::runs::Datagram;
use crate::viewer::Viewer;

pub(crate) use self::renditions::choice;

/// Takes datagrams that are ready; called once per viewer and frame.
pub(crate) type Out<'a> = dyn FnMut(&[Datagram]) + 'a;

/// The least time between two timer runs of one viewer: a deadline that lies in the past for good
/// must not spin the loop.
const TICK_LEAST: Duration = Duration::from_millis(1);

/// Limits of the audience.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AudienceLimits {
    pub(crate) viewers_max: usize,
    pub(crate) connect_within: Duration,
}

/// One rendition's cache and keyframe requests.
#[derive(Debug, Default)]
struct Stream {
    ring: PacketRing,
    gate: KeyframeGate,
    watched_by: u32,
}

/// Everybody who watches.
pub(crate) struct Audience {
    viewers: HashMap<ViewerKey, Viewer>,
    by_id: HashMap<String, ViewerKey>,
    goodbyes: Goodbyes,
    publishing: Publishing,
    demux: Demux,
    streams: [Stream; RenditionId::LIMIT],
    timetable: BTreeSet<(Instant, ViewerKey)>,
    next_key: u64,
    clock: ReportClock,
    limits: AudienceLimits,
    demand: Arc<Demand>,
    metrics: Arc<EngineMetrics>,
    outgoing: Vec<Datagram>,
    /// What there is to watch, largest first.
    renditions: Vec<Rendition>,
    ladder: Vec<Rung>,
    retarget_at: Option<Instant>,
}

impl Audience {
    pub(crate) fn new(
        clock: ReportClock,
        limits: AudienceLimits,
        demand: Arc<Demand>,
        metrics: Arc<EngineMetrics>,
        renditions: Vec<Rendition>,
    ) -> Self {
        Self {
            viewers: HashMap::new(),
            by_id: HashMap::new(),
            goodbyes: Goodbyes::default(),
            publishing: Publishing::default(),
            demux: Demux::default(),
            streams: Default::default(),
            timetable: BTreeSet::new(),
            next_key: 0,
            clock,
            limits,
            demand,
            metrics,
            outgoing: Vec::new(),
            ladder: renditions::ladder(&renditions),
            renditions,
            retarget_at: None,
        }
    }

    /// Whether this viewer, or whoever publishes, is still here.
    pub(crate) fn has(&self, key: ViewerKey) -> bool {
        self.viewers.contains_key(&key) || self.publishing.is(key)
    }

    /// Lets time pass for whoever is due.
    pub(crate) fn tick(&mut self, now: Instant, out: &mut Out<'_>) {
        while let Some((due, key)) = self.timetable.first().copied()
            && due <= now
        {
            self.timetable.pop_first();
            if let Some(viewer) = self.viewers.get_mut(&key) {
                viewer.deadline = None;
                viewer.peer.tick(now);
                self.let_go(now, key);
                self.settle(now, key, out);
            }
        }
        self.retarget_when_due(now);
        self.ask_for_keyframes(now);
        self.tick_publisher(now, out);
    }

    /// When [`Self::tick`] is next due.
    pub(crate) fn due(&self) -> Option<Instant> {
        let viewer = self.timetable.first().map(|(due, _)| *due);
        let gates = self.streams.iter().filter_map(|stream| stream.gate.due());
        let more = self.retarget_at.into_iter().chain(self.publishing.due());
        gates.chain(viewer).chain(more).min()
    }

    /// Sends everybody a goodbye.
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

    fn flush(&mut self, key: ViewerKey, out: &mut Out<'_>) {
        let Some(viewer) = self.viewers.get_mut(&key) else {
            return;
        };
        viewer.peer.drain(&mut self.outgoing);
        for datagram in &self.outgoing {
            self.demux.sent(key, &datagram.bytes);
        }
        out(&self.outgoing);
        self.outgoing.clear();
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

    /// Entries in every table: zero when nobody watches.
    #[cfg(test)]
    fn footprint(&self) -> usize {
        self.publishing.len()
            + self.viewers.len()
            + self.by_id.len()
            + self.demux.len()
            + self.timetable.len()
    }
}
