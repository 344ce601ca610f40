//! The one who publishes, beside those who watch: on the same port, by the same demultiplexer.

use std::time::Instant;

use capture::Guest;

use super::{Audience, Out, Refused, TICK_LEAST};
use crate::demux::{Kind, ViewerKey};
use crate::engine::Trickle;
use crate::path::Path;
use crate::peer::Arriving;
use crate::whip::{Newcomer, Publisher, Request};

/// Whoever publishes now.
#[derive(Default)]
pub(super) struct Publishing(Option<(ViewerKey, Publisher)>);

impl Publishing {
    /// When [`Audience::tick_publisher`] is next due.
    pub(super) fn due(&self) -> Option<Instant> {
        self.0
            .as_ref()
            .and_then(|(_, publisher)| publisher.deadline)
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        usize::from(self.0.is_some())
    }

    pub(super) fn is(&self, key: ViewerKey) -> bool {
        self.0.as_ref().is_some_and(|(present, _)| *present == key)
    }

    /// The publisher of this session.
    fn named(&mut self, id: &str) -> Result<&mut Publisher, Refused> {
        let named = self.0.as_mut().filter(|(_, publisher)| publisher.id == id);
        named
            .map(|(_, publisher)| publisher)
            .ok_or(Refused::Unknown)
    }
}

impl Audience {
    /// Serves a request about publishing.
    pub(crate) fn obey_publisher(&mut self, now: Instant, request: Request, out: &mut Out<'_>) {
        // Whoever asked may have gone away.
        match request {
            Request::Publish(newcomer, reply) => {
                let _ = reply.send(self.publish(now, *newcomer, out));
            }
            Request::Trickle(trickle, reply) => {
                let _ = reply.send(self.trickle_publisher(now, &trickle, out));
            }
            Request::Leave(id, reply) => {
                let _ = reply.send(self.unpublish(now, &id, out));
            }
        }
    }

    fn publish(
        &mut self,
        now: Instant,
        newcomer: Newcomer,
        out: &mut Out<'_>,
    ) -> Result<Guest, Refused> {
        if let Some((_, present)) = &self.publishing.0
            && !newcomer.parts.takes_over
            && !present.is_replaceable(now)
        {
            // overflow: refused, with 409
            return Err(Refused::Full);
        }
        self.dismiss_publisher(now, "another took its place", out);
        let key = ViewerKey(self.next_key);
        self.next_key += 1;
        self.demux.add(key, newcomer.local_ufrag.clone());
        newcomer.parts.metrics.publishers.set(1);
        let guest = newcomer.parts.switch.guest(newcomer.parts.name);
        self.publishing.0 = Some((key, Publisher::new(newcomer)));
        self.settle_publisher(now, out);
        Ok(guest)
    }

    fn trickle_publisher(
        &mut self,
        now: Instant,
        trickle: &Trickle,
        out: &mut Out<'_>,
    ) -> Result<(), Refused> {
        let publisher = self.publishing.named(&trickle.id)?;
        if trickle
            .tag
            .as_ref()
            .is_some_and(|tag| *tag != publisher.local_ufrag)
        {
            return Err(Refused::WrongTag);
        }
        if trickle
            .ufrag
            .as_ref()
            .is_some_and(|ufrag| *ufrag != publisher.remote_ufrag)
        {
            return Err(Refused::Restart);
        }
        publisher.peer.trickle(&trickle.candidates);
        self.settle_publisher(now, out);
        Ok(())
    }

    fn unpublish(&mut self, now: Instant, id: &str, out: &mut Out<'_>) -> Result<(), Refused> {
        if self.goodbyes.take(id) {
            return Ok(());
        }
        self.publishing.named(id)?;
        self.remove_publisher(now, "it said so", out);
        Ok(())
    }

    /// Takes a datagram that is no viewer's.
    pub(super) fn receive_published(
        &mut self,
        now: Instant,
        key: ViewerKey,
        kind: Kind<'_>,
        way: Arriving,
        bytes: &[u8],
        out: &mut Out<'_>,
    ) -> Option<ViewerKey> {
        let (_, publisher) = self.publishing.0.as_mut()?;
        publisher.peer.receive(now, kind, way, bytes);
        self.settle_publisher(now, out);
        Some(key)
    }

    /// Takes the end of a connection of no viewer's.
    pub(super) fn close_published(
        &mut self,
        now: Instant,
        key: ViewerKey,
        path: Path,
        out: &mut Out<'_>,
    ) {
        if self.publishing.is(key)
            && let Some((_, publisher)) = &mut self.publishing.0
        {
            publisher.peer.close_path(now, path);
            self.settle_publisher(now, out);
        }
    }

    /// Lets time pass for the publisher.
    pub(super) fn tick_publisher(&mut self, now: Instant, out: &mut Out<'_>) {
        if let Some((_, publisher)) = &mut self.publishing.0
            && publisher.deadline.is_some_and(|due| due <= now)
        {
            publisher.peer.tick(now);
            self.settle_publisher(now, out);
        }
    }

    /// Ends the publisher's session. It may not know yet: its `DELETE` is answered as any other.
    pub(super) fn dismiss_publisher(&mut self, now: Instant, reason: &str, out: &mut Out<'_>) {
        if let Some(id) = self.remove_publisher(now, reason, out) {
            self.goodbyes.hung_up(id);
        }
    }

    /// Takes the publisher out with a goodbye; the name of its session.
    fn remove_publisher(
        &mut self,
        now: Instant,
        reason: &str,
        out: &mut Out<'_>,
    ) -> Option<String> {
        let (key, mut publisher) = self.publishing.0.take()?;
        publisher.peer.close(now);
        publisher.peer.drain(&mut self.outgoing);
        out(&self.outgoing);
        self.outgoing.clear();
        self.demux.remove(key);
        publisher.metrics.publishers.set(0);
        tracing::info!(reason, "the publisher left");
        Some(publisher.id)
    }

    fn settle_publisher(&mut self, now: Instant, out: &mut Out<'_>) {
        let connect_within = self.limits.connect_within;
        let Some((key, publisher)) = &mut self.publishing.0 else {
            return;
        };
        if !publisher.settle(now, connect_within) {
            return self.dismiss_publisher(now, "its connection ended", out);
        }
        let least = now + TICK_LEAST;
        publisher.deadline = publisher.deadline.map(|due| due.max(least));
        publisher.peer.drain(&mut self.outgoing);
        for datagram in &self.outgoing {
            self.demux.sent(*key, &datagram.bytes);
        }
        out(&self.outgoing);
        self.outgoing.clear();
    }
}
