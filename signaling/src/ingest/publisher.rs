//! Whoever publishes: its transport and what it sends.

use std::sync::Arc;
use std::time::{Duration, Instant};

use capture::SourceSwitch;
use rtc::rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
use rtc::rtcp::transport_feedbacks::transport_layer_nack::{
    TransportLayerNack, nack_pairs_from_sequence_numbers,
};

use super::inbox::MediaInbox;
use super::metrics::WhipMetrics;
use super::reception::{MediaTerms, Reception};
use super::unit_queue::UnitSender;
use crate::transport::demux::ViewerKey;
use crate::transport::peer::{Link, Peer};

/// Silence of its media after which another publisher may take its place.
const REPLACEABLE_AFTER: Duration = Duration::from_millis(1500);
/// A publisher that has not sent anything is left its place for this long after its offer.
const FIRST_MEDIA_WITHIN: Duration = Duration::from_secs(5);

/// What a publisher brings when its offer was accepted.
pub(crate) struct Newcomer {
    pub(crate) id: String,
    pub(crate) peer: Peer,
    pub(crate) inbox: MediaInbox,
    pub(crate) terms: MediaTerms,
    /// Names us in feedback.
    pub(crate) ssrc: u32,
    pub(crate) offered_at: Instant,
    pub(crate) parts: NewcomerParts,
}

/// Where a publisher's picture goes, decided before its offer is looked at.
pub(crate) struct NewcomerParts {
    pub(crate) units: UnitSender,
    pub(crate) metrics: Arc<WhipMetrics>,
    pub(crate) switch: Arc<SourceSwitch>,
    /// What viewers are told it is.
    pub(crate) name: &'static str,
    /// It may have the place of another.
    pub(crate) takes_over: bool,
}

/// A publisher of the engine.
pub(crate) struct Publisher {
    pub(crate) id: String,
    pub(crate) peer: Peer,
    pub(crate) metrics: Arc<WhipMetrics>,
    inbox: MediaInbox,
    reception: Reception,
    ssrc: u32,
    offered_at: Instant,
    connected: bool,
    /// When something of it is due.
    pub(crate) deadline: Option<Instant>,
}

impl Publisher {
    pub(crate) fn new(newcomer: Newcomer) -> Self {
        let Newcomer { terms, parts, .. } = newcomer;
        let metrics = parts.metrics;
        Self {
            id: newcomer.id,
            peer: newcomer.peer,
            inbox: newcomer.inbox,
            reception: Reception::new(terms, parts.units, Arc::clone(&metrics)),
            metrics,
            ssrc: newcomer.ssrc,
            offered_at: newcomer.offered_at,
            connected: false,
            deadline: Some(newcomer.offered_at),
        }
    }

    /// Whether its place may be given to another: its picture has stopped, or never began.
    pub(crate) fn is_replaceable(&self, now: Instant) -> bool {
        let since = |at| now.saturating_duration_since(at);
        match self.reception.heard_at() {
            Some(heard_at) => since(heard_at) >= REPLACEABLE_AFTER,
            None => since(self.offered_at) >= FIRST_MEDIA_WITHIN,
        }
    }

    /// After a datagram or some time: media onwards, requests back. `false`: it is gone.
    pub(crate) fn settle(&mut self, now: Instant, connect_within: Duration) -> bool {
        match self.peer.link() {
            Link::Closed | Link::Failed => return false,
            Link::Up => self.connected = true,
            Link::Connecting | Link::Silent => {}
        }
        let connect_by = self.offered_at + connect_within;
        if !self.connected && now >= connect_by {
            return false;
        }
        if self.peer.take_moved() {
            self.reception.note_move();
        }
        for packet in self.inbox.take() {
            self.reception.packet(now, packet);
        }
        self.reception.tick(now);
        if self.peer.link() == Link::Up {
            self.request(now);
        }
        let connect = (!self.connected).then_some(connect_by);
        let due = [self.peer.due(), self.reception.due(), connect];
        self.deadline = due.into_iter().flatten().min();
        true
    }

    fn request(&mut self, now: Instant) {
        let Some(requests) = self.reception.requests(now) else {
            return;
        };
        let (sender_ssrc, media_ssrc) = (self.ssrc, requests.ssrc);
        if !requests.again.is_empty() {
            let nacks = nack_pairs_from_sequence_numbers(&requests.again);
            let nack = TransportLayerNack {
                sender_ssrc,
                media_ssrc,
                nacks,
            };
            self.peer.write_rtcp(Box::new(nack));
        }
        if requests.keyframe {
            let pli = PictureLossIndication {
                sender_ssrc,
                media_ssrc,
            };
            self.peer.write_rtcp(Box::new(pli));
        }
    }
}

/// Whoever publishes now.
#[derive(Default)]
pub(crate) struct Publishing(pub(crate) Option<(ViewerKey, Publisher)>);

impl Publishing {
    /// When [`Publisher::settle`] is next due.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.0
            .as_ref()
            .and_then(|(_, publisher)| publisher.deadline)
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        usize::from(self.0.is_some())
    }

    pub(crate) fn is(&self, key: ViewerKey) -> bool {
        self.0.as_ref().is_some_and(|(present, _)| *present == key)
    }

    pub(crate) fn resume(&mut self, now: Instant, pause: Duration) {
        if let Some((_, publisher)) = &mut self.0 {
            publisher.peer.resume(now, pause);
        }
    }

    /// Its transport, if this is its key.
    pub(crate) fn peer(&mut self, key: ViewerKey) -> Option<&mut Peer> {
        let named = self.0.as_mut().filter(|(present, _)| *present == key);
        named.map(|(_, publisher)| &mut publisher.peer)
    }
}
