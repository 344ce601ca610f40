//! A publisher: its transport and its media.

use std::sync::Arc;
use std::time::{Duration, Instant};

use capture::SourceSwitch;
use rtc::rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
use rtc::rtcp::transport_feedbacks::transport_layer_nack::{
    TransportLayerNack, nack_pairs_from_sequence_numbers,
};

use super::inbox::MediaInbox;
use super::metrics::WhipMetrics;
use super::reception::{MediaParams, Reception};
use super::unit_queue::UnitSender;
use crate::transport::demux::ViewerKey;
use crate::transport::peer::{LinkState, Peer};

/// After this long without media another publisher may replace it.
const MEDIA_TIMEOUT: Duration = Duration::from_millis(1500);
/// A publisher that has sent nothing may be replaced after this long since its offer.
const FIRST_MEDIA_TIMEOUT: Duration = Duration::from_secs(5);

/// A publisher whose offer was accepted.
pub(crate) struct NewPublisher {
    pub(crate) id: String,
    pub(crate) peer: Peer,
    pub(crate) inbox: MediaInbox,
    pub(crate) params: MediaParams,
    /// Sender SSRC of our feedback.
    pub(crate) ssrc: u32,
    pub(crate) offered_at: Instant,
    pub(crate) parts: NewPublisherParts,
}

/// The parts that exist before the offer is parsed.
pub(crate) struct NewPublisherParts {
    pub(crate) units: UnitSender,
    pub(crate) metrics: Arc<WhipMetrics>,
    pub(crate) switch: Arc<SourceSwitch>,
    /// Source name shown to viewers.
    pub(crate) name: &'static str,
    /// Whether it may replace another publisher.
    pub(crate) takes_over: bool,
}

/// The publisher in the engine.
pub(crate) struct IngestPublisher {
    pub(crate) id: String,
    pub(crate) peer: Peer,
    pub(crate) metrics: Arc<WhipMetrics>,
    inbox: MediaInbox,
    reception: Reception,
    ssrc: u32,
    offered_at: Instant,
    connected: bool,
    /// When [`Self::process`] is due next.
    pub(crate) deadline: Option<Instant>,
}

impl IngestPublisher {
    pub(crate) fn new(newcomer: NewPublisher) -> Self {
        let NewPublisher { params, parts, .. } = newcomer;
        let metrics = parts.metrics;
        Self {
            id: newcomer.id,
            peer: newcomer.peer,
            inbox: newcomer.inbox,
            reception: Reception::new(params, parts.units, Arc::clone(&metrics)),
            metrics,
            ssrc: newcomer.ssrc,
            offered_at: newcomer.offered_at,
            connected: false,
            deadline: Some(newcomer.offered_at),
        }
    }

    /// Whether another publisher may replace it: its media has stopped, or never began.
    pub(crate) fn is_replaceable(&self, now: Instant) -> bool {
        let since = |at| now.saturating_duration_since(at);
        match self.reception.heard_at() {
            Some(heard_at) => since(heard_at) >= MEDIA_TIMEOUT,
            None => since(self.offered_at) >= FIRST_MEDIA_TIMEOUT,
        }
    }

    /// Passes on received media and sends feedback; call after a datagram or at the deadline. Returns `false`
    /// if the publisher is gone.
    pub(crate) fn process(&mut self, now: Instant, connect_within: Duration) -> bool {
        match self.peer.link() {
            LinkState::Closed | LinkState::Failed => return false,
            LinkState::Up => self.connected = true,
            LinkState::Connecting | LinkState::Silent => {}
        }
        let connect_by = self.offered_at + connect_within;
        if !self.connected && now >= connect_by {
            return false;
        }
        if self.peer.take_moved() {
            self.reception.on_path_change();
        }
        for packet in self.inbox.take() {
            self.reception.packet(now, packet);
        }
        self.reception.tick(now);
        if self.peer.link() == LinkState::Up {
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
        if !requests.nacks.is_empty() {
            let nacks = nack_pairs_from_sequence_numbers(&requests.nacks);
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

/// The current publisher, if any.
#[derive(Default)]
pub(crate) struct CurrentPublisher(pub(crate) Option<(ViewerKey, IngestPublisher)>);

impl CurrentPublisher {
    /// When [`IngestPublisher::process`] is next due.
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

    /// Its transport, if the key matches.
    pub(crate) fn peer(&mut self, key: ViewerKey) -> Option<&mut Peer> {
        let named = self.0.as_mut().filter(|(present, _)| *present == key);
        named.map(|(_, publisher)| &mut publisher.peer)
    }
}
