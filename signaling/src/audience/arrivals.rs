//! Datagrams on their way in: whose they are, and what they change.

use std::time::Instant;

use super::{Audience, Out};
use crate::congestion::Control;
use crate::demux::{Kind, ViewerKey, classify};
use crate::engine_metrics::{IgnoredCause, count};
use crate::path::Path;
use crate::peer::Arriving;

impl Audience {
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
        if let Some(viewer) = self.viewers.get_mut(&key) {
            viewer.peer.receive(now, kind, way, bytes);
            self.heed_move(now, key);
            self.heed_feedback(now, key);
        } else {
            self.publishing.peer(key)?.receive(now, kind, way, bytes);
        }
        self.settle(now, key, out);
        Some(key)
    }

    /// Takes the end of a connection that carried this path.
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
}
