//! Who may connect: members, and anybody while a pairing code is shown. Checked before anything of a connection is read.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use iroh::endpoint::{AfterHandshakeOutcome, Connection, EndpointHooks, Side};

use super::link::{CLOSE_NOT_PAIRED, CLOSE_QUARANTINE};
use super::lock;
use crate::CarrierId;
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
