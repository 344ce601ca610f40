//! Whose is a datagram: one port serves all viewers.
//!
//! Nothing here is created by a datagram: the tables only learn addresses for user name fragments
//! that an answer handed out.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;

use crate::path::Carriage;

/// A part of the audience, served by one thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Shard(pub(crate) usize);

/// Names a viewer inside the engine; never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct ViewerKey {
    /// Whose it is, for as long as it stays.
    pub(crate) shard: Shard,
    pub(crate) number: u64,
}

/// Addresses one viewer can be known by; a phone that changes networks uses a few.
const ADDRESSES_MAX: usize = 16;
/// Outstanding checks of one viewer; pairs of its 16 candidates with our 8, sent every 200 ms.
const TRANSACTIONS_MAX: usize = 128;
/// Names of one viewer: that of before and that of after an ICE restart.
const UFRAGS_MAX: usize = 2;
const HEADER: usize = 20;
const MAGIC_COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
const USERNAME: u16 = 0x0006;

/// The kinds of datagram that share a port (RFC 7983).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind<'a> {
    /// A connectivity check of a viewer, with our half of its user name.
    StunRequest { ufrag: &'a str },
    /// An answer to a check of ours.
    StunResponse {
        transaction: [u8; 12],
        success: bool,
    },
    /// DTLS; .
    Dtls,
    /// RTP or RTCP.
    Rtp,
    /// None of these: dropped.
    Garbage,
}

/// Classifies a datagram without trusting any of it.
pub(crate) fn classify(datagram: &[u8]) -> Kind<'_> {
    match datagram.first() {
        Some(0..=3) => stun(datagram).unwrap_or(Kind::Garbage),
        // A DTLS record header is 13 bytes, an SRTCP packet is at least 8 + index and tag.
        Some(20..=63) if datagram.len() > 13 => Kind::Dtls,
        Some(128..=191) if datagram.len() >= 12 => Kind::Rtp,
        _ => Kind::Garbage,
    }
}

/// Whether this, of our own making, is a connectivity check.
pub(crate) fn is_check(datagram: &[u8]) -> bool {
    datagram.starts_with(&[0, 1]) && datagram.get(4..8) == Some(&MAGIC_COOKIE)
}

fn stun(datagram: &[u8]) -> Option<Kind<'_>> {
    let header = datagram.get(..HEADER)?;
    let length = usize::from(u16::from_be_bytes([header[2], header[3]]));
    if header[4..8] != MAGIC_COOKIE || length % 4 != 0 || length + HEADER != datagram.len() {
        return None;
    }
    let transaction = header[8..].try_into().ok()?;
    match u16::from_be_bytes([header[0], header[1]]) {
        0x0001 => request(&datagram[HEADER..]),
        0x0101 => Some(Kind::StunResponse {
            transaction,
            success: true,
        }),
        0x0111 => Some(Kind::StunResponse {
            transaction,
            success: false,
        }),
        _ => None,
    }
}

fn request(mut attributes: &[u8]) -> Option<Kind<'_>> {
    let mut ufrag = None;
    while let Some((head, rest)) = attributes.split_at_checked(4) {
        let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
        let value = rest.get(..length)?;
        if u16::from_be_bytes([head[0], head[1]]) == USERNAME {
            let name = std::str::from_utf8(value).ok()?;
            ufrag = ufrag.or(Some(name.split_once(':')?.0));
        }
        attributes = rest.get(length.next_multiple_of(4)..)?;
    }
    ufrag.map(|ufrag| Kind::StunRequest { ufrag })
}

#[derive(Debug, Default)]
struct Known {
    /// The newest last; an ICE restart adds one, and the one before serves until it has succeeded.
    ufrags: VecDeque<String>,
    addresses: VecDeque<Origin>,
    transactions: VecDeque<[u8; 12]>,
}

/// Where a datagram came from: the same address means different things over UDP and TCP.
type Origin = (Carriage, SocketAddr);

/// The tables from datagram to viewer.
#[derive(Debug, Default)]
pub(crate) struct Demux {
    viewers: HashMap<ViewerKey, Known>,
    by_ufrag: HashMap<String, ViewerKey>,
    by_address: HashMap<Origin, ViewerKey>,
    by_transaction: HashMap<[u8; 12], ViewerKey>,
}

impl Demux {
    /// Makes a viewer known by the user name fragment of its answer.
    pub(crate) fn add(&mut self, key: ViewerKey, ufrag: String) {
        self.viewers.insert(key, Known::default());
        self.rename(key, ufrag);
    }

    /// Makes a viewer known by a new user name fragment, and by the one before it.
    pub(crate) fn rename(&mut self, key: ViewerKey, ufrag: String) {
        let Some(known) = self.viewers.get_mut(&key) else {
            return;
        };
        if known.ufrags.len() >= UFRAGS_MAX
            && let Some(oldest) = known.ufrags.pop_front()
        {
            self.by_ufrag.remove(&oldest);
        }
        known.ufrags.push_back(ufrag.clone());
        self.by_ufrag.insert(ufrag, key);
    }

    /// Forgets a viewer whole.
    pub(crate) fn remove(&mut self, key: ViewerKey) {
        let Some(known) = self.viewers.remove(&key) else {
            return;
        };
        for ufrag in known.ufrags {
            self.by_ufrag.remove(&ufrag);
        }
        for address in known.addresses {
            if self.by_address.get(&address) == Some(&key) {
                self.by_address.remove(&address);
            }
        }
        for transaction in known.transactions {
            self.by_transaction.remove(&transaction);
        }
    }

    /// Whose datagram this is. A check with a known user name teaches its source address.
    pub(crate) fn route(&mut self, kind: Kind<'_>, from: Origin) -> Option<ViewerKey> {
        match kind {
            Kind::StunRequest { ufrag, .. } => {
                let key = *self.by_ufrag.get(ufrag)?;
                self.learn(key, from);
                Some(key)
            }
            Kind::StunResponse { transaction, .. } => self.by_transaction.remove(&transaction),
            Kind::Dtls | Kind::Rtp => self.by_address.get(&from).copied(),
            Kind::Garbage => None,
        }
    }

    /// Notes a datagram on its way out: the answer to a check of ours comes back by its
    /// transaction.
    pub(crate) fn sent(&mut self, key: ViewerKey, datagram: &[u8]) {
        if !is_check(datagram) {
            return;
        }
        let (Some(known), Some(Ok(transaction))) = (
            self.viewers.get_mut(&key),
            datagram.get(8..HEADER).map(<[u8; 12]>::try_from),
        ) else {
            return;
        };
        if known.transactions.len() >= TRANSACTIONS_MAX
            && let Some(oldest) = known.transactions.pop_front()
        {
            self.by_transaction.remove(&oldest);
        }
        known.transactions.push_back(transaction);
        self.by_transaction.insert(transaction, key);
    }

    fn learn(&mut self, key: ViewerKey, from: Origin) {
        if self.by_address.get(&from) == Some(&key) {
            return;
        }
        let Some(known) = self.viewers.get_mut(&key) else {
            return;
        };
        if known.addresses.len() >= ADDRESSES_MAX
            && let Some(oldest) = known.addresses.pop_front()
            && self.by_address.get(&oldest) == Some(&key)
        {
            self.by_address.remove(&oldest);
        }
        known.addresses.push_back(from);
        self.by_address.insert(from, key);
    }

    /// Entries in all tables together: zero when nobody watches.
    #[cfg(any(test, feature = "fuzzing"))]
    pub(crate) fn len(&self) -> usize {
        self.viewers.len() + self.by_ufrag.len() + self.by_address.len() + self.by_transaction.len()
    }
}

#[cfg(test)]
mod tests;
