//! Finds the viewer that a datagram belongs to: all viewers share one port.
//!
//! A datagram never creates a session. A source address is claimed by a connectivity check with the right
//! password, and proven by a response to one of our checks; a source address alone can be forged.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;

use super::ice::CheckCredentials;
use super::runs::TransportProtocol;
use super::stun::{Class, HEADER_BYTES, Message, TransactionId, is_check};

/// A part of the viewers, served by one thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Shard(pub(crate) usize);

/// Identifies a viewer inside the engine; never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct ViewerKey {
    /// The thread that serves it, which never changes.
    pub(crate) shard: Shard,
    pub(crate) number: u64,
}

/// Maximum proven addresses per viewer; a phone that changes networks uses a few.
const OWNED_MAX: usize = 16;
/// Maximum claimed, not yet proven addresses per viewer. They are stored separately, so that a check that
/// somebody recorded and replays from elsewhere cannot evict proven addresses.
const CLAIMED_MAX: usize = 16;
/// Maximum outstanding checks per viewer.
const TRANSACTIONS_MAX: usize = 128;
/// Maximum user name fragments per viewer: those before and after an ICE restart.
const UFRAGS_MAX: usize = 2;

/// The kinds of datagram that share a port (RFC 7983).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind<'a> {
    /// A connectivity check or a response to one.
    Stun(Message<'a>),
    Dtls,
    /// RTP or RTCP.
    Rtp,
    /// None of these; dropped.
    Garbage,
}

/// Classifies a datagram by its first byte and its length.
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
struct ViewerEntry {
    /// The newest last. An ICE restart adds one; the previous one stays valid until the restart succeeds.
    ufrags: VecDeque<String>,
    owned: VecDeque<Origin>,
    claimed: VecDeque<Origin>,
    transactions: VecDeque<TransactionId>,
}

/// Source of a datagram: the same address over UDP and over TCP is not the same path.
pub(crate) type Origin = (TransportProtocol, SocketAddr);

/// The tables that map datagrams to viewers.
#[derive(Debug, Default)]
pub(crate) struct Demux {
    viewers: HashMap<ViewerKey, ViewerEntry>,
    by_ufrag: HashMap<String, (ViewerKey, Arc<CheckCredentials>)>,
    by_address: HashMap<Origin, ViewerKey>,
    by_transaction: HashMap<TransactionId, ViewerKey>,
}

impl Demux {
    /// Adds a viewer with the credentials of its answer.
    pub(crate) fn add(&mut self, key: ViewerKey, names: Arc<CheckCredentials>) {
        self.viewers.insert(key, ViewerEntry::default());
        self.rename(key, names);
    }

    /// Adds the credentials of an ICE restart; the previous ones stay valid.
    pub(crate) fn rename(&mut self, key: ViewerKey, names: Arc<CheckCredentials>) {
        let Some(entry) = self.viewers.get_mut(&key) else {
            return;
        };
        if entry.ufrags.len() >= UFRAGS_MAX
            && let Some(oldest) = entry.ufrags.pop_front()
        {
            self.by_ufrag.remove(&oldest);
        }
        let ufrag = names.local.ufrag.clone();
        entry.ufrags.push_back(ufrag.clone());
        self.by_ufrag.insert(ufrag, (key, names));
    }

    /// Removes all entries of a viewer.
    pub(crate) fn remove(&mut self, key: ViewerKey) {
        let Some(entry) = self.viewers.remove(&key) else {
            return;
        };
        for ufrag in entry.ufrags {
            self.by_ufrag.remove(&ufrag);
        }
        for address in entry.owned.into_iter().chain(entry.claimed) {
            self.release(key, address);
        }
        for transaction in entry.transactions {
            self.by_transaction.remove(&transaction);
        }
    }

    /// Finds the viewer by the user name of a check, with the credentials the check must match.
    pub(crate) fn find_by_username(
        &self,
        check: &Message<'_>,
    ) -> Option<(ViewerKey, Arc<CheckCredentials>)> {
        let (ours, _) = check.user_name()?;
        self.by_ufrag.get(ours).cloned()
    }

    /// Finds the viewer of a datagram that is not a connectivity check.
    pub(crate) fn route(&self, kind: Kind<'_>, from: Origin) -> Option<ViewerKey> {
        match kind {
            Kind::Stun(message) if matches!(message.class, Class::Success | Class::Error) => {
                self.by_transaction.get(&message.transaction).copied()
            }
            Kind::Stun(_) | Kind::Garbage => None,
            Kind::Dtls | Kind::Rtp => self.by_address.get(&from).copied(),
        }
    }

    /// Assigns the source address of an authenticated check to the viewer, unless it is assigned already:
    /// a source address can be forged.
    pub(crate) fn claim(&mut self, key: ViewerKey, from: Origin) {
        let Some(entry) = self.viewers.get_mut(&key) else {
            return;
        };
        if self.by_address.contains_key(&from) {
            return;
        }
        let oldest = if entry.claimed.len() >= CLAIMED_MAX {
            entry.claimed.pop_front()
        } else {
            None
        };
        entry.claimed.push_back(from);
        self.by_address.insert(from, key);
        if let Some(oldest) = oldest {
            self.release(key, oldest);
        }
    }

    /// Assigns an address at which the viewer has answered a check, even if another viewer had it.
    pub(crate) fn prove(&mut self, key: ViewerKey, from: Origin) {
        let Some(entry) = self.viewers.get_mut(&key) else {
            return;
        };
        entry.claimed.retain(|claimed| *claimed != from);
        let mut oldest = None;
        if !entry.owned.contains(&from) {
            if entry.owned.len() >= OWNED_MAX {
                oldest = entry.owned.pop_front();
            }
            entry.owned.push_back(from);
        }
        self.by_address.insert(from, key);
        if let Some(oldest) = oldest {
            self.release(key, oldest);
        }
    }

    /// Remembers the transaction of an outgoing check, by which its response is routed.
    pub(crate) fn sent(&mut self, key: ViewerKey, datagram: &[u8]) {
        if !is_check(datagram) {
            return;
        }
        let (Some(entry), Some(Ok(transaction))) = (
            self.viewers.get_mut(&key),
            datagram.get(8..HEADER_BYTES).map(TransactionId::try_from),
        ) else {
            return;
        };
        if entry.transactions.len() >= TRANSACTIONS_MAX
            && let Some(oldest) = entry.transactions.pop_front()
        {
            self.by_transaction.remove(&oldest);
        }
        entry.transactions.push_back(transaction);
        self.by_transaction.insert(transaction, key);
    }

    fn release(&mut self, key: ViewerKey, address: Origin) {
        if self.by_address.get(&address) == Some(&key) {
            self.by_address.remove(&address);
        }
    }

    /// Entries in all tables together; zero without viewers.
    #[cfg(any(test, feature = "fuzzing"))]
    pub(crate) fn len(&self) -> usize {
        self.viewers.len() + self.by_ufrag.len() + self.by_address.len() + self.by_transaction.len()
    }
}

#[cfg(test)]
mod tests;
