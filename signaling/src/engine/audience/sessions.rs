//! Sessions of viewers and of the publisher: joins, trickled candidates, ICE restarts, ends.

use std::sync::Arc;
use std::time::Instant;

use capture::{Guest, trace};

use super::pictures::request_keyframe;
use super::{Audience, Out, TICK_LEAST, send};
use crate::fanout::media_sender::Phase;
use crate::fanout::packet_ring::join_needs_keyframe;
use crate::fanout::viewer::{NewViewer, Viewer};
use crate::ingest::publisher::{IngestPublisher, NewPublisher};
use crate::metrics::{LeaveReason, RenditionChange, count, count_join_failure};
use crate::transport::demux::ViewerKey;
use crate::transport::peer::{LinkState, Peer};
use crate::transport::session::{Restart, SessionError, Trickle};

impl Audience {
    /// Adds a viewer whose offer was accepted.
    pub(crate) fn join(&mut self, now: Instant, newcomer: NewViewer) -> Result<(), SessionError> {
        if !self
            .peer_index
            .take_place(self.shard, self.limits.viewers_max)
        {
            // overflow: refused, counted by the caller: the viewer is told to come back later.
            return Err(SessionError::Full);
        }
        self.metrics.viewers.inc();
        let (key, names) = (self.new_key(), Arc::clone(newcomer.peer.names()));
        let id = newcomer.id.clone();
        self.peer_index.directory().add(key, id, names);
        let first = self.targets.first_rendition(newcomer.choice);
        let viewer = Viewer::new(now, newcomer, first);
        self.viewers.insert(key, viewer);
        self.metrics.joins.inc();
        self.schedule(key, now);
        Ok(())
    }

    /// A viewer's first ICE check makes the encoder run for it. An offer alone does not: anybody can send
    /// many of them.
    pub(super) fn note_presence(&mut self, now: Instant, key: ViewerKey) {
        let Some(viewer) = self.viewers.get_mut(&key) else {
            return;
        };
        if viewer.steps.checked_at.is_some() || !viewer.peer.was_checked() {
            return;
        }
        viewer.steps.checked_at = Some(now);
        let rendition = viewer.media.rendition;
        self.count_watchers(now);
        self.retarget_at.get_or_insert(now);
        let ring = &self.rings[rendition.index()];
        if join_needs_keyframe(now, ring.keyframe_at()) {
            request_keyframe(&self.demand, &self.metrics, rendition);
        }
    }

    /// Ends a session at the request of its owner.
    pub(crate) fn leave(
        &mut self,
        now: Instant,
        id: &str,
        out: &mut Out<'_>,
    ) -> Result<(), SessionError> {
        if self.peer_index.directory().recently_closed.take(id) {
            return Ok(());
        }
        let key = self.key_of(id)?;
        if self.publishing.is(key) {
            self.remove_publisher(now, "it ended its session", out);
        } else {
            self.remove(now, key, LeaveReason::Deleted, out);
        }
        Ok(())
    }

    /// Adds candidates that came after the offer.
    pub(crate) fn trickle(
        &mut self,
        now: Instant,
        trickle: &Trickle,
        out: &mut Out<'_>,
    ) -> Result<(), SessionError> {
        let (key, peer) = self.session(&trickle.id)?;
        peer.names().check_trickle(trickle)?;
        peer.trickle(&trickle.candidates);
        self.settle(now, key, out);
        Ok(())
    }

    /// Begins an ICE restart: the session has new credentials from now on, and keeps the old ones until
    /// the new path works.
    pub(crate) fn restart(
        &mut self,
        now: Instant,
        restart: Restart,
        out: &mut Out<'_>,
    ) -> Result<(), SessionError> {
        let (key, peer) = self.session(&restart.id)?;
        peer.names().check_tag(restart.tag.as_deref())?;
        let names = Arc::clone(&restart.names);
        peer.restart(now, restart);
        self.peer_index.directory().demux.rename(key, names);
        self.metrics.restarts.inc();
        self.settle(now, key, out);
        Ok(())
    }

    pub(super) fn key_of(&self, id: &str) -> Result<ViewerKey, SessionError> {
        self.peer_index.directory().key_of(id)
    }

    /// The transport of this session, of a viewer or the publisher.
    fn session(&mut self, id: &str) -> Result<(ViewerKey, &mut Peer), SessionError> {
        let key = self.key_of(id)?;
        let viewer = self.viewers.get_mut(&key).map(|viewer| &mut viewer.peer);
        let peer = viewer.or_else(|| self.publishing.peer(key));
        peer.map(|peer| (key, peer)).ok_or(SessionError::Unknown)
    }

    /// To be called after each change of a session: updates its phase, sends its datagrams, sets its timer.
    pub(super) fn settle(&mut self, now: Instant, key: ViewerKey, out: &mut Out<'_>) {
        let Some(viewer) = self.viewers.get_mut(&key) else {
            if self.publishing.is(key) {
                self.settle_publisher(now, out);
            }
            return;
        };
        let waits = viewer.media.phase == Phase::Connecting;
        if waits && viewer.steps.path_at.is_none() && viewer.peer.has_path() {
            viewer.steps.path_at = Some(now);
        }
        let late = waits
            && now.saturating_duration_since(viewer.steps.offered_at) >= self.limits.connect_within;
        let gone = match viewer.peer.link() {
            LinkState::Closed => Some(LeaveReason::Closed),
            LinkState::Failed if viewer.steps.connected_at.is_none() => {
                Some(LeaveReason::NeverConnected)
            }
            LinkState::Failed => Some(LeaveReason::Lost),
            _ if late || (waits && viewer.place.is_lost()) => Some(LeaveReason::NeverConnected),
            LinkState::Up if waits && !viewer.place.occupy() => Some(LeaveReason::NeverConnected),
            _ => None,
        };
        if let Some(reason) = gone {
            return self.remove(now, key, reason, out);
        }
        let rendition = viewer.media.rendition;
        let choice = viewer.media.control.choice();
        let first = self.targets.first_rendition(choice);
        let changed = viewer.follow_link(now, first);
        let changes = (rendition, viewer.media.rendition);
        if changes.0 != changes.1 {
            viewer.media.rendition_change = Some(RenditionChange::NewPath);
            self.note_rendition_change(key, changes, RenditionChange::NewPath);
        }
        // Handshake and ICE checks leave before any media: the demultiplexer must see each check.
        self.flush(now, key, out);
        if let Some(before) = changed {
            self.phase_changed(now, key, before, out);
        } else if self.is_miscounted(now, key) {
            self.count_watchers(now);
        }
        self.schedule(key, now);
    }

    fn phase_changed(&mut self, now: Instant, key: ViewerKey, before: Phase, out: &mut Out<'_>) {
        let Some(viewer) = self.viewers.get_mut(&key) else {
            return;
        };
        if viewer.media.phase == Phase::Awaiting {
            let asked_at = match before {
                Phase::Connecting => viewer.steps.checked_at.unwrap_or(now),
                _ => now,
            };
            if before == Phase::Connecting {
                let took = now.saturating_duration_since(viewer.steps.offered_at);
                self.metrics.connect.observe(took.as_secs_f64());
            }
            self.start(now, key, asked_at, out);
        }
        self.count_watchers(now);
    }

    pub(super) fn remove(
        &mut self,
        now: Instant,
        key: ViewerKey,
        reason: LeaveReason,
        out: &mut Out<'_>,
    ) {
        let Some(mut viewer) = self.viewers.remove(&key) else {
            return;
        };
        // Before closing the connection: if that panics, the place is free all the same.
        self.peer_index.directory().remove(key, &viewer.id);
        self.peer_index.give_place_back(self.shard);
        self.metrics.viewers.dec();
        viewer.peer.close(now);
        viewer.peer.drain(now, &mut self.outgoing);
        send(&mut self.outgoing, out);
        if let Some(deadline) = viewer.deadline {
            self.timetable.remove(&(deadline, key));
        }
        self.note_failed_join(now, &viewer, reason);
        if reason == LeaveReason::Closed {
            self.peer_index.directory().recently_closed.add(viewer.id);
        }
        count(&self.metrics.leaves, reason, 1);
        tracing::debug!(
            ?reason,
            watched_s = now
                .saturating_duration_since(viewer.steps.offered_at)
                .as_secs(),
            "a viewer left"
        );
        self.count_watchers(now);
    }

    /// Counts a viewer that leaves before its first picture.
    fn note_failed_join(&self, now: Instant, viewer: &Viewer, reason: LeaveReason) {
        if viewer.started {
            return;
        }
        let failure = viewer.steps.failure(reason, viewer.place.is_lost());
        if let Some(failure) = failure {
            count_join_failure(&self.metrics, failure);
            let spans = viewer.steps.spans(now, Some(failure));
            spans.into_iter().for_each(trace::record);
        }
    }
}

impl Audience {
    /// Adds a publisher; returns its place at the source switch.
    pub(crate) fn publish(
        &mut self,
        now: Instant,
        newcomer: NewPublisher,
        out: &mut Out<'_>,
    ) -> Result<Guest, SessionError> {
        if let Some((_, present)) = &self.publishing.0
            && !newcomer.parts.takes_over
            && !present.is_replaceable(now)
        {
            // overflow: refused, with 409
            return Err(SessionError::Full);
        }
        self.dismiss_publisher(now, "another took its place", out);
        let (key, names) = (self.new_key(), Arc::clone(newcomer.peer.names()));
        let id = newcomer.id.clone();
        self.peer_index.directory().add(key, id, names);
        newcomer.parts.metrics.publishers.set(1);
        let guest = newcomer.parts.switch.guest(newcomer.parts.name);
        self.publishing.0 = Some((key, IngestPublisher::new(newcomer)));
        self.settle_publisher(now, out);
        Ok(guest)
    }

    /// Runs the publisher's timer if it is due.
    pub(super) fn tick_publisher(&mut self, now: Instant, out: &mut Out<'_>) {
        if let Some((_, publisher)) = &mut self.publishing.0
            && publisher.deadline.is_some_and(|due| due <= now)
        {
            publisher.peer.tick(now);
            self.settle_publisher(now, out);
        }
    }

    /// Ends the publisher's session. Its later `DELETE` succeeds all the same.
    pub(in crate::engine) fn dismiss_publisher(
        &mut self,
        now: Instant,
        reason: &str,
        out: &mut Out<'_>,
    ) {
        if let Some(id) = self.remove_publisher(now, reason, out) {
            self.peer_index.directory().recently_closed.add(id);
        }
    }

    /// Closes the publisher's connection and removes it; returns the id of its session.
    pub(super) fn remove_publisher(
        &mut self,
        now: Instant,
        reason: &str,
        out: &mut Out<'_>,
    ) -> Option<String> {
        let (key, mut publisher) = self.publishing.0.take()?;
        publisher.peer.close(now);
        publisher.peer.drain(now, &mut self.outgoing);
        send(&mut self.outgoing, out);
        self.peer_index.directory().remove(key, &publisher.id);
        publisher.metrics.publishers.set(0);
        tracing::info!(reason, "the publisher left");
        Some(publisher.id)
    }

    pub(super) fn settle_publisher(&mut self, now: Instant, out: &mut Out<'_>) {
        let connect_within = self.limits.connect_within;
        let Some((key, publisher)) = &mut self.publishing.0 else {
            return;
        };
        if !publisher.process(now, connect_within) {
            return self.dismiss_publisher(now, "its connection ended", out);
        }
        let least = now + TICK_LEAST;
        publisher.deadline = publisher.deadline.map(|due| due.max(least));
        publisher.peer.drain(now, &mut self.outgoing);
        self.peer_index.note_sent(*key, &self.outgoing);
        send(&mut self.outgoing, out);
    }
}
