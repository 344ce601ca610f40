//! The best scores of the day, for each game.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::nickname::Nickname;
use crate::start::GameKind;

/// Entries for each game.
const ENTRIES_MAX: usize = 10;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaderboardEntry {
    pub nickname: Nickname,
    pub score: u32,
}

/// The best of one day, best first. It can be stored and read again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leaderboard {
    /// Whatever numbers the days of the place; `None` before the first one is known.
    day: Option<i64>,
    entries: BTreeMap<GameKind, Vec<LeaderboardEntry>>,
}

impl Leaderboard {
    /// Another day than before empties the leaderboard.
    pub(crate) fn begin_day(&mut self, day: i64) {
        if self.day.is_some_and(|known| known != day) {
            self.entries.clear();
        }
        self.day = Some(day);
    }

    /// The place of the new entry, from 1. The earlier one of two equal scores is in front. Nobody is listed
    /// with nothing.
    pub(crate) fn enter(&mut self, game: GameKind, entry: LeaderboardEntry) -> Option<usize> {
        if entry.score == 0 {
            return None;
        }
        let entries = self.entries.entry(game).or_default();
        let better = entries.partition_point(|other| other.score >= entry.score);
        if better >= ENTRIES_MAX {
            return None;
        }
        entries.insert(better, entry);
        entries.truncate(ENTRIES_MAX);
        Some(better + 1)
    }

    #[must_use]
    pub fn of(&self, game: GameKind) -> &[LeaderboardEntry] {
        self.entries.get(&game).map_or(&[], Vec::as_slice)
    }

    #[must_use]
    pub fn record(&self, game: GameKind) -> Option<u32> {
        self.of(game).first().map(|entry| entry.score)
    }

    pub(crate) fn has(&self, nickname: &Nickname) -> bool {
        let mut all = self.entries.values().flatten();
        all.any(|entry| entry.nickname == *nickname)
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;

    fn entry(score: u32) -> LeaderboardEntry {
        let nickname = Nickname::draw(&mut StdRng::seed_from_u64(score.into()), |_| false);
        LeaderboardEntry { nickname, score }
    }

    #[test]
    fn the_best_ten_are_kept_and_the_earlier_of_equals_is_in_front() {
        let mut board = Leaderboard::default();
        for score in 1..=12 {
            assert_eq!(board.enter(GameKind::ObjectHunt, entry(score)), Some(1));
        }
        assert_eq!(board.of(GameKind::ObjectHunt).len(), ENTRIES_MAX);
        assert_eq!(board.enter(GameKind::ObjectHunt, entry(2)), None);
        assert_eq!(board.enter(GameKind::ObjectHunt, entry(12)), Some(2));
        assert_eq!(board.record(GameKind::ObjectHunt), Some(12));
        assert_eq!(board.record(GameKind::HowMany), None);
        assert_eq!(board.enter(GameKind::HowMany, entry(0)), None);
    }

    #[test]
    fn another_day_empties_it_and_the_first_known_day_does_not() {
        let mut board = Leaderboard::default();
        board.enter(GameKind::HowMany, entry(4));
        board.begin_day(100);
        board.begin_day(100);
        assert_eq!(board.record(GameKind::HowMany), Some(4));
        board.begin_day(99);
        assert_eq!(board.record(GameKind::HowMany), None);
    }

    #[test]
    fn it_is_stored_and_read_again() {
        let mut board = Leaderboard::default();
        board.begin_day(20_000);
        board.enter(GameKind::HowMany, entry(4));
        let stored = serde_json::to_string(&board).unwrap();
        assert_eq!(serde_json::from_str::<Leaderboard>(&stored).unwrap(), board);
    }
}
