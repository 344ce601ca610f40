//! One viewer's transport: ICE, DTLS and SRTP of the sans-I/O `rtc` library, fed and drained by us.

mod library;

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use rtc::interceptor::{Registry, Slot};
use rtc::peer_connection::RTCPeerConnection;
use rtc::peer_connection::event::RTCPeerConnectionEvent;
use rtc::peer_connection::message::{RTCMessage, TaggedRTCMessage};
use rtc::peer_connection::state::{RTCIceConnectionState, RTCPeerConnectionState};
use rtc::peer_connection::transport::{RTCDtlsTransportState, RTCIceCandidateInit};
use rtc::rtp_transceiver::RTCRtpSenderId;
use rtc::sansio::Protocol;
use rtc::shared::error::Error;
use rtc::shared::{TaggedBytesMut, TransportContext, TransportProtocol};

use crate::candidates::host_line;
use crate::demux::Kind;
use crate::identity::{Identity, SessionNames};
use crate::rtcp::{Feedback, FeedbackInbox, FeedbackInterceptor};
use crate::runs::Datagram;
use crate::sdp::{Offer, REMOTE_CANDIDATES_MAX, RemoteCandidate};

/// Nominations kept for a second try.
const EARLY_MAX: usize = 4;
/// Addresses of ours that one viewer can use, those it found by itself included.
const LOCAL_MAX: usize = 12;
/// Beyond the library's own interceptors, of which there are none.
const FEEDBACK_SLOT: usize = 60_000;

/// How long ICE waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct IceTimes {
    /// Silence after which sending stops.
    pub(crate) disconnected: Duration,
    /// Further silence after which the viewer is given up.
    pub(crate) failed: Duration,
}

/// How the transport stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Link {
    /// Checks or handshake are under way.
    Connecting,
    /// Media can be sent.
    Up,
    /// Nothing has been heard for a while.
    Silent,
    /// Given up: no more checks answered, or the handshake failed.
    Failed,
    /// The viewer closed it.
    Closed,
}

/// The transport of one viewer.
pub(crate) struct Peer {
    pc: RTCPeerConnection,
    sender: RTCRtpSenderId,
    inbox: FeedbackInbox,
    /// Our addresses that the library knows for this viewer.
    local: Vec<IpAddr>,
    port: u16,
    remote_candidates: usize,
    link: Link,
    ice_up: bool,
    early: Vec<Early>,
}

/// A nominating check that came before our own check of that path was answered. The library neither
/// answers nor remembers it (rtc-ice 0.21.1, `ControlledSelector::handle_binding_request`), and the
/// viewer's next one is up to 500 ms away: so it is given to the library again as soon as our check
/// is answered.
struct Early {
    from: SocketAddr,
    to: IpAddr,
    bytes: BytesMut,
}

/// What the engine brings to each peer.
pub(crate) struct PeerParts<'a> {
    pub(crate) identity: &'a Identity,
    pub(crate) names: &'a SessionNames,
    pub(crate) local: &'a [IpAddr],
    pub(crate) port: u16,
    pub(crate) ice: IceTimes,
}

impl Peer {
    /// Accepts an offer: from now on its checks can be answered.
    pub(crate) fn accept(
        now: Instant,
        offer: &Offer,
        parts: &PeerParts<'_>,
    ) -> Result<Self, Error> {
        let inbox = FeedbackInbox::default();
        let feedback = FeedbackInterceptor::new(parts.names.ssrc, inbox.clone());
        let chain = Registry::new().with(Slot::from(FEEDBACK_SLOT), feedback);
        let peer = Self::accept_with(now, offer, parts, chain)?;
        Ok(Self { inbox, ..peer })
    }

    /// As [`Self::accept`], with `chain` for what comes in instead of feedback.
    pub(crate) fn accept_with(
        now: Instant,
        offer: &Offer,
        parts: &PeerParts<'_>,
        chain: Registry,
    ) -> Result<Self, Error> {
        let (pc, sender) = library::connection(now, offer, parts, chain)?;
        let mut peer = Self {
            pc,
            sender,
            inbox: FeedbackInbox::default(),
            local: Vec::new(),
            port: parts.port,
            remote_candidates: offer.candidates.len(),
            link: Link::Connecting,
            ice_up: false,
            early: Vec::new(),
        };
        for ip in parts.local {
            peer.add_local(*ip);
        }
        Ok(peer)
    }

    /// Takes a datagram of this viewer.
    pub(crate) fn receive(
        &mut self,
        now: Instant,
        kind: Kind<'_>,
        from: SocketAddr,
        to: Option<IpAddr>,
        bytes: &[u8],
    ) {
        let same_family = |ip: &&IpAddr| ip.is_ipv4() == from.is_ipv4();
        let Some(to) = to.or_else(|| self.local.iter().find(same_family).copied()) else {
            return;
        };
        let bytes = BytesMut::from(bytes);
        match kind {
            Kind::StunRequest { nominates, .. } => {
                self.add_local(to);
                if nominates && !self.ice_up {
                    self.remember(from, to, bytes.clone());
                }
                self.feed(now, from, to, bytes);
            }
            Kind::StunResponse { .. } => {
                self.feed(now, from, to, bytes);
                self.feed_early(now, from);
            }
            Kind::Dtls { alert } => {
                self.feed(now, from, to, bytes);
                if alert {
                    self.note_alert();
                }
            }
            Kind::Rtp => self.feed(now, from, to, bytes),
            Kind::Garbage => {}
        }
    }

    /// Lets time pass.
    pub(crate) fn tick(&mut self, now: Instant) {
        if let Err(error) = self.pc.handle_timeout(now) {
            tracing::debug!(%error, "a viewer's timers failed");
            self.link = Link::Failed;
        }
        self.follow_events(now);
    }

    /// When [`Self::tick`] is next due.
    pub(crate) fn due(&mut self) -> Option<Instant> {
        self.pc.poll_timeout()
    }

    /// Takes an RTP packet; it comes out of [`Self::drain`] encrypted.
    pub(crate) fn write_rtp(&mut self, now: Instant, packet: rtc::rtp::packet::Packet) {
        self.write(now, RTCMessage::RtpPacket(String::new(), packet));
    }

    /// Takes an RTCP packet.
    pub(crate) fn write_rtcp(&mut self, now: Instant, packet: Box<dyn rtc::rtcp::Packet>) {
        self.write(now, RTCMessage::RtcpPacket(String::new(), vec![packet]));
    }

    /// Appends what is to be sent.
    pub(crate) fn drain(&mut self, out: &mut Vec<Datagram>) {
        let first = out.len();
        while let Some(message) = self.pc.poll_write() {
            if message.transport.transport_protocol == TransportProtocol::UDP {
                out.push(Datagram {
                    to: message.transport.peer_addr,
                    from: message.transport.local_addr.ip(),
                    bytes: message.message,
                });
            }
        }
        if self.link == Link::Connecting {
            checks_first(&mut out[first..]);
        }
    }

    /// Takes the viewer's feedback.
    pub(crate) fn feedback(&self) -> Vec<Feedback> {
        self.inbox.take()
    }

    /// How the transport stands.
    pub(crate) fn link(&self) -> Link {
        self.link
    }

    /// Adds candidates that came after the offer; more than a fair number are left out.
    pub(crate) fn trickle(&mut self, candidates: &[RemoteCandidate]) {
        for candidate in candidates {
            if self.remote_candidates >= REMOTE_CANDIDATES_MAX {
                return;
            }
            let init = RTCIceCandidateInit {
                candidate: candidate.line(self.remote_candidates),
                ..RTCIceCandidateInit::default()
            };
            self.remote_candidates += 1;
            if let Err(error) = self.pc.add_remote_candidate(init) {
                tracing::debug!(%error, "a trickled candidate was refused");
            }
        }
    }

    /// Says goodbye; [`Self::drain`] has the message.
    pub(crate) fn close(&mut self) {
        if let Err(error) = self.pc.close() {
            tracing::debug!(%error, "a viewer's connection did not close cleanly");
        }
    }

    fn write(&mut self, now: Instant, message: RTCMessage) {
        if let Err(error) = self.pc.handle_write(TaggedRTCMessage { now, message }) {
            tracing::debug!(%error, "a packet was refused");
        }
    }

    fn feed(&mut self, now: Instant, from: SocketAddr, to: IpAddr, message: BytesMut) {
        let transport = TransportContext {
            local_addr: SocketAddr::new(to, self.port),
            peer_addr: from,
            transport_protocol: TransportProtocol::UDP,
            ecn: None,
        };
        let fed = self.pc.handle_read(TaggedBytesMut {
            now,
            transport,
            message,
        });
        if let Err(error) = fed {
            tracing::debug!(%error, "a datagram was refused");
        }
        self.follow_events(now);
    }

    fn remember(&mut self, from: SocketAddr, to: IpAddr, bytes: BytesMut) {
        self.early
            .retain(|early| (early.from, early.to) != (from, to));
        if self.early.len() >= EARLY_MAX {
            self.early.remove(0);
        }
        self.early.push(Early { from, to, bytes });
    }

    fn feed_early(&mut self, now: Instant, from: SocketAddr) {
        if self.ice_up {
            return;
        }
        while let Some(index) = self.early.iter().position(|early| early.from == from) {
            let early = self.early.swap_remove(index);
            self.feed(now, early.from, early.to, early.bytes);
        }
    }

    fn follow_events(&mut self, now: Instant) {
        while let Some(event) = self.pc.poll_event() {
            match event {
                RTCPeerConnectionEvent::OnIceConnectionStateChangeEvent(state) => {
                    self.follow_ice(now, state);
                }
                RTCPeerConnectionEvent::OnConnectionStateChangeEvent(state) => self.follow(state),
                _ => {}
            }
        }
        // Viewers send no media and have no data channel: whatever surfaces is dropped.
        while self.pc.poll_media_read().is_some() {}
        while self.pc.poll_data_read().is_some() {}
    }

    fn follow_ice(&mut self, now: Instant, state: RTCIceConnectionState) {
        let up = matches!(
            state,
            RTCIceConnectionState::Connected | RTCIceConnectionState::Completed
        );
        if up && !self.ice_up {
            self.early.clear();
            // The library has queued the first handshake message but only lets it out when time
            // passes (rtc 0.21.1, `DtlsHandler::handle_event`): up to 200 ms later by its own
            // timer.
            if let Err(error) = self.pc.handle_timeout(now) {
                tracing::debug!(%error, "a handshake could not begin");
            }
        }
        self.ice_up = up;
    }

    fn follow(&mut self, state: RTCPeerConnectionState) {
        let ended = matches!(self.link, Link::Closed | Link::Failed);
        self.link = match state {
            _ if ended => self.link,
            RTCPeerConnectionState::Connected => Link::Up,
            RTCPeerConnectionState::Disconnected => Link::Silent,
            RTCPeerConnectionState::Failed => Link::Failed,
            RTCPeerConnectionState::Closed => Link::Closed,
            _ => self.link,
        };
    }

    /// The library reports a close by the viewer only in the transport's state.
    fn note_alert(&mut self) {
        let state = self
            .pc
            .rtp_sender(self.sender)
            .and_then(|sender| sender.transport().map(|transport| transport.state()));
        match state {
            Some(RTCDtlsTransportState::Closed) => self.link = Link::Closed,
            Some(RTCDtlsTransportState::Failed) => self.link = Link::Failed,
            _ => {}
        }
    }

    /// Makes an address of ours usable. One that no answer named is learnt when a check arrives
    /// there.
    fn add_local(&mut self, ip: IpAddr) {
        if self.local.contains(&ip) || self.local.len() >= LOCAL_MAX {
            return;
        }
        let preference = u16::MAX - u16::try_from(self.local.len()).unwrap_or(0);
        let init = RTCIceCandidateInit {
            candidate: host_line(self.local.len() + 1, preference, ip, self.port),
            ..RTCIceCandidateInit::default()
        };
        self.local.push(ip);
        if let Err(error) = self.pc.add_local_candidate(init) {
            tracing::warn!(%error, "a local address cannot serve as a candidate");
        }
    }
}

/// Puts STUN (RFC 7983: a first byte up to 3) before all else, the rest stays in order.
///
/// The library lets the first handshake message out before its answer to the check that allowed it
/// (rtc 0.21.1). A viewer whose stack takes DTLS only once that answer has come, as the same library
/// does, drops the message, and the next comes a second later (RFC 6347 4.2.4.1).
fn checks_first(datagrams: &mut [Datagram]) {
    datagrams.sort_by_key(|datagram| datagram.bytes.first().is_none_or(|first| *first > 3));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_to_checks_leave_before_the_handshake_they_allow() {
        let address = SocketAddr::from(([127, 0, 0, 1], 9));
        let mut datagrams = [22, 23, 1, 0, 128].map(|first: u8| Datagram {
            to: address,
            from: address.ip(),
            bytes: BytesMut::from(&[first][..]),
        });
        checks_first(&mut datagrams);
        assert_eq!(
            datagrams.map(|datagram| datagram.bytes[0]),
            [1, 0, 22, 23, 128]
        );
    }
}
