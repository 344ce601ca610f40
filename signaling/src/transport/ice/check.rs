//! Connectivity checks (RFC 8445 7) as STUN messages.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::BytesMut;
use rtc::crypto::{RTCCrypto, RTCCryptoProvider};

use crate::sdp::Credentials;
use crate::transport::stun::{
    Class, Draft, ICE_CONTROLLED, ICE_CONTROLLING, Message, PRIORITY, TransactionId, USE_CANDIDATE,
    USERNAME,
};

const UNKNOWN_ATTRIBUTE: (u16, &str) = (420, "Unknown Attribute");
pub(super) const ROLE_CONFLICT: (u16, &str) = (487, "Role Conflict");

/// Which side nominates the pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// The viewer nominates, because it made the offer.
    Controlled,
    /// This side nominates, because the viewer is ICE lite and never sends checks.
    Controlling,
}

/// Credentials that a received check must match: both user name fragments and our password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CheckCredentials {
    pub(crate) local: Credentials,
    /// The viewer's user name fragment.
    pub(crate) remote: String,
}

impl CheckCredentials {
    /// Whether a request comes from the other side (RFC 8445 7.3, RFC 8489 9.1.3). No other request may
    /// change any state.
    pub(crate) fn is_authentic(&self, request: &Message<'_>, crypto: &dyn RTCCrypto) -> bool {
        request.class == Class::Request
            && request.user_name() == Some((&self.local.ufrag, &self.remote))
            && request.is_authentic(&self.local.pwd, crypto)
    }
}

/// The contents of an authenticated check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct CheckContents {
    pub(super) priority: u32,
    /// It nominates this pair.
    pub(super) nominates: bool,
    /// The tie-breaker of the other side, if both claim the same role.
    pub(super) conflict: Option<u64>,
    /// It has comprehension-required attributes that are unknown here.
    pub(super) is_unknown: bool,
}

/// Reads and writes the checks of one session.
pub(super) struct Checks {
    names: Arc<CheckCredentials>,
    remote: Credentials,
    pub(super) role: Role,
    pub(super) tie_breaker: u64,
    crypto: Arc<dyn RTCCryptoProvider>,
}

impl Checks {
    pub(super) fn new(
        names: Arc<CheckCredentials>,
        remote: Credentials,
        role: Role,
        crypto: Arc<dyn RTCCryptoProvider>,
    ) -> Self {
        Self {
            names,
            remote,
            role,
            tie_breaker: rand::random(),
            crypto,
        }
    }

    /// Parses a check; `None` if its MESSAGE-INTEGRITY is wrong.
    pub(super) fn parse(&self, request: &Message<'_>) -> Option<CheckContents> {
        let is_authentic = self.names.is_authentic(request, self.crypto.crypto());
        is_authentic.then(|| CheckContents {
            priority: request.priority().unwrap_or(0),
            nominates: request.nominates(),
            conflict: request.tie_breaker(self.role.attribute()),
            is_unknown: request.unknown().next().is_some(),
        })
    }

    /// Whether a response to one of our checks is authentic.
    pub(super) fn is_answered_by(&self, response: &Message<'_>) -> bool {
        response.is_authentic(&self.remote.pwd, self.crypto.crypto())
    }

    /// The success response, with the address that the check came from.
    pub(super) fn answer(&self, request: &Message<'_>, seen: SocketAddr) -> Option<BytesMut> {
        let draft = Draft::new(Class::Success, request.transaction).with_mapped_address(seen);
        self.seal(draft, &self.names.local.pwd)
    }

    pub(super) fn error_response(
        &self,
        request: &Message<'_>,
        (code, reason): (u16, &str),
    ) -> Option<BytesMut> {
        let draft = Draft::new(Class::Error, request.transaction).with_error(code, reason);
        self.seal(draft, &self.names.local.pwd)
    }

    pub(super) fn unknown(&self, request: &Message<'_>) -> Option<BytesMut> {
        let (code, reason) = UNKNOWN_ATTRIBUTE;
        let draft = Draft::new(Class::Error, request.transaction)
            .with_error(code, reason)
            .with_unknown(request.unknown());
        self.seal(draft, &self.names.local.pwd)
    }

    /// Creates a check.
    pub(super) fn request(
        &self,
        priority: u32,
        nominates: bool,
    ) -> Option<(TransactionId, BytesMut)> {
        let transaction: TransactionId = rand::random();
        let name = format!("{}:{}", self.remote.ufrag, self.names.local.ufrag);
        let mut draft = Draft::new(Class::Request, transaction)
            .with(USERNAME, name.as_bytes())
            .with(PRIORITY, &priority.to_be_bytes())
            .with(self.role.attribute(), &self.tie_breaker.to_be_bytes());
        if nominates {
            draft = draft.with(USE_CANDIDATE, &[]);
        }
        let bytes = self.seal(draft, &self.remote.pwd)?;
        Some((transaction, bytes))
    }

    fn seal(&self, draft: Draft, password: &str) -> Option<BytesMut> {
        let sealed = draft.seal(password, self.crypto.crypto());
        if sealed.is_none() {
            tracing::debug!("cannot encode a connectivity check");
        }
        sealed
    }
}

impl Role {
    /// The attribute that claims this role.
    pub(super) fn attribute(self) -> u16 {
        match self {
            Self::Controlled => ICE_CONTROLLED,
            Self::Controlling => ICE_CONTROLLING,
        }
    }

    pub(super) fn other(self) -> Self {
        match self {
            Self::Controlled => Self::Controlling,
            Self::Controlling => Self::Controlled,
        }
    }
}
