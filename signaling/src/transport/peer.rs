//! The transport of one viewer: our own ICE, with DTLS and SRTP of the sans-I/O `rtc` library.

mod dtls_duplicates;
mod sealing;
mod secure;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rtc::crypto::{self, RTCCryptoProvider};
use rtc::interceptor::{Interceptor, Packet, TaggedPacket};
use rtc::rtp::header::Header;
use rtc::shared::TransportContext;
use rtc::shared::error::Error;

use self::secure::{DtlsSrtp, DtlsState};
use super::demux::Kind;
use super::ice::{CheckCredentials, IceAgent, IceConfig, IceState, IceTimeouts, Role, StunResult};
use super::interfaces::{Network, is_checkable};
use super::runs::{Path, Run, TransportProtocol};
use super::session::{Identity, Restart, SessionNames};
use super::stun::Message;
use crate::rtp::rtcp::{Feedback, FeedbackInbox};
use crate::sdp::{Credentials, Offer, REMOTE_CANDIDATES_MAX, RemoteCandidate};

/// An ICE restart without a path by then has failed, and the old path stays.
const RESTART_TIMEOUT: Duration = Duration::from_secs(20);

/// The state of the transport.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LinkState {
    /// ICE or the DTLS handshake is in progress.
    Connecting,
    /// Media can be sent.
    Up,
    /// Nothing has been received for a while.
    Silent,
    /// ICE or the handshake has failed.
    Failed,
    /// The viewer closed it.
    Closed,
}

/// The transport of one viewer.
pub(crate) struct Peer {
    names: Arc<CheckCredentials>,
    ice: IceAgent,
    /// The agent of an ICE restart; the old path stays in use until this one has a path.
    successor: Option<Successor>,
    secure: DtlsSrtp,
    inbox: FeedbackInbox,
    /// Handles received media; `None` for viewers, which send none.
    chain: Option<InterceptorChain>,
    role: Role,
    times: IceTimeouts,
    crypto: Arc<dyn RTCCryptoProvider>,
    networks: Vec<Network>,
    remote_candidates: usize,
    closed: bool,
    moved: bool,
}

struct Successor {
    ice: IceAgent,
    since: Instant,
}

/// What the engine provides to each peer.
pub(crate) struct PeerParts<'a> {
    pub(crate) identity: &'a Identity,
    pub(crate) names: &'a SessionNames,
    pub(crate) local: &'a [IpAddr],
    pub(crate) networks: &'a [Network],
    pub(crate) ice: IceTimeouts,
}

/// Where a datagram arrived.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PacketSource {
    pub(crate) protocol: TransportProtocol,
    pub(crate) from: SocketAddr,
    /// The local address that it was sent to, where the system reports it.
    pub(crate) to: Option<IpAddr>,
}

impl Peer {
    /// Creates the transport for an offer.
    pub(crate) fn accept(
        now: Instant,
        offer: &Offer,
        parts: &PeerParts<'_>,
    ) -> Result<Self, Error> {
        let crypto = crypto::default_provider().map_err(|e| Error::Crypto(e.to_string()))?;
        let role = match offer.ice_lite {
            true => Role::Controlling,
            false => Role::Controlled,
        };
        let names = Arc::new(CheckCredentials {
            local: Credentials {
                ufrag: parts.names.ufrag.clone(),
                pwd: parts.names.pwd.clone(),
            },
            remote: offer.ufrag.clone(),
        });
        let terms = IceConfig {
            names: Arc::clone(&names),
            remote: Credentials {
                ufrag: offer.ufrag.clone(),
                pwd: offer.pwd.clone(),
            },
            role,
            addresses: parts.local,
            times: parts.ice,
            request_bytes: offer.bytes,
            crypto: Arc::clone(&crypto),
        };
        let mut peer = Self {
            names,
            ice: IceAgent::new(now, terms),
            successor: None,
            secure: DtlsSrtp::new(offer, parts.identity, Arc::clone(&crypto))?,
            inbox: FeedbackInbox::new(parts.names.ssrc),
            chain: None,
            role,
            times: parts.ice,
            crypto,
            networks: parts.networks.to_vec(),
            remote_candidates: 0,
            closed: false,
            moved: false,
        };
        peer.trickle(&offer.candidates);
        Ok(peer)
    }

    /// Like [`Self::accept`], for a publisher: `chain` gets the received packets.
    pub(crate) fn accept_with(
        now: Instant,
        offer: &Offer,
        parts: &PeerParts<'_>,
        chain: Box<dyn Interceptor>,
    ) -> Result<Self, Error> {
        let peer = Self::accept(now, offer, parts)?;
        let chain = Some(InterceptorChain(chain));
        Ok(Self { chain, ..peer })
    }

    /// Starts an ICE restart (RFC 8445 9) with new credentials and the current local addresses. The old path
    /// stays in use until the new agent has one.
    pub(crate) fn restart(&mut self, now: Instant, restart: Restart) {
        self.names = Arc::clone(&restart.names);
        self.networks = restart.networks;
        let terms = IceConfig {
            names: restart.names,
            remote: restart.remote,
            role: self.role,
            addresses: &restart.addresses,
            times: self.times,
            request_bytes: restart.request_bytes,
            crypto: Arc::clone(&self.crypto),
        };
        let ice = IceAgent::new(now, terms);
        self.successor = Some(Successor { ice, since: now });
        self.remote_candidates = 0;
        self.trickle(&restart.candidates);
    }

    /// The credentials that checks and session requests must match.
    pub(crate) fn names(&self) -> &Arc<CheckCredentials> {
        &self.names
    }

    /// Whether the viewer has sent or answered a check.
    pub(crate) fn was_checked(&self) -> bool {
        self.ice.was_checked()
    }

    /// Whether ICE has selected a path.
    pub(crate) fn has_path(&self) -> bool {
        self.ice.path().is_some()
    }

    /// The address of the viewer, or of what translates or relays it.
    pub(crate) fn remote_ip(&self) -> Option<IpAddr> {
        self.ice.path().map(|path| path.remote.ip().to_canonical())
    }

    /// The shortest round trip of a connectivity check on the selected path.
    pub(crate) fn round_trip(&self) -> Option<Duration> {
        self.ice.round_trip()
    }

    /// Handles a datagram of this viewer. Returns `true` if it proves that the viewer owns its source address.
    pub(crate) fn receive(
        &mut self,
        now: Instant,
        kind: Kind<'_>,
        arrival: PacketSource,
        bytes: &[u8],
    ) -> bool {
        let to = arrival
            .to
            .or_else(|| self.ice.address_like(arrival.from.ip()));
        let Some(local) = to else {
            return false;
        };
        let path = Path {
            protocol: arrival.protocol,
            local,
            remote: arrival.from,
        };
        match kind {
            Kind::Stun(message) => return self.receive_check(now, &message, path),
            Kind::Dtls => self.secure.handshake(now, bytes),
            Kind::Rtp => self.receive_packet(now, path, bytes),
            Kind::Garbage => {}
        }
        false
    }

    /// Call after this process was suspended for `pause`.
    pub(crate) fn resume(&mut self, now: Instant, pause: Duration) {
        self.agents().for_each(|ice| ice.resume(now, pause));
    }

    /// A TCP connection has ended.
    pub(crate) fn close_path(&mut self, now: Instant, path: Path) {
        self.agents().for_each(|ice| ice.close_path(now, path));
    }

    /// The agent of an ICE restart, if one is under way, and the agent in use.
    fn agents(&mut self) -> impl Iterator<Item = &mut IceAgent> {
        let newer = self.successor.as_mut().map(|successor| &mut successor.ice);
        newer.into_iter().chain([&mut self.ice])
    }

    /// Handles the passing of time.
    pub(crate) fn tick(&mut self, now: Instant) {
        self.agents().for_each(|ice| ice.tick(now));
        let late =
            |newer: &mut Successor| now.saturating_duration_since(newer.since) >= RESTART_TIMEOUT;
        self.successor.take_if(late);
        self.secure.tick(now);
        if let Some(chain) = &mut self.chain {
            chain.tick(now);
        }
    }

    /// When [`Self::tick`] is next due.
    pub(crate) fn due(&mut self) -> Option<Instant> {
        let successor = self.successor.as_ref().and_then(|successor| {
            let ice = successor.ice.due();
            ice.into_iter()
                .chain([successor.since + RESTART_TIMEOUT])
                .min()
        });
        let chain = self.chain.as_mut();
        let chain = chain.and_then(|chain| chain.0.poll_timeout());
        [self.ice.due(), successor, self.secure.due(), chain]
            .into_iter()
            .flatten()
            .min()
    }

    /// Encrypts an RTP packet; [`Self::drain`] returns it.
    pub(crate) fn write_rtp(&mut self, header: &Header, payload: &[u8]) {
        self.secure.seal_rtp(header, payload);
    }

    /// Encrypts an RTCP packet; [`Self::drain`] returns it.
    pub(crate) fn write_rtcp(&mut self, packet: Box<dyn rtc::rtcp::Packet>) {
        self.secure.seal_rtcp(&[packet]);
    }

    /// Appends the datagrams to send, checks first: a viewer accepts a handshake only after the response
    /// to its check. Without a path the packets are dropped.
    pub(crate) fn drain(&mut self, now: Instant, out: &mut Vec<Run>) {
        self.agents().for_each(|ice| ice.drain(out));
        if let Some(chain) = &mut self.chain {
            while let Some(report) = chain.report() {
                self.secure.seal_rtcp(&report);
            }
        }
        let path = self.ice.best_path(now);
        let sealed = self.secure.drain();
        if let Some(path) = path {
            out.extend(sealed.map(|buffer| Run::new(path, buffer)));
        }
    }

    /// Takes the feedback received so far.
    pub(crate) fn feedback(&mut self) -> Vec<Feedback> {
        self.inbox.take()
    }

    /// The state of the transport.
    pub(crate) fn link(&self) -> LinkState {
        match (self.ice.state(), self.secure.state()) {
            _ if self.closed => LinkState::Closed,
            (_, DtlsState::Closed) => LinkState::Closed,
            // The viewer is restarting ICE, so it is still there.
            (IceState::Failed, DtlsState::Up) if self.successor.is_some() => LinkState::Silent,
            (IceState::Failed, _) | (_, DtlsState::Failed) => LinkState::Failed,
            (IceState::Silent, DtlsState::Up) => LinkState::Silent,
            (IceState::Up, DtlsState::Up) => LinkState::Up,
            _ => LinkState::Connecting,
        }
    }

    /// Whether an ICE restart has changed the path since the last call; packets sent before may be lost.
    pub(crate) fn take_moved(&mut self) -> bool {
        std::mem::take(&mut self.moved)
    }

    /// Adds remote candidates. They are ignored unless the viewer is ICE lite, because its checks show
    /// where it is.
    pub(crate) fn trickle(&mut self, candidates: &[RemoteCandidate]) {
        if self.role == Role::Controlled {
            return;
        }
        let room = REMOTE_CANDIDATES_MAX.saturating_sub(self.remote_candidates);
        let newest = self.successor.as_mut().map(|successor| &mut successor.ice);
        let ice = newest.unwrap_or(&mut self.ice);
        let usable = |one: &&RemoteCandidate| is_checkable(one.addr, &self.networks);
        for candidate in candidates.iter().filter(usable).take(room) {
            ice.add_remote(candidate);
            self.remote_candidates += 1;
        }
    }

    /// Sends a DTLS close_notify; [`Self::drain`] returns it.
    pub(crate) fn close(&mut self, now: Instant) {
        self.secure.close(now);
        self.closed = true;
    }

    fn receive_check(&mut self, now: Instant, message: &Message<'_>, path: Path) -> bool {
        let newer = self.successor.as_mut();
        let mut received = newer.map_or(StunResult::Unauthenticated, |newer| {
            newer.ice.receive(now, message, path)
        });
        if received == StunResult::Unauthenticated {
            received = self.ice.receive(now, message, path);
        }
        let found = |successor: &mut Successor| successor.ice.state() == IceState::Up;
        if let Some(successor) = self.successor.take_if(found) {
            self.ice = successor.ice;
            self.moved = true;
        }
        if self.ice.path().is_some() {
            self.secure.begin(now);
        }
        received == StunResult::Validated
    }

    fn receive_packet(&mut self, now: Instant, path: Path, bytes: &[u8]) {
        // RFC 5761 4: the second byte separates RTCP from RTP.
        let control = bytes.get(1).is_some_and(|kind| (192..224).contains(kind));
        let packet = match (control, &self.chain) {
            (true, _) => self.secure.open_rtcp(bytes).map(Packet::Rtcp),
            (false, Some(_)) => self.secure.open_rtp(bytes).map(Packet::Rtp),
            // Viewers send no media.
            (false, None) => None,
        };
        let Some(packet) = packet else { return };
        self.ice.heard(now, path);
        match (&mut self.chain, packet) {
            (Some(chain), packet) => chain.read(now, packet),
            (None, Packet::Rtcp(packets)) => self.inbox.collect(&packets),
            (None, _) => {}
        }
    }
}

pub(super) struct InterceptorChain(Box<dyn Interceptor>);

impl InterceptorChain {
    /// Handles a received packet.
    pub(super) fn read(&mut self, now: Instant, packet: Packet) {
        let read = self.0.handle_read(TaggedPacket {
            now,
            transport: TransportContext::default(),
            message: packet.into(),
        });
        if let Err(error) = read {
            tracing::debug!(%error, "the interceptor chain rejected a packet");
        }
    }

    /// Handles the passing of time.
    pub(super) fn tick(&mut self, now: Instant) {
        if let Err(error) = self.0.handle_timeout(now) {
            tracing::debug!(%error, "cannot create receiver reports");
        }
    }

    /// The next RTCP packets that the chain wants to send.
    pub(super) fn report(&mut self) -> Option<Vec<Box<dyn rtc::rtcp::Packet>>> {
        while let Some(written) = self.0.poll_write() {
            if let Packet::Rtcp(packets) = written.message.packet {
                return Some(packets);
            }
        }
        None
    }
}
