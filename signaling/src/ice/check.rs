//! Connectivity checks as STUN messages (RFC 8445 7, RFC 8489).

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::BytesMut;
use rtc::crypto::RTCCryptoProvider;
use rtc::ice::attributes::control::{AttrControlled, AttrControlling};
use rtc::ice::attributes::priority::PriorityAttr;
use rtc::ice::attributes::use_candidate::UseCandidateAttr;
use rtc::stun::attributes::{ATTR_PRIORITY, ATTR_USE_CANDIDATE, ATTR_USERNAME};
use rtc::stun::fingerprint::FINGERPRINT;
use rtc::stun::integrity::MessageIntegrity;
use rtc::stun::message::{BINDING_REQUEST, BINDING_SUCCESS, Message, Setter, TransactionId};
use rtc::stun::textattrs::Username;
use rtc::stun::xoraddr::XorMappedAddress;

use super::{Credentials, Role};

/// What a check of the viewer says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) priority: u32,
    /// It wants this path to be used.
    pub(super) nominates: bool,
}

/// Reads and writes the checks between two sides.
pub(super) struct Checks {
    local: Credentials,
    remote: Credentials,
    role: Role,
    tie_breaker: u64,
    crypto: Arc<dyn RTCCryptoProvider>,
}

impl Checks {
    pub(super) fn new(
        local: Credentials,
        remote: Credentials,
        role: Role,
        crypto: Arc<dyn RTCCryptoProvider>,
    ) -> Self {
        Self {
            local,
            remote,
            role,
            tie_breaker: rand::random(),
            crypto,
        }
    }

    /// A message that claims to be STUN, undecided whether to believe it.
    pub(super) fn decode(bytes: &[u8]) -> Option<Message> {
        let mut message = Message {
            raw: bytes.to_vec(),
            ..Message::default()
        };
        message.decode().ok().map(|()| message)
    }

    /// The viewer's check, if it knows both names and our password.
    pub(super) fn asked(&self, request: &mut Message) -> Option<Asked> {
        let name = request.get(ATTR_USERNAME).ok()?;
        let expected = format!("{}:{}", self.local.ufrag, self.remote.ufrag);
        if name != expected.as_bytes() {
            return None;
        }
        self.vouched(request, &self.local.pwd)?;
        let priority = request.get(ATTR_PRIORITY).ok();
        let priority = priority.and_then(|bytes| bytes.try_into().ok());
        Some(Asked {
            priority: priority.map_or(0, u32::from_be_bytes),
            nominates: request.contains(ATTR_USE_CANDIDATE),
        })
    }

    /// Whether an answer to a check of ours is the viewer's.
    pub(super) fn answered(&self, response: &mut Message) -> bool {
        self.vouched(response, &self.remote.pwd).is_some()
    }

    fn vouched(&self, message: &mut Message, password: &str) -> Option<()> {
        MessageIntegrity::check(message, password.as_bytes(), self.crypto.crypto()).ok()
    }

    /// The answer to the viewer's check, which tells it the address it was seen from.
    pub(super) fn answer(&self, request: &Message, seen_from: SocketAddr) -> Option<BytesMut> {
        let seen = XorMappedAddress {
            ip: seen_from.ip(),
            port: seen_from.port(),
        };
        self.sealed(
            vec![
                Box::new(request.clone()),
                Box::new(BINDING_SUCCESS),
                Box::new(seen),
            ],
            &self.local.pwd,
        )
        .map(|(_, bytes)| bytes)
    }

    /// A check of ours.
    pub(super) fn request(&self, priority: u32) -> Option<(TransactionId, BytesMut)> {
        let name = format!("{}:{}", self.remote.ufrag, self.local.ufrag);
        let mut parts: Vec<Box<dyn Setter>> = vec![
            Box::new(BINDING_REQUEST),
            Box::new(TransactionId::new()),
            Box::new(Username::new(ATTR_USERNAME, name)),
            Box::new(PriorityAttr(priority)),
        ];
        match self.role {
            Role::Controlled => parts.push(Box::new(AttrControlled(self.tie_breaker))),
            Role::Controlling => {
                parts.push(Box::new(AttrControlling(self.tie_breaker)));
                parts.push(Box::<UseCandidateAttr>::default());
            }
        }
        self.sealed(parts, &self.remote.pwd)
    }

    fn sealed(
        &self,
        parts: Vec<Box<dyn Setter>>,
        password: &str,
    ) -> Option<(TransactionId, BytesMut)> {
        let integrity = MessageIntegrity::new_short_term_integrity_with_provider(
            password.to_owned(),
            self.crypto.crypto(),
        );
        let mut message = Message::new();
        let built = message.build(&parts).and_then(|()| {
            integrity.add_to(&mut message)?;
            FINGERPRINT.add_to(&mut message)
        });
        match built {
            Ok(()) => Some((message.transaction_id, BytesMut::from(&message.raw[..]))),
            Err(error) => {
                tracing::debug!(%error, "a connectivity check cannot be written");
                None
            }
        }
    }
}
