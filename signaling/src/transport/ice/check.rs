//! Connectivity checks (RFC 8445 7) as STUN messages, between two sides with their credentials.

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

/// Who chooses the path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// The viewer does, as the one who offered.
    Controlled,
    /// We do: the viewer never checks anything by itself (ICE lite).
    Controlling,
}

/// What a check sent to us must fit: both user name fragments, and our password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CheckNames {
    pub(crate) local: Credentials,
    /// The viewer's user name fragment.
    pub(crate) remote: String,
}

impl CheckNames {
    /// Whether a request was written by the other side (RFC 8445 7.3, RFC 8489 9.1.3). Nothing may be
    /// learnt from one for which this is not so.
    pub(crate) fn is_vouched_for(&self, request: &Message<'_>, crypto: &dyn RTCCrypto) -> bool {
        request.class == Class::Request
            && request.user_name() == Some((&self.local.ufrag, &self.remote))
            && request.is_vouched_for(&self.local.pwd, crypto)
    }
}

/// What a check of the viewer says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) priority: u32,
    /// It wants this path to be used.
    pub(super) nominates: bool,
    /// Both sides claim the same role: the tie-breaker of the other one.
    pub(super) conflict: Option<u64>,
    /// It has attributes that must be understood and are not.
    pub(super) is_unknown: bool,
}

/// Reads and writes the checks between two sides.
pub(super) struct Checks {
    names: Arc<CheckNames>,
    remote: Credentials,
    pub(super) role: Role,
    pub(super) tie_breaker: u64,
    crypto: Arc<dyn RTCCryptoProvider>,
}

impl Checks {
    pub(super) fn new(
        names: Arc<CheckNames>,
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

    /// What a check asks for; `None` when its MESSAGE-INTEGRITY is not the viewer's.
    pub(super) fn asked(&self, request: &Message<'_>) -> Option<Asked> {
        let vouched = self.names.is_vouched_for(request, self.crypto.crypto());
        vouched.then(|| Asked {
            priority: request.priority().unwrap_or(0),
            nominates: request.nominates(),
            conflict: request.tie_breaker(self.role.attribute()),
            is_unknown: request.unknown().next().is_some(),
        })
    }

    /// Whether an answer to a check of ours is the viewer's.
    pub(super) fn is_answered_by(&self, response: &Message<'_>) -> bool {
        response.is_vouched_for(&self.remote.pwd, self.crypto.crypto())
    }

    /// The answer to the viewer's check, which tells it the address it was seen from.
    pub(super) fn answer(&self, request: &Message<'_>, seen: SocketAddr) -> Option<BytesMut> {
        let draft = Draft::new(Class::Success, request.transaction).with_mapped_address(seen);
        self.seal(draft, &self.names.local.pwd)
    }

    pub(super) fn refusal(
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

    /// A check of ours.
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
            tracing::debug!("a connectivity check cannot be written");
        }
        sealed
    }
}

impl Role {
    /// The attribute by which a side claims this role.
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
