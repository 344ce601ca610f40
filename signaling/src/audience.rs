//! All viewers: datagrams, frames, requests and time go in, datagrams come out. No socket, no
//! clock.

mod feedback;
mod goodbyes;
mod publishing;
mod renditions;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use self::goodbyes::Goodbyes;
use self::publishing::Publishing;
use crate::congestion::{Control, Rung};
use crate::demand::Demand;
use crate::demux::{Demux, Kind, ViewerKey, classify};
use crate::encoded::EncodedFrame;
use crate::engine_metrics::{EngineMetrics, IgnoredCause, LeaveReason, count};
use crate::ice::Credentials;
use crate::join::{self, Start};
use crate::keyframe_gate::KeyframeGate;
use crate::packet_ring::PacketRing;
use crate::path::Path;
use crate::peer::{Arriving, Link};
use crate::rendition::{Rendition, RenditionId};
use crate::reports::ReportClock;
use crate::runs::Datagram;
use crate::sdp::RemoteCandidate;
use crate::viewer::{Arrival, Phase, Viewer};

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

/// New credentials of a session, and where it can be reached now.
pub(crate) struct Restart {
    pub(crate) id: String,
    pub(crate) tag: Option<String>,
    pub(crate) local: Credentials,
    pub(crate) remote: Credentials,
    pub(crate) addresses: Vec<IpAddr>,
    pub(crate) candidates: Vec<RemoteCandidate>,
}

/// Why a request about a session was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// There are as many viewers as allowed.
    Full,
    /// No such session.
    Unknown,
    /// It asks for an ICE restart.
    Restart,
    /// Its tag is another session state's.
    WrongTag,
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

    /// Takes a viewer whose offer was accepted.
    pub(crate) fn join(&mut self, now: Instant, arrival: Arrival) -> Result<(), Refused> {
        if self.viewers.len() >= self.limits.viewers_max {
            // overflow: refused, counted by the caller: it is told to come back later.
            return Err(Refused::Full);
        }
        let key = ViewerKey(self.next_key);
        self.next_key += 1;
        self.demux.add(key, arrival.local_ufrag.clone());
        self.by_id.insert(arrival.id.clone(), key);
        let viewer = Viewer::new(arrival);
        let (rendition, offered_at) = (viewer.rendition, viewer.offered_at);
        self.viewers.insert(key, viewer);
        self.metrics.joins.inc();
        self.schedule(key, now);
        self.count_watchers();
        self.retarget_at.get_or_insert(now);
        let stream = &mut self.streams[rendition.index()];
        if join::needs_keyframe(offered_at, stream.ring.keyframe_at()) {
            stream.gate.want();
        }
        self.ask_for_keyframes(now);
        Ok(())
    }

    /// Takes a viewer out at its own wish.
    pub(crate) fn leave(
        &mut self,
        now: Instant,
        id: &str,
        out: &mut Out<'_>,
    ) -> Result<(), Refused> {
        if self.goodbyes.take(id) {
            return Ok(());
        }
        let key = *self.by_id.get(id).ok_or(Refused::Unknown)?;
        self.remove(now, key, LeaveReason::Deleted, out);
        Ok(())
    }

    /// Takes candidates that came after the offer. `tag`: what the request's `If-Match` allows,
    /// `None` for anything.
    pub(crate) fn trickle(
        &mut self,
        now: Instant,
        id: &str,
        tag: Option<&str>,
        ufrag: Option<&str>,
        candidates: &[RemoteCandidate],
        out: &mut Out<'_>,
    ) -> Result<(), Refused> {
        let key = *self.by_id.get(id).ok_or(Refused::Unknown)?;
        let viewer = self.viewers.get_mut(&key).ok_or(Refused::Unknown)?;
        if tag.is_some_and(|tag| tag != viewer.local_ufrag) {
            return Err(Refused::WrongTag);
        }
        if ufrag.is_some_and(|ufrag| ufrag != viewer.remote_ufrag) {
            return Err(Refused::Restart);
        }
        viewer.peer.trickle(candidates);
        self.settle(now, key, out);
        Ok(())
    }

    /// Begins an ICE restart: the viewer is known by its new names from now on, and by its old ones
    /// until the new path is found.
    pub(crate) fn restart(
        &mut self,
        now: Instant,
        restart: Restart,
        out: &mut Out<'_>,
    ) -> Result<(), Refused> {
        let key = *self.by_id.get(&restart.id).ok_or(Refused::Unknown)?;
        let viewer = self.viewers.get_mut(&key).ok_or(Refused::Unknown)?;
        let tag = restart.tag.as_deref();
        if tag.is_some_and(|tag| tag != viewer.local_ufrag) {
            return Err(Refused::WrongTag);
        }
        viewer.local_ufrag.clone_from(&restart.local.ufrag);
        viewer.remote_ufrag.clone_from(&restart.remote.ufrag);
        self.demux.rename(key, restart.local.ufrag.clone());
        let (local, remote) = (restart.local, restart.remote);
        viewer.peer.restart(now, local, remote, &restart.addresses);
        viewer.peer.trickle(&restart.candidates);
        self.metrics.restarts.inc();
        self.settle(now, key, out);
        Ok(())
    }

    /// Takes the end of a connection that carried this path.
    pub(crate) fn close_path(
        &mut self,
        now: Instant,
        key: ViewerKey,
        path: Path,
        out: &mut Out<'_>,
    ) {
        if let Some(viewer) = self.viewers.get_mut(&key) {
            viewer.peer.close_path(now, path);
            self.settle(now, key, out);
        } else {
            self.close_published(now, key, path, out);
        }
    }

    /// What was sent over a path that did not work any more is lost: a keyframe mends the picture
    /// sooner than asking for each packet. What was known of the old network says nothing of the new.
    fn heed_move(&mut self, now: Instant, key: ViewerKey) {
        if let Some(viewer) = self.viewers.get_mut(&key)
            && viewer.peer.take_moved()
        {
            viewer.control = Control::new(now, viewer.control.choice());
            self.streams[viewer.rendition.index()].gate.want();
        }
    }

    /// Takes a datagram from the port, and tells whose it is.
    pub(crate) fn receive(
        &mut self,
        now: Instant,
        way: Arriving,
        bytes: &[u8],
        out: &mut Out<'_>,
    ) -> Option<ViewerKey> {
        let kind = classify(bytes);
        let Some(key) = self.demux.route(kind, (way.carriage, way.from)) else {
            // overflow: counted. Nothing that a stranger sends leaves a trace.
            let cause = match kind {
                Kind::Garbage => IgnoredCause::Garbage,
                _ => IgnoredCause::Stranger,
            };
            count(&self.metrics.ignored, cause, 1);
            return None;
        };
        let Some(viewer) = self.viewers.get_mut(&key) else {
            return self.receive_published(now, key, kind, way, bytes, out);
        };
        viewer.peer.receive(now, kind, way, bytes);
        self.heed_move(now, key);
        self.heed_feedback(now, key);
        self.settle(now, key, out);
        Some(key)
    }

    /// Whether this viewer, or whoever publishes, is still here.
    pub(crate) fn has(&self, key: ViewerKey) -> bool {
        self.viewers.contains_key(&key) || self.publishing.is(key)
    }

    /// Sends a frame to everybody who watches its rendition.
    pub(crate) fn frame(&mut self, now: Instant, frame: Arc<EncodedFrame>, out: &mut Out<'_>) {
        let (rendition, keyframe) = (frame.rendition, frame.keyframe);
        let stream = &mut self.streams[rendition.index()];
        if keyframe {
            stream.gate.came(now);
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
            viewer.peer.drain(&mut self.outgoing);
            out(&self.outgoing);
            self.outgoing.clear();
        }
        queued.into_iter().for_each(|key| self.schedule(key, now));
        if moved {
            self.count_watchers();
        }
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

    /// After anything that touched a viewer: its phase, its datagrams, its timers.
    fn settle(&mut self, now: Instant, key: ViewerKey, out: &mut Out<'_>) {
        let Some(viewer) = self.viewers.get_mut(&key) else {
            return;
        };
        let late = viewer.phase == Phase::Connecting
            && now.saturating_duration_since(viewer.offered_at) >= self.limits.connect_within;
        let gone = match viewer.peer.link() {
            Link::Closed => Some(LeaveReason::Closed),
            Link::Failed if viewer.connected_at.is_none() => Some(LeaveReason::NeverConnected),
            Link::Failed => Some(LeaveReason::Lost),
            _ if late => Some(LeaveReason::NeverConnected),
            _ => None,
        };
        if let Some(reason) = gone {
            return self.remove(now, key, reason, out);
        }
        let changed = viewer.follow_link(now);
        // Handshake and checks before any media: the demultiplexer must see every check go out.
        self.flush(key, out);
        if let Some(before) = changed {
            self.phase_changed(now, key, before, out);
        }
        self.schedule(key, now);
    }

    fn phase_changed(&mut self, now: Instant, key: ViewerKey, before: Phase, out: &mut Out<'_>) {
        let Some(viewer) = self.viewers.get_mut(&key) else {
            return;
        };
        if viewer.phase == Phase::Awaiting {
            let asked_at = match before {
                Phase::Connecting => viewer.offered_at,
                _ => now,
            };
            if before == Phase::Connecting {
                let took = now.saturating_duration_since(viewer.offered_at);
                self.metrics.connect.observe(took.as_secs_f64());
            }
            self.start(now, key, asked_at, out);
        }
        self.count_watchers();
        self.ask_for_keyframes(now);
    }

    /// Begins a connected viewer's picture, from the cache if that is fresh.
    fn start(&mut self, now: Instant, key: ViewerKey, asked_at: Instant, out: &mut Out<'_>) {
        let Some(viewer) = self.viewers.get_mut(&key) else {
            return;
        };
        let stream = &mut self.streams[viewer.rendition.index()];
        if join::start(asked_at, now, stream.ring.keyframe_at()) == Start::Await {
            stream.gate.want();
            return;
        }
        self.metrics.replays.inc();
        viewer.phase = Phase::Live;
        note_start(viewer, now, &self.metrics);
        for entry in stream.ring.since_keyframe() {
            viewer.write_frame(now, entry.clone());
        }
        viewer.peer.drain(&mut self.outgoing);
        out(&self.outgoing);
        self.outgoing.clear();
    }

    fn remove(&mut self, now: Instant, key: ViewerKey, reason: LeaveReason, out: &mut Out<'_>) {
        let Some(mut viewer) = self.viewers.remove(&key) else {
            return;
        };
        viewer.peer.close(now);
        viewer.peer.drain(&mut self.outgoing);
        out(&self.outgoing);
        self.outgoing.clear();
        self.demux.remove(key);
        self.by_id.remove(&viewer.id);
        if let Some(deadline) = viewer.deadline {
            self.timetable.remove(&(deadline, key));
        }
        if reason == LeaveReason::Closed {
            self.goodbyes.hung_up(viewer.id);
        }
        count(&self.metrics.leaves, reason, 1);
        tracing::debug!(
            ?reason,
            watched_s = now.saturating_duration_since(viewer.offered_at).as_secs(),
            "a viewer left"
        );
        self.count_watchers();
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

    fn ask_for_keyframes(&mut self, now: Instant) {
        for (index, stream) in self.streams.iter_mut().enumerate() {
            if stream.gate.ask(now)
                && let Some(rendition) = RenditionId::new(index)
            {
                self.metrics.keyframe_requests.inc();
                self.demand.request_keyframe(rendition);
            }
        }
    }

    fn count_watchers(&mut self) {
        let mut counts = [0_u32; RenditionId::LIMIT];
        for viewer in self.viewers.values().filter(|viewer| viewer.watches()) {
            counts[viewer.rendition.index()] += 1;
            if let Some(next) = viewer.next {
                counts[next.index()] += 1;
            }
        }
        for (index, (stream, watchers)) in self.streams.iter_mut().zip(counts).enumerate() {
            if stream.watched_by != watchers
                && let Some(rendition) = RenditionId::new(index)
            {
                stream.watched_by = watchers;
                self.demand.set_viewers(rendition, watchers);
            }
            if watchers == 0 {
                stream.gate.cancel();
            }
        }
        self.metrics
            .viewers
            .set(i64::try_from(self.viewers.len()).unwrap_or(i64::MAX));
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

fn note_start(viewer: &mut Viewer, now: Instant, metrics: &EngineMetrics) {
    if !viewer.started {
        viewer.started = true;
        let took = now.saturating_duration_since(viewer.offered_at);
        metrics.first_keyframe.observe(took.as_secs_f64());
    }
}
