//! Incoming datagrams: whose they are, and what they change; the RTCP feedback of viewers.

use std::time::Instant;

use super::pictures::request_keyframe;
use super::{Audience, Out};
use crate::congestion::Control;
use crate::fanout::media_sender::step::Step;
use crate::fanout::viewer::Viewer;
use crate::metrics::{IgnoredCause, count};
use crate::rtp::rtcp::Feedback;
use crate::transport::demux::{Kind, Origin, ViewerKey, classify};
use crate::transport::peer::PacketSource;
use crate::transport::runs::Path;
use crate::transport::stun::{Class, Message};

impl Audience {
    /// The session that a datagram belongs to, on any shard. An ICE check belongs to none unless it is
    /// signed with the right password.
    pub(crate) fn whose(&self, way: PacketSource, bytes: &[u8]) -> Option<ViewerKey> {
        let kind = classify(bytes);
        let from = (way.protocol, way.from);
        let key = match kind {
            Kind::Stun(message) if message.class == Class::Request => self.checks(&message, from),
            _ => self.peer_index.directory().demux.route(kind, from),
        };
        if key.is_none() {
            // overflow: counted. A datagram of a stranger changes nothing.
            let cause = match kind {
                Kind::Garbage => IgnoredCause::Garbage,
                _ => IgnoredCause::Stranger,
            };
            count(&self.metrics.ignored, cause, 1);
        }
        key
    }

    /// Takes a datagram of a session of this shard. `true`: it proves that its source address belongs to
    /// the session.
    pub(crate) fn receive(
        &mut self,
        now: Instant,
        key: ViewerKey,
        way: PacketSource,
        bytes: &[u8],
        out: &mut Out<'_>,
    ) -> bool {
        let kind = classify(bytes);
        let mut proven = false;
        if let Some(viewer) = self.viewers.get_mut(&key) {
            proven = viewer.peer.receive(now, kind, way, bytes);
            self.restart_on_new_path(now, key);
            self.handle_feedback(now, key);
        } else if let Some(peer) = self.publishing.peer(key) {
            proven = peer.receive(now, kind, way, bytes);
        }
        if proven {
            let from = (way.protocol, way.from);
            self.peer_index.directory().demux.prove(key, from);
        }
        self.note_presence(now, key);
        self.settle(now, key, out);
        proven
    }

    /// The session of an ICE check. Its source address is then claimed for the session.
    fn checks(&self, check: &Message<'_>, from: Origin) -> Option<ViewerKey> {
        let named = self.peer_index.directory().demux.find_by_username(check);
        let (key, names) = named?;
        // Outside the lock: this computes an HMAC.
        if !names.is_authentic(check, self.crypto.crypto()) {
            return None;
        }
        self.peer_index.directory().demux.claim(key, from);
        Some(key)
    }

    /// The TCP connection of this path has ended.
    pub(crate) fn close_path(
        &mut self,
        now: Instant,
        key: ViewerKey,
        path: Path,
        out: &mut Out<'_>,
    ) {
        let viewer = self.viewers.get_mut(&key).map(|viewer| &mut viewer.peer);
        if let Some(peer) = viewer.or_else(|| self.publishing.peer(key)) {
            peer.close_path(now, path);
            self.settle(now, key, out);
        }
    }

    /// What was sent over a path that did not work any more is lost: a keyframe restores the picture
    /// sooner than a NACK for each packet. Estimates of the old path do not apply to the new one.
    fn restart_on_new_path(&mut self, now: Instant, key: ViewerKey) {
        if let Some(viewer) = self.viewers.get_mut(&key)
            && viewer.peer.take_moved()
        {
            viewer.media.control = Control::new(now, viewer.media.control.choice());
            request_keyframe(&self.demand, &self.metrics, viewer.media.rendition);
        }
    }

    fn handle_feedback(&mut self, now: Instant, key: ViewerKey) {
        let Some(viewer) = self.viewers.get_mut(&key) else {
            return;
        };
        let mut step = Step::default();
        for feedback in viewer.peer.feedback() {
            let counter = match &feedback {
                Feedback::Pli => Some(&self.metrics.plis),
                Feedback::Fir => Some(&self.metrics.firs),
                Feedback::Nack(_) => Some(&self.metrics.nacks),
                Feedback::Transport(_) => Some(&self.metrics.transport_feedbacks),
                Feedback::Report(_) => None,
            };
            if let Some(counter) = counter {
                counter.inc();
            }
            let Viewer { media, peer, .. } = &mut *viewer;
            let sink = &mut |header: &_, payload: &[u8]| peer.write_rtp(header, payload);
            let (clock, rings) = (&self.clock, &self.rings);
            media.feedback(now, &feedback, clock, rings, sink, &mut step);
        }
        if step.picture_lost && viewer.started {
            viewer.media.freeze.began(now);
        }
        self.settle_media(now, key, &step);
    }
}
