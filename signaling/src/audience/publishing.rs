//! The one who publishes, beside those who watch: on the same port, by the same demultiplexer.

use std::sync::Arc;
use std::time::{Duration, Instant};

use capture::Guest;

use super::{Audience, Out, TICK_LEAST};
use crate::demux::ViewerKey;
use crate::peer::Peer;
use crate::session::Refused;
use crate::whip::{Newcomer, Publisher};

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

    pub(super) fn resume(&mut self, now: Instant, pause: Duration) {
        if let Some((_, publisher)) = &mut self.0 {
            publisher.peer.resume(now, pause);
        }
    }

    /// Its transport, if this is its key.
    pub(super) fn peer(&mut self, key: ViewerKey) -> Option<&mut Peer> {
        let named = self.0.as_mut().filter(|(present, _)| *present == key);
        named.map(|(_, publisher)| &mut publisher.peer)
    }
}

impl Audience {
    /// Takes somebody who publishes; the answer is its place at the switch.
    pub(crate) fn publish(
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
        let (key, names) = (self.new_key(), Arc::clone(newcomer.peer.names()));
        let id = newcomer.id.clone();
        self.ledger.directory().add(key, id, names);
        newcomer.parts.metrics.publishers.set(1);
        let guest = newcomer.parts.switch.guest(newcomer.parts.name);
        self.publishing.0 = Some((key, Publisher::new(newcomer)));
        self.settle_publisher(now, out);
        Ok(guest)
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
            self.ledger.directory().goodbyes.hung_up(id);
        }
    }

    /// Takes the publisher out with a goodbye; the name of its session.
    pub(super) fn remove_publisher(
        &mut self,
        now: Instant,
        reason: &str,
        out: &mut Out<'_>,
    ) -> Option<String> {
        let (key, mut publisher) = self.publishing.0.take()?;
        publisher.peer.close(now);
        publisher.peer.drain(now, &mut self.outgoing);
        out(&self.outgoing);
        self.outgoing.clear();
        self.ledger.directory().remove(key, &publisher.id);
        publisher.metrics.publishers.set(0);
        tracing::info!(reason, "the publisher left");
        Some(publisher.id)
    }

    pub(super) fn settle_publisher(&mut self, now: Instant, out: &mut Out<'_>) {
        let connect_within = self.limits.connect_within;
        let Some((key, publisher)) = &mut self.publishing.0 else {
            return;
        };
        if !publisher.settle(now, connect_within) {
            return self.dismiss_publisher(now, "its connection ended", out);
        }
        let least = now + TICK_LEAST;
        publisher.deadline = publisher.deadline.map(|due| due.max(least));
        publisher.peer.drain(now, &mut self.outgoing);
        self.ledger.note_sent(*key, &self.outgoing);
        out(&self.outgoing);
        self.outgoing.clear();
    }
}
