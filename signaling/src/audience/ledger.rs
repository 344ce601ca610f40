//! What the shards of the audience have in common: who is who, who has a place, which keyframes are
//! asked for, and what everybody's network carries.
//!
//! Each shard is served by a thread of its own. A lock here is held for a look-up or a note, never
//! while anything is sent; with one shard nobody ever waits for one.

use std::array;
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::goodbyes::Goodbyes;
use crate::demux::{Demux, Shard, ViewerKey};
use crate::ice::CheckNames;
use crate::keyframe_gate::KeyframeGate;
use crate::rendition::RenditionId;
use crate::runs::Run;
use crate::session::Refused;
use crate::stun::is_check;

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
    pub(super) fn add(&mut self, key: ViewerKey, id: String, names: Arc<CheckNames>) {
        self.demux.add(key, names);
        self.by_id.insert(id, key);
    }

    pub(super) fn remove(&mut self, key: ViewerKey, id: &str) {
        self.demux.remove(key);
        self.by_id.remove(id);
    }

    /// Whose session this is.
    pub(crate) fn key_of(&self, id: &str) -> Result<ViewerKey, Refused> {
        self.by_id.get(id).copied().ok_or(Refused::Unknown)
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const MS: Duration = Duration::from_millis(1);
    const MAIN: RenditionId = RenditionId::MAIN;

    #[test]
    fn viewers_spread_over_the_shards_within_one_limit() {
        let ledger = Ledger::new(3);
        for _ in 0..6 {
            assert!(ledger.take_place(ledger.emptiest(), 6));
        }
        let loads: Vec<usize> = ledger
            .loads
            .iter()
            .map(|load| load.load(Ordering::Relaxed))
            .collect();
        assert_eq!(loads, [2, 2, 2]);
        assert!(!ledger.take_place(Shard(0), 6), "full, whichever shard");
        ledger.give_place_back(Shard(1));
        assert_eq!(ledger.emptiest(), Shard(1));
        assert!(ledger.take_place(Shard(1), 6));
    }

    #[test]
    fn one_request_serves_all_shards_and_a_keyframe_answers_once() {
        let (ledger, start) = (Ledger::new(2), Instant::now());
        let asked = |now: Instant| ledger.keyframes_to_ask(now).count();
        ledger.want_keyframe(MAIN);
        ledger.want_keyframe(MAIN);
        assert_eq!(asked(start), 1);
        assert_eq!(asked(start + 10 * MS), 0, "asked already");
        ledger.keyframe_came(start + 30 * MS, MAIN, u32::MAX);
        assert_eq!(ledger.keyframes_due(), None);
        // A viewer of the first shard has lost it before the second has even seen it.
        ledger.want_keyframe(MAIN);
        ledger.keyframe_came(start + 31 * MS, MAIN, u32::MAX);
        assert_eq!(asked(start + 530 * MS), 1, "it is still wanted");
        ledger.keyframe_came(start + 560 * MS, MAIN, 3);
        assert_eq!(asked(start + 2000 * MS), 0);
    }

    #[test]
    fn everybodys_ceilings_are_known_to_all() {
        let ledger = Ledger::new(2);
        let (slow, fast) = ((MAIN, Some(300_000)), (MAIN, None));
        assert_eq!(ledger.ceilings(Shard(0), vec![slow]), [slow]);
        assert_eq!(ledger.ceilings(Shard(1), vec![fast]), [slow, fast]);
        assert_eq!(ledger.ceilings(Shard(0), Vec::new()), [fast]);
    }
}
