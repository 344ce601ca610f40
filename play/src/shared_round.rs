//! A round that several stations play at once, as its host tells of it.

use std::time::{Duration, Instant};

use crate::start::GameKind;

/// How long a target is asked for.
pub const SHARED_TARGET_TIME: Duration = Duration::from_secs(30);

/// Which station found a target, and how long that took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SharedWin {
    /// An index of [`SharedRound::players`].
    pub player: usize,
    pub took: Duration,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedRound {
    pub id: u64,
    /// A shared one: [`GameKind::is_shared`].
    pub game: GameKind,
    /// The names of the stations, the host first.
    pub players: Vec<String>,
    /// This station among them.
    pub own: usize,
    /// Classes with hyphens for spaces.
    pub targets: Vec<String>,
    /// One for each target that is decided; `None`: nobody found it in time.
    pub results: Vec<Option<SharedWin>>,
    /// When the next target is asked for.
    pub asked_at: Instant,
}

impl SharedRound {
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.results.len() >= self.targets.len()
    }

    /// The station whose turn it is; `None`: all look for the target.
    pub(crate) fn turn(&self) -> Option<usize> {
        let turn = self.results.len() % self.players.len().max(1);
        (self.game == GameKind::Relay).then_some(turn)
    }

    pub(crate) fn name(&self, player: usize) -> &str {
        self.players.get(player).map_or("", String::as_str)
    }

    /// Targets that `player` has won.
    pub(crate) fn wins(&self, player: usize) -> u32 {
        let is_theirs = |win: &&SharedWin| win.player == player;
        let wins = self.results.iter().flatten().filter(is_theirs).count();
        u32::try_from(wins).unwrap_or(u32::MAX)
    }
}
