//! What the shards of the audience have in common: who is who, who has a place, which keyframes are
//! asked for, and what everybody's network carries.
//!
//! Each shard is served by a thread of its own. A lock here is held for a look-up or a note, never
//! while anything is sent; with one shard nobody ever waits for one.

#[cfg(test)]
mod tests;

use std::array;
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::encode::encoder::RenditionId;
use crate::encode::keyframes::KeyframeGate;
use crate::transport::demux::{Demux, Shard, ViewerKey};
use crate::transport::ice::CheckCredentials;
use crate::transport::runs::Run;
use crate::transport::session::SessionError;
use crate::transport::stun::is_check;

/// A viewer's rendition, and its ceiling in bits a second if it has one.
pub(super) type Ceiling = (RenditionId, Option<u32>);

/// Who is who.
#[derive(Debug, Default)]
pub(crate) struct Directory {
    pub(super) demux: Demux,
    by_id: HashMap<String, ViewerKey>,
    pub(super) goodbyes: Goodbyes,
}

impl Directory {
    /// Makes a session known by its name, and by the names of its answer.
    pub(super) fn add(&mut self, key: ViewerKey, id: String, names: Arc<CheckCredentials>) {
        self.demux.add(key, names);
        self.by_id.insert(id, key);
    }

    pub(super) fn remove(&mut self, key: ViewerKey, id: &str) {
        self.demux.remove(key);
        self.by_id.remove(id);
    }

    /// Whose session this is.
    pub(crate) fn key_of(&self, id: &str) -> Result<ViewerKey, SessionError> {
        self.by_id.get(id).copied().ok_or(SessionError::Unknown)
    }

    /// Entries in all tables together: zero when nobody watches.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.demux.len() + self.by_id.len()
    }
}

/// The requests for keyframes of one rendition. Its keyframes come to every shard: only the first time
/// is one an answer, for whoever asks after that means the next one.
#[derive(Debug, Default)]
struct Gate {
    gate: KeyframeGate,
    /// RTP time of the newest keyframe.
    newest_ticks: Option<u32>,
}

/// What the shards have in common.
#[derive(Debug)]
pub(crate) struct Ledger {
    directory: Mutex<Directory>,
    gates: [Mutex<Gate>; RenditionId::LIMIT],
    viewers: AtomicUsize,
    /// Viewers of each shard.
    loads: Vec<AtomicUsize>,
    /// Of each shard's viewers, as it last told.
    ceilings: Mutex<Vec<Vec<Ceiling>>>,
}

impl Ledger {
    pub(crate) fn new(shards: usize) -> Self {
        Self {
            directory: Mutex::default(),
            gates: array::from_fn(|_| Mutex::default()),
            viewers: AtomicUsize::new(0),
            loads: (0..shards).map(|_| AtomicUsize::new(0)).collect(),
            ceilings: Mutex::new(vec![Vec::new(); shards]),
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

    /// The shard for the next viewer: the one with the fewest.
    pub(crate) fn emptiest(&self) -> Shard {
        let load = |at: &usize| self.loads[*at].load(Ordering::Relaxed);
        Shard((0..self.loads.len()).min_by_key(load).unwrap_or(0))
    }

    /// Takes a place for a viewer, if there are fewer than `most`.
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

    pub(super) fn give_place_back(&self, shard: Shard) {
        self.viewers.fetch_sub(1, Ordering::Relaxed);
        self.loads[shard.0].fetch_sub(1, Ordering::Relaxed);
    }

    /// Notes datagrams on their way out: the answer to a check comes back to whoever sent it.
    pub(super) fn note_sent(&self, key: ViewerKey, runs: &[Run]) {
        // A check is a run of its own.
        if runs.iter().any(|run| is_check(run.bytes())) {
            let demux = &mut self.directory().demux;
            for run in runs {
                demux.sent(key, run.bytes());
            }
        }
    }

    /// Somebody needs a keyframe.
    pub(super) fn want_keyframe(&self, rendition: RenditionId) {
        lock(&self.gates[rendition.index()]).gate.want();
    }

    /// A keyframe came to one of the shards.
    pub(super) fn keyframe_came(&self, now: Instant, rendition: RenditionId, rtp_ticks: u32) {
        let mut gate = lock(&self.gates[rendition.index()]);
        let newer = |newest: u32| rtp_ticks.wrapping_sub(newest).cast_signed() > 0;
        if gate.newest_ticks.is_none_or(newer) {
            gate.newest_ticks = Some(rtp_ticks);
            gate.gate.came(now);
        }
    }

    /// Nobody watches this rendition any more.
    pub(super) fn cancel_keyframe(&self, rendition: RenditionId) {
        lock(&self.gates[rendition.index()]).gate.cancel();
    }

    /// Renditions whose encoder is to be asked for a keyframe now; they count as asked.
    pub(super) fn keyframes_to_ask(&self, now: Instant) -> impl Iterator<Item = RenditionId> {
        self.gates.iter().enumerate().filter_map(move |(at, gate)| {
            let asks = lock(gate).gate.ask(now);
            RenditionId::new(at).filter(|_| asks)
        })
    }

    /// When [`Self::keyframes_to_ask`] is next due.
    pub(super) fn keyframes_due(&self) -> Option<Instant> {
        let gates = self.gates.iter();
        gates.filter_map(|gate| lock(gate).gate.due()).min()
    }

    /// Takes what one shard's viewers can take, and gives everybody's.
    pub(super) fn ceilings(&self, shard: Shard, own: Vec<Ceiling>) -> Vec<Ceiling> {
        let mut ceilings = lock(&self.ceilings);
        ceilings[shard.0] = own;
        ceilings.concat()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A page that closes its connection and then deletes its session has done everything right, but the
/// connection's own goodbye is faster than HTTP. Its `DELETE` finds the session here and is answered
/// as any other.
#[derive(Debug, Default)]
pub(super) struct Goodbyes {
    ids: VecDeque<String>,
}

/// The oldest are forgotten: by then the `DELETE` was lost with its page.
const REMEMBERED: usize = 256;

impl Goodbyes {
    pub(super) fn hung_up(&mut self, id: String) {
        if self.ids.len() == REMEMBERED {
            self.ids.pop_front();
        }
        self.ids.push_back(id);
    }

    /// Whether this session's viewer hung up of late. Answers once.
    pub(super) fn take(&mut self, id: &str) -> bool {
        let found = self.ids.iter().position(|known| known == id);
        found.and_then(|at| self.ids.remove(at)).is_some()
    }
}
