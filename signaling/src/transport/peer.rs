//! One viewer's transport: ICE of our own, DTLS and SRTP of the sans-I/O `rtc` library, fed and
//! drained by us.

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

use self::secure::{Secure, SecureState};
use super::demux::Kind;
use super::ice::{CheckNames, IceAgent, IceState, IceTerms, IceTimes, Received, Role};
use super::interfaces::{Network, is_checkable};
use super::runs::{Carriage, Path, Run};
use super::session::{Identity, Restart, SessionNames};
use super::stun::Message;
use crate::rtp::rtcp::{Feedback, FeedbackInbox};
use crate::sdp::{Credentials, Offer, REMOTE_CANDIDATES_MAX, RemoteCandidate};

/// A restart that has found no path by then has failed, and the old path stays.
const RESTART_WITHIN: Duration = Duration::from_secs(20);

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
    names: Arc<CheckNames>,
    ice: IceAgent,
    /// Looks for a path with newer credentials while the old path carries on.
    successor: Option<Successor>,
    secure: Secure,
    inbox: FeedbackInbox,
    /// Of one who sends media; viewers send none.
    chain: Option<Chain>,
    role: Role,
    times: IceTimes,
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

/// What the engine brings to each peer.
pub(crate) struct PeerParts<'a> {
    pub(crate) identity: &'a Identity,
    pub(crate) names: &'a SessionNames,
    pub(crate) local: &'a [IpAddr],
    pub(crate) networks: &'a [Network],
    pub(crate) ice: IceTimes,
}

/// A datagram's way in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arriving {
    pub(crate) carriage: Carriage,
    pub(crate) from: SocketAddr,
    /// The address of ours that it was sent to, where the system tells.
    pub(crate) to: Option<IpAddr>,
}

impl Peer {
    /// Accepts an offer: from now on its checks can be answered.
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
        let names = Arc::new(CheckNames {
            local: Credentials {
                ufrag: parts.names.ufrag.clone(),
                pwd: parts.names.pwd.clone(),
            },
            remote: offer.ufrag.clone(),
        });
        let terms = IceTerms {
            names: Arc::clone(&names),
            remote: Credentials {
                ufrag: offer.ufrag.clone(),
                pwd: offer.pwd.clone(),
            },
            role,
            addresses: parts.local,
            times: parts.ice,
            brought_bytes: offer.bytes,
            crypto: Arc::clone(&crypto),
        };
        let mut peer = Self {
            names,
            ice: IceAgent::new(now, terms),
            successor: None,
            secure: Secure::new(offer, parts.identity, Arc::clone(&crypto))?,
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

    /// As [`Self::accept`], of one who sends media: `chain` gets what comes in.
    pub(crate) fn accept_with(
        now: Instant,
        offer: &Offer,
        parts: &PeerParts<'_>,
        chain: Box<dyn Interceptor>,
    ) -> Result<Self, Error> {
        let peer = Self::accept(now, offer, parts)?;
        let chain = Some(Chain::new(chain));
        Ok(Self { chain, ..peer })
    }

    /// Begins an ICE restart (RFC 8445 9): with new credentials a new path is looked for from our
    /// addresses of now, and the old one carries on until there is one.
    pub(crate) fn restart(&mut self, now: Instant, restart: Restart) {
        self.names = Arc::clone(&restart.names);
        self.networks = restart.networks;
        let terms = IceTerms {
            names: restart.names,
            remote: restart.remote,
            role: self.role,
            addresses: &restart.addresses,
            times: self.times,
            brought_bytes: restart.brought_bytes,
            crypto: Arc::clone(&self.crypto),
        };
        let ice = IceAgent::new(now, terms);
        self.successor = Some(Successor { ice, since: now });
        self.remote_candidates = 0;
        self.trickle(&restart.candidates);
    }

    /// What checks, and requests about its session, must fit.
    pub(crate) fn names(&self) -> &Arc<CheckNames> {
        &self.names
    }

    /// Whether a check has come of the viewer: somebody is there.
    pub(crate) fn was_checked(&self) -> bool {
        self.ice.was_checked()
    }

    /// Takes a datagram of this viewer. `true`: it shows that where it came from is the viewer's own.
    pub(crate) fn receive(
        &mut self,
        now: Instant,
        kind: Kind<'_>,
        way: Arriving,
        bytes: &[u8],
    ) -> bool {
        let to = way.to.or_else(|| self.ice.address_like(way.from.ip()));
        let Some(local) = to else {
            return false;
        };
        let path = Path {
            carriage: way.carriage,
            local,
            remote: way.from,
        };
        match kind {
            Kind::Stun(message) => return self.receive_check(now, &message, path),
            Kind::Dtls => self.secure.handshake(now, bytes),
            Kind::Rtp => self.receive_packet(now, path, bytes),
            Kind::Garbage => {}
        }
        false
    }

    /// This process did nothing for `pause` until now.
    pub(crate) fn resume(&mut self, now: Instant, pause: Duration) {
        self.ice.resume(now, pause);
        if let Some(successor) = &mut self.successor {
            successor.ice.resume(now, pause);
        }
    }

    /// A way in has ended for good.
    pub(crate) fn close_path(&mut self, now: Instant, path: Path) {
        self.ice.close_path(now, path);
        if let Some(successor) = &mut self.successor {
            successor.ice.close_path(now, path);
        }
    }

    /// Lets time pass.
    pub(crate) fn tick(&mut self, now: Instant) {
        self.ice.tick(now);
        if let Some(successor) = &mut self.successor {
            successor.ice.tick(now);
            if now.saturating_duration_since(successor.since) >= RESTART_WITHIN {
                self.successor = None;
            }
        }
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
                .chain([successor.since + RESTART_WITHIN])
                .min()
        });
        let chain = self.chain.as_mut().and_then(Chain::due);
        [self.ice.due(), successor, self.secure.due(), chain]
            .into_iter()
            .flatten()
            .min()
    }

    /// Takes an RTP packet; it comes out of [`Self::drain`] encrypted.
    pub(crate) fn write_rtp(&mut self, header: &Header, payload: &[u8]) {
        self.secure.seal_rtp(header, payload);
    }

    /// Takes an RTCP packet.
    pub(crate) fn write_rtcp(&mut self, packet: Box<dyn rtc::rtcp::Packet>) {
        self.secure.seal_rtcp(&[packet]);
    }

    /// Appends what is to be sent, checks first: a viewer takes a handshake only once the answer to
    /// its check, which allowed it, has come. What there is no path for is lost, as on the wire.
    pub(crate) fn drain(&mut self, now: Instant, out: &mut Vec<Run>) {
        if let Some(successor) = &mut self.successor {
            successor.ice.drain(out);
        }
        self.ice.drain(out);
        if let Some(chain) = &mut self.chain {
            while let Some(report) = chain.report() {
                self.secure.seal_rtcp(&report);
            }
        }
        let path = self.ice.best_path(now);
        let sealed = self.secure.drain();
        if let Some(path) = path {
            out.extend(sealed.map(|load| Run::new(path, load)));
        }
    }

    /// Takes the viewer's feedback.
    pub(crate) fn feedback(&mut self) -> Vec<Feedback> {
        self.inbox.take()
    }

    /// How the transport stands.
    pub(crate) fn link(&self) -> Link {
        match (self.ice.state(), self.secure.state()) {
            _ if self.closed => Link::Closed,
            (_, SecureState::Closed) => Link::Closed,
            // It asked for a new path a moment ago: it is not gone.
            (IceState::Failed, SecureState::Up) if self.successor.is_some() => Link::Silent,
            (IceState::Failed, _) | (_, SecureState::Failed) => Link::Failed,
            (IceState::Silent, SecureState::Up) => Link::Silent,
            (IceState::Up, SecureState::Up) => Link::Up,
            _ => Link::Connecting,
        }
    }

    /// Whether a restart has moved it to another path since this was last asked: what was sent
    /// before may be lost.
    pub(crate) fn take_moved(&mut self) -> bool {
        std::mem::take(&mut self.moved)
    }

    /// Takes the addresses that a viewer names. Those of one that checks by itself are of no use: its
    /// checks tell where it is.
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

    /// Says goodbye; [`Self::drain`] has the message.
    pub(crate) fn close(&mut self, now: Instant) {
        self.secure.close(now);
        self.closed = true;
    }

    fn receive_check(&mut self, now: Instant, message: &Message<'_>, path: Path) -> bool {
        let newer = self.successor.as_mut();
        let mut received = newer.map_or(Received::Foreign, |newer| {
            newer.ice.receive(now, message, path)
        });
        if received == Received::Foreign {
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
        received == Received::Proof
    }

    fn receive_packet(&mut self, now: Instant, path: Path, bytes: &[u8]) {
        // RFC 5761 4: the second byte tells RTCP from RTP.
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

pub(super) struct Chain(Box<dyn Interceptor>);

impl Chain {
    pub(super) fn new(interceptor: Box<dyn Interceptor>) -> Self {
        Self(interceptor)
    }

    /// Takes a packet that came in.
    pub(super) fn read(&mut self, now: Instant, packet: Packet) {
        let read = self.0.handle_read(TaggedPacket {
            now,
            transport: TransportContext::default(),
            message: packet.into(),
        });
        if let Err(error) = read {
            tracing::debug!(%error, "a packet was refused");
        }
    }

    /// Lets time pass.
    pub(super) fn tick(&mut self, now: Instant) {
        if let Err(error) = self.0.handle_timeout(now) {
            tracing::debug!(%error, "the reports of a sender failed");
        }
    }

    pub(super) fn due(&mut self) -> Option<Instant> {
        self.0.poll_timeout()
    }

    /// The next control packet that it wants to be sent.
    pub(super) fn report(&mut self) -> Option<Vec<Box<dyn rtc::rtcp::Packet>>> {
        while let Some(written) = self.0.poll_write() {
            if let Packet::Rtcp(packets) = written.message.packet {
                return Some(packets);
            }
        }
        None
    }
}
