//! Who may connect: members, and anybody while a pairing code is shown. Checked before anything of a connection is read.
//! How often is checked before the handshake, which tells who it is.

use std::collections::{BTreeSet, HashMap};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use iroh::endpoint::{AfterHandshakeOutcome, Connection, EndpointHooks, IncomingAddr, Side};
use iroh::protocol::{IncomingFilter, IncomingFilterOutcome};

use super::link::{CLOSE_NOT_PAIRED, CLOSE_QUARANTINE};
use super::lock;
use crate::CarrierId;
use crate::handshake_limit::{Attempt, HandshakeLimit};
use crate::members::Members;
use crate::pairing::{PairingCode, PairingWindow};
use crate::rate_limit::QUARANTINE;
use crate::wire;

#[derive(Debug)]
pub(crate) struct Admission {
    own: CarrierId,
    members: Mutex<BTreeSet<CarrierId>>,
    quarantined: Mutex<HashMap<CarrierId, Instant>>,
    window: Mutex<PairingWindow>,
}

impl Admission {
    pub(super) fn new(own: CarrierId, members: &Members) -> Self {
        let admission = Self {
            own,
            members: Mutex::default(),
            quarantined: Mutex::default(),
            window: Mutex::default(),
        };
        admission.set_members(members);
        admission
    }

    pub(super) fn set_members(&self, members: &Members) {
        *lock(&self.members) = members.iter().map(|(id, _)| id).collect();
    }

    pub(super) fn remove(&self, peer: CarrierId) {
        lock(&self.members).remove(&peer);
    }

    pub(super) fn members(&self) -> Vec<CarrierId> {
        lock(&self.members).iter().copied().collect()
    }

    pub(super) fn is_member(&self, peer: CarrierId) -> bool {
        lock(&self.members).contains(&peer)
    }

    pub(super) fn quarantine(&self, peer: CarrierId, now: Instant) {
        lock(&self.quarantined).insert(peer, now + QUARANTINE);
    }

    pub(super) fn is_quarantined(&self, peer: CarrierId, now: Instant) -> bool {
        lock(&self.quarantined)
            .get(&peer)
            .is_some_and(|until| now < *until)
    }

    pub(super) fn show_code(&self, now: Instant) -> PairingCode {
        lock(&self.window).open(now)
    }

    pub(super) fn hide_code(&self) {
        lock(&self.window).close();
    }

    /// The code, if `peer` proves that it knows it. It is used up then.
    pub(super) fn use_code(
        &self,
        peer: CarrierId,
        name: &str,
        proof: &[u8; 32],
        now: Instant,
    ) -> Option<PairingCode> {
        let code = lock(&self.window).use_code(self.own, peer, name, proof, now)?;
        // Its owner is here and means it.
        lock(&self.quarantined).remove(&peer);
        Some(code)
    }

    fn judge(&self, peer: CarrierId, alpn: &[u8], now: Instant) -> AfterHandshakeOutcome {
        let reject = |error_code, reason: &[u8]| AfterHandshakeOutcome::Reject {
            error_code,
            reason: reason.to_vec(),
        };
        if alpn == wire::PAIRING_ALPN {
            if lock(&self.window).is_open(now) {
                return AfterHandshakeOutcome::Accept;
            }
            return reject(CLOSE_NOT_PAIRED, b"no code is shown");
        }
        if !self.is_member(peer) {
            return reject(CLOSE_NOT_PAIRED, b"not paired");
        }
        if self.is_quarantined(peer, now) {
            return reject(CLOSE_QUARANTINE, b"later");
        }
        AfterHandshakeOutcome::Accept
    }
}

/// Installed in the endpoint.
#[derive(Debug)]
pub(super) struct AdmissionHook(pub(super) Arc<Admission>);

impl EndpointHooks for AdmissionHook {
    async fn after_handshake<'a>(&'a self, conn: &'a Connection) -> AfterHandshakeOutcome {
        // This carrier opened it, to a key that it knows.
        if conn.side() == Side::Client {
            return AfterHandshakeOutcome::Accept;
        }
        self.0.judge(conn.remote_id(), conn.alpn(), Instant::now())
    }
}

/// Where an attempt comes from.
#[derive(Debug, PartialEq, Eq, Hash)]
enum Origin {
    Address(IpAddr),
    /// Through the owner's relay.
    Relayed(CarrierId),
}

/// `None`: loopback, which is not limited.
fn origin(address: &IncomingAddr) -> Option<Origin> {
    match address {
        IncomingAddr::Ip(address) => {
            let ip = address.ip().to_canonical();
            (!ip.is_loopback()).then_some(Origin::Address(network_of(ip)))
        }
        IncomingAddr::Relay { endpoint_id, .. } => Some(Origin::Relayed(*endpoint_id)),
        _ => None,
    }
}

/// One machine has a whole /64 of IPv6 addresses.
fn network_of(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(_) => ip,
        IpAddr::V6(ip) => Ipv6Addr::from_bits(ip.to_bits() >> 64 << 64).into(),
    }
}

/// Limits the handshakes of strangers.
pub(super) fn handshake_filter() -> IncomingFilter {
    filter_by(origin)
}

fn filter_by(origin: fn(&IncomingAddr) -> Option<Origin>) -> IncomingFilter {
    let limit = Mutex::new(HandshakeLimit::new(Instant::now()));
    Arc::new(move |incoming| {
        let Some(origin) = origin(&incoming.remote_addr()) else {
            return IncomingFilterOutcome::Accept;
        };
        let is_validated = incoming.remote_addr_validated();
        match lock(&limit).judge(origin, is_validated, Instant::now()) {
            Attempt::Accept => IncomingFilterOutcome::Accept,
            Attempt::ValidateAddress => IncomingFilterOutcome::Retry,
            Attempt::Ignore => IncomingFilterOutcome::Ignore,
        }
    })
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::time::Duration;

    use futures_util::future::join_all;
    use iroh::endpoint::presets;
    use iroh::protocol::{AcceptError, ProtocolHandler, Router};
    use iroh::{Endpoint, RelayMode};

    use super::*;

    const ALPN: &[u8] = b"test";

    #[derive(Debug, Clone)]
    struct Holds;

    impl ProtocolHandler for Holds {
        async fn accept(&self, connection: Connection) -> Result<(), AcceptError> {
            connection.closed().await;
            Ok(())
        }
    }

    async fn endpoint() -> Endpoint {
        let loopback: SocketAddr = "127.0.0.1:0".parse().unwrap();
        let builder = Endpoint::builder(presets::Minimal)
            .relay_mode(RelayMode::Disabled)
            .clear_ip_transports();
        builder.bind_addr(loopback).unwrap().bind().await.unwrap()
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_flood_of_handshakes_is_held_to_its_limit() {
        let (station, stranger) = (endpoint().await, endpoint().await);
        let address = station.addr();
        let by_ip: fn(&IncomingAddr) -> Option<Origin> = |address| match address {
            IncomingAddr::Ip(address) => Some(Origin::Address(address.ip())),
            _ => None,
        };
        let router = Router::builder(station)
            .incoming_filter(filter_by(by_ip))
            .accept(ALPN, Holds)
            .spawn();
        let is_answered = async |within_s: u64| {
            let connecting = stranger.connect(address.clone(), ALPN);
            let connected = tokio::time::timeout(Duration::from_secs(within_s), connecting).await;
            connected.is_ok_and(|connection| connection.is_ok())
        };
        for number in 0..40 {
            assert!(is_answered(20).await, "20 at once, 20 validated: {number}");
        }
        let flood = join_all((0..40).map(|_| is_answered(2))).await;
        let answered = flood.iter().filter(|is_answered| **is_answered).count();
        assert!(answered <= 30, "{answered} of 40");
        router.shutdown().await.unwrap();
    }

    #[test]
    fn an_ipv6_machine_is_limited_as_one_and_this_machine_is_not() {
        let origin = |text: &str| origin(&IncomingAddr::Ip(text.parse().unwrap()));
        assert_eq!(origin("127.0.0.1:1"), None);
        assert_eq!(origin("[::1]:1"), None);
        let same = origin("[2001:db8::1]:1");
        assert_eq!(same, origin("[2001:db8::ffff:2]:2"));
        assert_ne!(same, origin("[2001:db8:0:1::1]:1"));
        assert_eq!(origin("192.0.2.1:1"), origin("[::ffff:192.0.2.1]:2"));
        assert_ne!(origin("192.0.2.1:1"), origin("192.0.2.2:1"));
    }
}
