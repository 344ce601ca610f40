//! STUN Binding messages (RFC 8489) as ICE uses them: parsed without a copy, encoded once.
//!
//! AttributeIter after MESSAGE-INTEGRITY are not protected by it and are ignored, except FINGERPRINT (RFC
//! 8489 14.5).

use std::net::{IpAddr, SocketAddr};

use bytes::{BufMut, BytesMut};
use rtc::crypto::{HmacAlgorithm, RTCCrypto};
use rtc::stun::fingerprint::fingerprint_value;

pub(crate) const HEADER_BYTES: usize = 20;
const MAGIC_COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
const ATTRIBUTE_HEADER_BYTES: usize = 4;
const INTEGRITY_BYTES: usize = 20;
const FINGERPRINT_BYTES: usize = 4;

pub(crate) const USERNAME: u16 = 0x0006;
const MESSAGE_INTEGRITY: u16 = 0x0008;
const ERROR_CODE: u16 = 0x0009;
const UNKNOWN_ATTRIBUTES: u16 = 0x000a;
const XOR_MAPPED_ADDRESS: u16 = 0x0020;
pub(crate) const PRIORITY: u16 = 0x0024;
pub(crate) const USE_CANDIDATE: u16 = 0x0025;
const FINGERPRINT: u16 = 0x8028;
pub(crate) const ICE_CONTROLLED: u16 = 0x8029;
pub(crate) const ICE_CONTROLLING: u16 = 0x802a;

/// Attributes below this are comprehension-required (RFC 8489 14).
const COMPREHENSION_OPTIONAL: u16 = 0x8000;
/// Known ones: the above, and MAPPED-ADDRESS, REALM, NONCE, which mean nothing in a check.
const KNOWN_REQUIRED: [u16; 10] = [
    0x0001,
    USERNAME,
    MESSAGE_INTEGRITY,
    ERROR_CODE,
    UNKNOWN_ATTRIBUTES,
    0x0014,
    0x0015,
    XOR_MAPPED_ADDRESS,
    PRIORITY,
    USE_CANDIDATE,
];
/// Maximum unknown attributes listed in an error response.
const UNKNOWN_MAX: usize = 4;

pub(crate) type TransactionId = [u8; 12];

/// Message class; the method is always Binding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    Request,
    Indication,
    Success,
    Error,
}

impl Class {
    const ALL: [(Self, u16); 4] = [
        (Self::Request, 0x0001),
        (Self::Indication, 0x0011),
        (Self::Success, 0x0101),
        (Self::Error, 0x0111),
    ];

    fn of(kind: u16) -> Option<Self> {
        let found = Self::ALL.iter().find(|(_, known)| *known == kind);
        found.map(|(class, _)| *class)
    }

    fn kind(self) -> u16 {
        let found = Self::ALL.iter().find(|(class, _)| *class == self);
        found.map_or(0, |(_, kind)| *kind)
    }
}

/// A well-formed Binding message, not yet authenticated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Message<'a> {
    pub(crate) class: Class,
    pub(crate) transaction: TransactionId,
    /// The bytes before MESSAGE-INTEGRITY.
    protected: &'a [u8],
    integrity: Option<&'a [u8]>,
    length: usize,
}

impl<'a> Message<'a> {
    /// Parses a datagram; `None` if it is no Binding message or its FINGERPRINT is wrong.
    pub(crate) fn parse(datagram: &'a [u8]) -> Option<Self> {
        let header = datagram.get(..HEADER_BYTES)?;
        let length = usize::from(u16::from_be_bytes([header[2], header[3]]));
        if header[4..8] != MAGIC_COOKIE
            || length % 4 != 0
            || length + HEADER_BYTES != datagram.len()
        {
            return None;
        }
        let class = Class::of(u16::from_be_bytes([header[0], header[1]]))?;
        let (mut at, mut integrity_at) = (HEADER_BYTES, None);
        for (kind, value) in AttributeIter(&datagram[HEADER_BYTES..]) {
            let value = value?;
            let next = at + ATTRIBUTE_HEADER_BYTES + value.len().next_multiple_of(4);
            match kind {
                MESSAGE_INTEGRITY if integrity_at.is_none() => {
                    (value.len() == INTEGRITY_BYTES).then_some(())?;
                    integrity_at = Some(at);
                }
                FINGERPRINT => {
                    let received: [u8; FINGERPRINT_BYTES] = value.try_into().ok()?;
                    let right = fingerprint_value(&datagram[..at]) == u32::from_be_bytes(received);
                    // It must be the last attribute (RFC 8489 14.7).
                    (right && next == datagram.len()).then_some(())?;
                }
                _ => {}
            }
            at = next;
        }
        let value_at = |at: usize| at + ATTRIBUTE_HEADER_BYTES;
        Some(Self {
            class,
            transaction: header[8..].try_into().ok()?,
            protected: &datagram[..integrity_at.unwrap_or(datagram.len())],
            integrity: integrity_at
                .map(|at| &datagram[value_at(at)..value_at(at) + INTEGRITY_BYTES]),
            length: datagram.len(),
        })
    }

    /// Size of the whole message.
    pub(crate) fn length(&self) -> usize {
        self.length
    }

    /// Verifies MESSAGE-INTEGRITY with the password, in constant time.
    pub(crate) fn is_authentic(&self, password: &str, crypto: &dyn RTCCrypto) -> bool {
        let Some(tag) = self.integrity else {
            return false;
        };
        // The length as if the message ended with MESSAGE-INTEGRITY (RFC 8489 14.5).
        let body = self.protected.len() + ATTRIBUTE_HEADER_BYTES + INTEGRITY_BYTES - HEADER_BYTES;
        let Ok(body) = u16::try_from(body) else {
            return false;
        };
        let parts: [&[u8]; 3] = [
            &self.protected[..2],
            &body.to_be_bytes(),
            &self.protected[4..],
        ];
        let mac = crypto.new_hmac(HmacAlgorithm::Sha1, password.as_bytes());
        mac.is_ok_and(|mut mac| mac.verify(&parts, tag).is_ok())
    }

    /// The user name, split into the receiver's and the sender's fragment.
    pub(crate) fn user_name(&self) -> Option<(&'a str, &'a str)> {
        std::str::from_utf8(self.get(USERNAME)?)
            .ok()?
            .split_once(':')
    }

    pub(crate) fn priority(&self) -> Option<u32> {
        self.get(PRIORITY)?.try_into().ok().map(u32::from_be_bytes)
    }

    /// The tie-breaker in [`ICE_CONTROLLING`] or [`ICE_CONTROLLED`].
    pub(crate) fn tie_breaker(&self, role: u16) -> Option<u64> {
        self.get(role)?.try_into().ok().map(u64::from_be_bytes)
    }

    pub(crate) fn nominates(&self) -> bool {
        self.get(USE_CANDIDATE).is_some()
    }

    pub(crate) fn error_code(&self) -> Option<u16> {
        let value = self.get(ERROR_CODE)?;
        let (class, number) = (value.get(2)? & 7, value.get(3)?);
        Some(u16::from(class) * 100 + u16::from(*number))
    }

    /// Comprehension-required attributes that are unknown.
    pub(crate) fn unknown(&self) -> impl Iterator<Item = u16> {
        let kinds = self.attributes().map(|(kind, _)| kind);
        kinds
            .filter(|kind| *kind < COMPREHENSION_OPTIONAL && !KNOWN_REQUIRED.contains(kind))
            .take(UNKNOWN_MAX)
    }

    fn get(&self, kind: u16) -> Option<&'a [u8]> {
        let mut all = self.attributes();
        all.find(|(found, _)| *found == kind)?.1
    }

    fn attributes(&self) -> AttributeIter<'a> {
        AttributeIter(&self.protected[HEADER_BYTES..])
    }
}

/// Iterates over attributes; the value is `None` for a last one that is longer than the message.
struct AttributeIter<'a>(&'a [u8]);

impl<'a> Iterator for AttributeIter<'a> {
    type Item = (u16, Option<&'a [u8]>);

    fn next(&mut self) -> Option<Self::Item> {
        let (head, rest) = self.0.split_first_chunk::<ATTRIBUTE_HEADER_BYTES>()?;
        let kind = u16::from_be_bytes([head[0], head[1]]);
        let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
        let value = rest.get(..length);
        let next = rest.get(length.next_multiple_of(4)..);
        self.0 = next.unwrap_or_default();
        Some((kind, value.filter(|_| next.is_some())))
    }
}

/// A message being encoded.
pub(crate) struct Draft(BytesMut);

impl Draft {
    pub(crate) fn new(class: Class, transaction: TransactionId) -> Self {
        let mut bytes = BytesMut::with_capacity(160);
        bytes.put_u16(class.kind());
        bytes.put_u16(0);
        bytes.put_slice(&MAGIC_COOKIE);
        bytes.put_slice(&transaction);
        Self(bytes)
    }

    pub(crate) fn with(mut self, kind: u16, value: &[u8]) -> Self {
        self.put(kind, value);
        self
    }

    /// Adds the address that a request came from.
    pub(crate) fn with_mapped_address(self, seen: SocketAddr) -> Self {
        let mut mask = [0; 16];
        mask[..4].copy_from_slice(&MAGIC_COOKIE);
        mask[4..].copy_from_slice(&self.0[8..HEADER_BYTES]);
        let masked = |octets: &[u8]| -> Vec<u8> {
            octets
                .iter()
                .zip(mask)
                .map(|(byte, mask)| byte ^ mask)
                .collect()
        };
        let (family, ip) = match seen.ip() {
            IpAddr::V4(v4) => (1, masked(&v4.octets())),
            IpAddr::V6(v6) => (2, masked(&v6.octets())),
        };
        let port = masked(&seen.port().to_be_bytes());
        self.with(XOR_MAPPED_ADDRESS, &[&[0, family], &*port, &*ip].concat())
    }

    pub(crate) fn with_error(self, code: u16, reason: &str) -> Self {
        let [class, number] = [code / 100, code % 100].map(|part| part.to_be_bytes()[1]);
        self.with(
            ERROR_CODE,
            &[&[0, 0, class, number], reason.as_bytes()].concat(),
        )
    }

    pub(crate) fn with_unknown(self, kinds: impl Iterator<Item = u16>) -> Self {
        let kinds: Vec<u8> = kinds.flat_map(u16::to_be_bytes).collect();
        self.with(UNKNOWN_ATTRIBUTES, &kinds)
    }

    /// Finishes the message with MESSAGE-INTEGRITY and FINGERPRINT; `None` if that is impossible.
    pub(crate) fn seal(mut self, password: &str, crypto: &dyn RTCCrypto) -> Option<BytesMut> {
        let mut tag = [0; INTEGRITY_BYTES];
        self.set_length(ATTRIBUTE_HEADER_BYTES + INTEGRITY_BYTES)?;
        let mac = crypto.new_hmac(HmacAlgorithm::Sha1, password.as_bytes());
        let signed = mac.and_then(|mut mac| mac.sign(&[&self.0], &mut tag));
        signed.ok()?;
        self.put(MESSAGE_INTEGRITY, &tag);
        self.set_length(ATTRIBUTE_HEADER_BYTES + FINGERPRINT_BYTES)?;
        let check = fingerprint_value(&self.0).to_be_bytes();
        self.put(FINGERPRINT, &check);
        Some(self.0)
    }

    /// Sets the length field to the length after `more` bytes.
    fn set_length(&mut self, more: usize) -> Option<()> {
        let length = u16::try_from(self.0.len() - HEADER_BYTES + more).ok()?;
        self.0[2..4].copy_from_slice(&length.to_be_bytes());
        Some(())
    }

    fn put(&mut self, kind: u16, value: &[u8]) {
        self.0.put_u16(kind);
        self.0
            .put_u16(u16::try_from(value.len()).unwrap_or(u16::MAX));
        self.0.put_slice(value);
        self.0
            .put_bytes(0, value.len().next_multiple_of(4) - value.len());
    }
}

/// Whether a datagram of our own making is a connectivity check.
pub(crate) fn is_check(datagram: &[u8]) -> bool {
    datagram.starts_with(&[0, 1]) && datagram.get(4..8) == Some(&MAGIC_COOKIE)
}

#[cfg(test)]
mod tests;
