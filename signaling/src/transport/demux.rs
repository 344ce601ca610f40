//! Whose is a datagram: one port serves all viewers.
//!
//! Nothing here is created by a datagram, and no address is learnt from one that anybody can write: it
//! takes a check with the right password to claim an address, and an answer to a check of ours to own it.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;

use super::ice::CheckNames;
use super::runs::Carriage;
use super::stun::{Class, HEADER_BYTES, Message, TransactionId, is_check};

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

/// Addresses that a viewer has shown to be its own; a phone that changes networks uses a few.
const OWNED_MAX: usize = 16;
/// Addresses that it has checked from and not answered at. They have places of their own: a check that
/// somebody recorded and sends again from elsewhere must not push out what is proven.
const CLAIMED_MAX: usize = 16;
/// Outstanding checks of one viewer.
const TRANSACTIONS_MAX: usize = 128;
/// Names of one viewer: that of before and that of after an ICE restart.
const UFRAGS_MAX: usize = 2;

/// The kinds of datagram that share a port (RFC 7983).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind<'a> {
    /// A connectivity check, or the answer to one.
    Stun(Message<'a>),
    Dtls,
    /// RTP or RTCP.
    Rtp,
    /// None of these: dropped.
    Garbage,
}

/// Classifies a datagram without trusting any of it.
pub(crate) fn classify(datagram: &[u8]) -> Kind<'_> {
    match datagram.first() {
        Some(0..=3) => Message::parse(datagram).map_or(Kind::Garbage, Kind::Stun),
        // A DTLS record header is 13 bytes, an SRTCP packet is at least 8 + index and tag.
        Some(20..=63) if datagram.len() > 13 => Kind::Dtls,
        Some(128..=191) if datagram.len() >= 12 => Kind::Rtp,
        _ => Kind::Garbage,
    }
}

#[derive(Debug, Default)]
struct Known {
    /// The newest last; an ICE restart adds one, and the one before serves until it has succeeded.
    ufrags: VecDeque<String>,
    owned: VecDeque<Origin>,
    claimed: VecDeque<Origin>,
    transactions: VecDeque<TransactionId>,
}

/// Where a datagram came from: the same address means different things over UDP and TCP.
pub(crate) type Origin = (Carriage, SocketAddr);

/// The tables from datagram to viewer.
#[derive(Debug, Default)]
pub(crate) struct Demux {
    viewers: HashMap<ViewerKey, Known>,
    by_ufrag: HashMap<String, (ViewerKey, Arc<CheckNames>)>,
    by_address: HashMap<Origin, ViewerKey>,
    by_transaction: HashMap<TransactionId, ViewerKey>,
}

impl Demux {
    /// Makes a viewer known by the names of its answer.
    pub(crate) fn add(&mut self, key: ViewerKey, names: Arc<CheckNames>) {
        self.viewers.insert(key, Known::default());
        self.rename(key, names);
    }

    /// Makes a viewer known by new names, and by those before them.
    pub(crate) fn rename(&mut self, key: ViewerKey, names: Arc<CheckNames>) {
        let Some(known) = self.viewers.get_mut(&key) else {
            return;
        };
        if known.ufrags.len() >= UFRAGS_MAX
            && let Some(oldest) = known.ufrags.pop_front()
        {
            self.by_ufrag.remove(&oldest);
        }
        let ufrag = names.local.ufrag.clone();
        known.ufrags.push_back(ufrag.clone());
        self.by_ufrag.insert(ufrag, (key, names));
    }

    /// Forgets a viewer whole.
    pub(crate) fn remove(&mut self, key: ViewerKey) {
        let Some(known) = self.viewers.remove(&key) else {
            return;
        };
        for ufrag in known.ufrags {
            self.by_ufrag.remove(&ufrag);
        }
        for address in known.owned.into_iter().chain(known.claimed) {
            self.release(key, address);
        }
        for transaction in known.transactions {
            self.by_transaction.remove(&transaction);
        }
    }

    /// Who says that a check is its own, and what it must fit to be.
    pub(crate) fn named(&self, check: &Message<'_>) -> Option<(ViewerKey, Arc<CheckNames>)> {
        let (ours, _) = check.user_name()?;
        self.by_ufrag.get(ours).cloned()
    }

    /// Whose a datagram is that is no check.
    pub(crate) fn route(&self, kind: Kind<'_>, from: Origin) -> Option<ViewerKey> {
        match kind {
            Kind::Stun(message) if matches!(message.class, Class::Success | Class::Error) => {
                self.by_transaction.get(&message.transaction).copied()
            }
            Kind::Stun(_) | Kind::Garbage => None,
            Kind::Dtls | Kind::Rtp => self.by_address.get(&from).copied(),
        }
    }

    /// A viewer has checked from this address. It is the viewer's unless it is somebody's already: a
    /// source address can be forged.
    pub(crate) fn claim(&mut self, key: ViewerKey, from: Origin) {
        let Some(known) = self.viewers.get_mut(&key) else {
            return;
        };
        if self.by_address.contains_key(&from) {
            return;
        }
        let oldest = if known.claimed.len() >= CLAIMED_MAX {
            known.claimed.pop_front()
        } else {
            None
        };
        known.claimed.push_back(from);
        self.by_address.insert(from, key);
        if let Some(oldest) = oldest {
            self.release(key, oldest);
        }
    }

    /// A viewer has answered at this address, whoever had it before.
    pub(crate) fn prove(&mut self, key: ViewerKey, from: Origin) {
        let Some(known) = self.viewers.get_mut(&key) else {
            return;
        };
        known.claimed.retain(|claimed| *claimed != from);
        let mut oldest = None;
        if !known.owned.contains(&from) {
            if known.owned.len() >= OWNED_MAX {
                oldest = known.owned.pop_front();
            }
            known.owned.push_back(from);
        }
        self.by_address.insert(from, key);
        if let Some(oldest) = oldest {
            self.release(key, oldest);
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
            datagram.get(8..HEADER_BYTES).map(TransactionId::try_from),
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

    fn release(&mut self, key: ViewerKey, address: Origin) {
        if self.by_address.get(&address) == Some(&key) {
            self.by_address.remove(&address);
        }
    }

    /// Entries in all tables together: zero when nobody watches.
    #[cfg(any(test, feature = "fuzzing"))]
    pub(crate) fn len(&self) -> usize {
        self.viewers.len() + self.by_ufrag.len() + self.by_address.len() + self.by_transaction.len()
    }
}

#[cfg(test)]
mod tests;
