//! What the shards of the audience share: sessions by name and address, the number of viewers, and the
//! bandwidth estimates of all viewers.
//!
//! Each shard has a thread of its own. A lock here is held for one look-up or change, never while anything
//! is sent; with one shard nobody waits for it.

#[cfg(test)]
mod tests;

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use capture::lock;

use crate::encode::encoder::RenditionId;
use crate::transport::demux::{Demux, Shard, ViewerKey};
use crate::transport::ice::CheckCredentials;
use crate::transport::runs::Run;
use crate::transport::session::SessionError;
use crate::transport::stun::is_check;

/// A viewer's rendition, and its bandwidth estimate in bits a second if it has one.
pub(super) type ViewerEstimate = (RenditionId, Option<u32>);

/// All sessions, by id and by the addresses of their datagrams.
#[derive(Debug, Default)]
pub(crate) struct Directory {
    pub(super) demux: Demux,
    by_id: HashMap<String, ViewerKey>,
    pub(super) recently_closed: RecentlyClosed,
}

impl Directory {
    /// Adds a session under its id and its ICE credentials.
    pub(super) fn add(&mut self, key: ViewerKey, id: String, names: Arc<CheckCredentials>) {
        self.demux.add(key, names);
        self.by_id.insert(id, key);
    }

    pub(super) fn remove(&mut self, key: ViewerKey, id: &str) {
        self.demux.remove(key);
        self.by_id.remove(id);
    }

    /// The key of a session.
    pub(crate) fn key_of(&self, id: &str) -> Result<ViewerKey, SessionError> {
        self.by_id.get(id).copied().ok_or(SessionError::Unknown)
    }

    /// Entries in all tables: zero when nobody watches.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.demux.len() + self.by_id.len()
    }
}

/// What the shards share.
#[derive(Debug)]
pub(crate) struct PeerIndex {
    directory: Mutex<Directory>,
    viewers: AtomicUsize,
    /// Viewers of each shard.
    loads: Vec<AtomicUsize>,
    /// The estimates of each shard's viewers that it reported last.
    estimates: Mutex<Vec<Vec<ViewerEstimate>>>,
}

impl PeerIndex {
    pub(crate) fn new(shards: usize) -> Self {
        Self {
            directory: Mutex::default(),
            viewers: AtomicUsize::new(0),
            loads: (0..shards).map(|_| AtomicUsize::new(0)).collect(),
            estimates: Mutex::new(vec![Vec::new(); shards]),
        }
    }

    pub(crate) fn directory(&self) -> MutexGuard<'_, Directory> {
        lock(&self.directory)
    }

    pub(crate) fn shards(&self) -> usize {
        self.loads.len()
    }

    /// Viewers of all shards.
    pub(crate) fn viewers(&self) -> usize {
        self.viewers.load(Ordering::Relaxed)
    }

    /// The shard for the next viewer: the one with the fewest viewers.
    pub(crate) fn emptiest(&self) -> Shard {
        let load = |at: &usize| self.loads[*at].load(Ordering::Relaxed);
        Shard((0..self.loads.len()).min_by_key(load).unwrap_or(0))
    }

    /// Counts one more viewer, if there are fewer than `most`.
    pub(super) fn take_place(&self, shard: Shard, most: usize) -> bool {
        let more = |viewers: usize| (viewers < most).then_some(viewers + 1);
        let taken = self
            .viewers
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
        if taken.is_ok() {
            self.loads[shard.0].fetch_add(1, Ordering::Relaxed);
        }
        taken.is_ok()
    }

    /// Counts one viewer less.
    pub(super) fn give_place_back(&self, shard: Shard) {
        self.viewers.fetch_sub(1, Ordering::Relaxed);
        self.loads[shard.0].fetch_sub(1, Ordering::Relaxed);
    }

    /// Remembers who sent an ICE check, since its answer is routed to the sender.
    pub(super) fn note_sent(&self, key: ViewerKey, runs: &[Run]) {
        // A check is always a run of its own.
        if runs.iter().any(|run| is_check(run.bytes())) {
            let demux = &mut self.directory().demux;
            for run in runs {
                demux.sent(key, run.bytes());
            }
        }
    }

    /// Stores the estimates of one shard's viewers, and returns those of all viewers.
    pub(super) fn estimates(&self, shard: Shard, own: Vec<ViewerEstimate>) -> Vec<ViewerEstimate> {
        let mut estimates = lock(&self.estimates);
        estimates[shard.0] = own;
        estimates.concat()
    }
}

/// The ids of sessions whose DTLS connection was closed by the viewer. A page closes its connection and
/// then deletes its session over HTTP, which arrives later; that `DELETE` must succeed, too.
#[derive(Debug, Default)]
pub(super) struct RecentlyClosed {
    ids: VecDeque<String>,
}

/// Ids that are kept. Older ones are forgotten: their `DELETE` was never sent.
const REMEMBERED: usize = 256;

impl RecentlyClosed {
    pub(super) fn add(&mut self, id: String) {
        if self.ids.len() == REMEMBERED {
            self.ids.pop_front();
        }
        self.ids.push_back(id);
    }

    /// Whether this session was closed recently; true once.
    pub(super) fn take(&mut self, id: &str) -> bool {
        let found = self.ids.iter().position(|known| known == id);
        found.and_then(|at| self.ids.remove(at)).is_some()
    }
}
