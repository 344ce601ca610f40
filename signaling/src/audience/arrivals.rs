//! Datagrams on their way in: whose they are, and what they change.

use std::time::Instant;

use super::{Audience, Out};
use crate::congestion::Control;
use crate::demux::{Kind, ViewerKey, classify};
use crate::engine_metrics::{IgnoredCause, count};
use crate::path::Path;
use crate::peer::Arriving;

impl Audience {
    /// Whose a datagram is that came in, of whichever shard. A check teaches everybody its address.
    pub(crate) fn whose(&self, way: Arriving, bytes: &[u8]) -> Option<ViewerKey> {
        let kind = classify(bytes);
        let from = (way.carriage, way.from);
        let key = self.ledger.directory().demux.route(kind, from);
        if key.is_none() {
            // overflow: counted. Nothing that a stranger sends leaves a trace.
            let cause = match kind {
                Kind::Garbage => IgnoredCause::Garbage,
                _ => IgnoredCause::Stranger,
            };
            count(&self.metrics.ignored, cause, 1);
        }
        key
    }

    /// Takes a datagram of one of this shard.
    pub(crate) fn receive(
        &mut self,
        now: Instant,
        key: ViewerKey,
        way: Arriving,
        bytes: &[u8],
        out: &mut Out<'_>,
    ) {
        let kind = classify(bytes);
        if let Some(viewer) = self.viewers.get_mut(&key) {
            viewer.peer.receive(now, kind, way, bytes);
            self.heed_move(now, key);
            self.heed_feedback(now, key);
        } else if let Some(peer) = self.publishing.peer(key) {
            peer.receive(now, kind, way, bytes);
        }
        self.settle(now, key, out);
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
            self.ledger.want_keyframe(viewer.rendition);
        }
    }
}
