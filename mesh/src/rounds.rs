//! Hunts across carriers: the same target on all at the same moment. Pure.
//!
//! One carrier hosts a round and decides it. It asks for each target at a moment of its own clock that lies in the
//! future, so that slow networks know it in time; the others convert that moment with the measured offset of the
//! clocks. A find is reported as the time since the target was asked for. The host waits a moment for reports that are
//! still on their way before it decides.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::CarrierId;
use crate::slug::Slug;

pub(crate) const TARGETS_MAX: usize = 10;
pub(crate) const PLAYERS_MAX: usize = 8;
/// Before the first target: the game is introduced.
pub(crate) const FIRST_PAUSE_MS: u64 = 6000;
/// Between a decision and the next target.
pub(crate) const PAUSE_MS: u64 = 4000;
/// How long a target is asked for.
pub(crate) const TARGET_MS: u64 = 30_000;
/// How long the host waits for reports of others after a find, and after the time is over.
pub(crate) const GRACE_MS: u64 = 1500;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum RoundKind {
    /// All look for each target; the first find wins it.
    Duel,
    /// The carriers take turns, and win or lose together.
    Relay,
}

/// Who found a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Win {
    /// An index of [`HostedRound::players`].
    pub player: u8,
    pub took_ms: u32,
}

/// A round as its host announces it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostedRound {
    pub id: u64,
    pub kind: RoundKind,
    /// The host is the first one.
    pub players: Vec<CarrierId>,
    /// Classes; all players' models find them.
    pub targets: Vec<Slug>,
    /// One for each target that is decided; `None`: nobody found it in time.
    pub results: Vec<Option<Win>>,
    /// When the next target is asked for, by the host's clock.
    pub asked_at_ms: u64,
}

impl HostedRound {
    pub fn is_over(&self) -> bool {
        self.results.len() >= self.targets.len()
    }

    /// The target that is asked for from `asked_at_ms` on, and its index.
    pub fn current(&self) -> Option<(u8, &Slug)> {
        let index = self.results.len();
        let target = self.targets.get(index)?;
        Some((u8::try_from(index).ok()?, target))
    }

    /// Whether a find of `player` counts for the target `index`.
    pub fn may_find(&self, player: usize, index: u8) -> bool {
        match self.kind {
            RoundKind::Duel => player < self.players.len(),
            RoundKind::Relay => player == usize::from(index) % self.players.len().max(1),
        }
    }

    pub fn player(&self, id: CarrierId) -> Option<usize> {
        self.players.iter().position(|player| *player == id)
    }

    /// Targets that `player` has won.
    pub fn wins(&self, player: usize) -> usize {
        let is_theirs =
            |win: &&Option<Win>| win.is_some_and(|win| usize::from(win.player) == player);
        self.results.iter().filter(is_theirs).count()
    }

    /// Whether it could be one of an honest host.
    pub(crate) fn is_plausible(&self, host: CarrierId) -> bool {
        let is_player =
            |win: &Option<Win>| win.is_none_or(|win| usize::from(win.player) < self.players.len());
        self.players.first() == Some(&host)
            && self.players.len() <= PLAYERS_MAX
            && (1..=TARGETS_MAX).contains(&self.targets.len())
            && self.results.len() <= self.targets.len()
            && self.results.iter().all(is_player)
    }
}

/// What a player tells the host: each target it found, and after how long.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RoundReport {
    pub host: CarrierId,
    pub round: u64,
    pub finds: BTreeMap<u8, u32>,
}

/// Why no round was started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RoundError {
    #[error("a round across carriers is running")]
    Running,
    #[error("no other carrier is connected")]
    Nobody,
    #[error("the models of these carriers find no object in common")]
    NoTargets,
}

/// The host's side of a round.
#[derive(Debug)]
pub(crate) struct RoundHost {
    round: HostedRound,
    /// Finds of the current target, by player.
    finds: BTreeMap<usize, u32>,
    first_find_at_ms: Option<u64>,
}

impl RoundHost {
    /// `players`: the host first.
    pub(crate) fn new(
        id: u64,
        kind: RoundKind,
        players: Vec<CarrierId>,
        targets: Vec<Slug>,
        now_ms: u64,
    ) -> Result<Self, RoundError> {
        if players.len() < 2 {
            return Err(RoundError::Nobody);
        }
        if targets.is_empty() {
            return Err(RoundError::NoTargets);
        }
        let mut round = HostedRound {
            id,
            kind,
            players,
            targets,
            results: Vec::new(),
            asked_at_ms: now_ms.saturating_add(FIRST_PAUSE_MS),
        };
        round.players.truncate(PLAYERS_MAX);
        round.targets.truncate(TARGETS_MAX);
        Ok(Self {
            round,
            finds: BTreeMap::new(),
            first_find_at_ms: None,
        })
    }

    pub(crate) fn round(&self) -> &HostedRound {
        &self.round
    }

    /// A report of `player`, or the host's own.
    pub(crate) fn report(&mut self, player: CarrierId, report: &RoundReport, now_ms: u64) {
        let Some((index, _)) = self.round.current() else {
            return;
        };
        let Some(player) = self.round.player(player) else {
            return;
        };
        let Some(took_ms) = report.finds.get(&index).copied() else {
            return;
        };
        let found_at_ms = self.round.asked_at_ms.saturating_add(took_ms.into());
        // The offset of clocks is known to half a round trip; a find of the future is not possible.
        let is_possible = u64::from(took_ms) <= TARGET_MS && found_at_ms <= now_ms + GRACE_MS;
        if report.round == self.round.id && self.round.may_find(player, index) && is_possible {
            self.finds.entry(player).or_insert(took_ms);
            self.first_find_at_ms.get_or_insert(now_ms);
        }
    }

    /// Decides the current target when it is time; `true`: the round has changed.
    pub(crate) fn advance(&mut self, now_ms: u64) -> bool {
        if self.round.is_over() {
            return false;
        }
        let index = u8::try_from(self.round.results.len()).unwrap_or(u8::MAX);
        let may_find = |player: &usize| self.round.may_find(*player, index);
        let finders = (0..self.round.players.len()).filter(may_find).count();
        let has_waited = |since: u64, limit_ms| now_ms.saturating_sub(since) >= limit_ms;
        let all_found = finders > 0 && self.finds.len() >= finders;
        let is_found = all_found
            || self
                .first_find_at_ms
                .is_some_and(|at| has_waited(at, GRACE_MS));
        let is_time_over = has_waited(self.round.asked_at_ms, TARGET_MS + GRACE_MS);
        if !is_found && !is_time_over {
            return false;
        }
        let first = self.finds.iter().min_by_key(|(_, took_ms)| **took_ms);
        let win = first.and_then(|(player, took_ms)| {
            let player = u8::try_from(*player).ok()?;
            Some(Win {
                player,
                took_ms: *took_ms,
            })
        });
        self.round.results.push(win);
        self.round.asked_at_ms = now_ms.saturating_add(PAUSE_MS);
        self.finds.clear();
        self.first_find_at_ms = None;
        true
    }
}

/// A player's side: what it found of the round that it was told of.
#[derive(Debug, Clone)]
pub(crate) struct RoundPlayer {
    report: RoundReport,
}

impl RoundPlayer {
    pub(crate) fn new(host: CarrierId, round: u64) -> Self {
        let finds = BTreeMap::new();
        let report = RoundReport { host, round, finds };
        Self { report }
    }

    pub(crate) fn is_of(&self, host: CarrierId, round: u64) -> bool {
        self.report.host == host && self.report.round == round
    }

    /// The current target was seen at `at_ms` of the host's clock; `true`: that is new.
    pub(crate) fn found(&mut self, round: &HostedRound, own: CarrierId, at_ms: u64) -> bool {
        let Some((index, _)) = round.current() else {
            return false;
        };
        let may_find = round
            .player(own)
            .is_some_and(|player| round.may_find(player, index));
        let Some(took_ms) = at_ms.checked_sub(round.asked_at_ms) else {
            return false;
        };
        if !may_find || took_ms > TARGET_MS || self.report.finds.contains_key(&index) {
            return false;
        }
        let took_ms = u32::try_from(took_ms).unwrap_or(u32::MAX);
        self.report.finds.insert(index, took_ms);
        true
    }

    pub(crate) fn report(&self) -> &RoundReport {
        &self.report
    }
}

#[cfg(test)]
mod tests;
