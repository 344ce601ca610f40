//! What is shown of a round, without a size or a colour: the overlay of the feed, the screen and the pages each place it
//! as they have room.
//!
//! A view changes only when something happens, not while time passes: clocks are given by when they end. Two equal
//! views need not be sent or laid out again. [`GameMark`]s follow the tracks and may change with every frame.

use std::time::{Duration, Instant};

use serde::Serialize;

use crate::seen::Region;
use crate::start::GameKind;
use crate::text::GameText;

/// Most important first: a small picture leaves out the last ones.
#[derive(Debug, Clone, PartialEq)]
pub struct GameView {
    pub game: GameKind,
    pub round: u64,
    /// One or two short words in the largest letters that fit.
    pub big_word: Option<GameText>,
    pub countdown: Option<Countdown>,
    /// The line above the big word.
    pub line: GameText,
    pub score: Option<u32>,
    /// The newest one. It fades within half a second; where motion is reduced it is a still frame around the picture.
    pub flash: Option<Flash>,
    /// The two halves of the picture, left first.
    pub sides: Option<[SideCount; 2]>,
    /// Below the big word: results, comments, the leaderboard.
    pub rows: Vec<GameText>,
}

impl GameView {
    pub(crate) fn new(game: GameKind, round: u64, line: GameText) -> Self {
        Self {
            game,
            round,
            big_word: None,
            countdown: None,
            line,
            score: None,
            flash: None,
            sides: None,
            rows: Vec::new(),
        }
    }
}

/// A clock that runs down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Countdown {
    pub ends_at: Instant,
    /// Where the clock was full.
    pub total: Duration,
}

impl Countdown {
    pub(crate) fn new(since: Instant, total: Duration) -> Self {
        let ends_at = since.checked_add(total).unwrap_or(since);
        Self { ends_at, total }
    }

    #[must_use]
    pub fn left(&self, now: Instant) -> Duration {
        self.ends_at.saturating_duration_since(now)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flash {
    pub kind: FlashKind,
    pub since: Instant,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FlashKind {
    Good,
    Bad,
    Photo,
}

/// One half of the picture in a poll.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SideCount {
    pub text: GameText,
    pub persons: u32,
    pub is_chosen: bool,
}

/// An object in the picture that is marked. The overlay knows better where the track is in the frame it paints;
/// without that track it uses the region.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GameMark {
    pub track_id: u64,
    pub region: Region,
    pub role: MarkRole,
    pub text: Option<GameText>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MarkRole {
    Found,
    Playing,
    Out,
    Counted,
}
