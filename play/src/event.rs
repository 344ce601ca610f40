//! What happens in a round, for sounds, pictures and server-sent events.

use std::time::Instant;

use serde::Serialize;

use crate::nickname::Nickname;
use crate::questions::PollSide;
use crate::seen::Region;
use crate::start::{GameKind, StartedBy};
use crate::text::GameText;

/// Something happened. `round` counts up from the start of the program.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum GameEvent {
    RoundStarted {
        round: u64,
        game: GameKind,
        by: StartedBy,
    },
    /// The introduction is over and the clock runs.
    ClockStarted {
        round: u64,
    },
    /// Another target or question.
    Asked {
        round: u64,
        text: GameText,
    },
    Found {
        round: u64,
        target: GameText,
        points: u32,
        finds: u32,
    },
    /// The target of a round across stations is in the picture.
    TargetSeen {
        round: u64,
        #[serde(skip)]
        at: Instant,
    },
    QuestionClosed {
        round: u64,
        left: u32,
        right: u32,
        chosen: Option<PollSide>,
    },
    LightChanged {
        round: u64,
        is_green: bool,
    },
    /// A player moved at the red light.
    Caught {
        round: u64,
        player: Nickname,
    },
    /// More persons in the picture than before in this round.
    MorePersons {
        round: u64,
        persons: u32,
    },
    /// The countdown before a group photo began; it may be cancelled by somebody who moves.
    PhotoCountdown {
        round: u64,
        is_running: bool,
    },
    /// The picture of this frame belongs to the round. It is dropped unless the strip of [`RoundOutcome`] names it.
    KeepMoment {
        round: u64,
        moment: Moment,
    },
    /// The picture of this frame goes to the photo booth.
    TakePhoto {
        round: u64,
        moment: Moment,
    },
    RoundEnded {
        round: u64,
        game: GameKind,
        end: RoundEnd,
        outcome: RoundOutcome,
    },
    /// Its result is no longer shown.
    RoundCleared {
        round: u64,
    },
}

/// A frame that is worth keeping, and what of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Moment {
    pub frame_seq: u64,
    pub source_number: u64,
    /// What the moment is about: may be cut out or framed.
    pub track_id: Option<u64>,
    pub region: Option<Region>,
    pub caption: GameText,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RoundEnd {
    Finished,
    /// Somebody stopped it, or another round took its place. It has no place on the leaderboard.
    Stopped,
}

/// How a round ended.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RoundOutcome {
    /// Games without points have none.
    pub score: Option<u32>,
    pub headline: GameText,
    pub rows: Vec<GameText>,
    /// At most four moments for the photo strip, in the order in which they happened.
    pub strip: Vec<Moment>,
    /// Whose score it is. The winner's in a game with several players.
    pub nickname: Option<Nickname>,
    /// Place on the leaderboard of the day, from 1.
    pub place: Option<usize>,
    /// Nobody had more points today.
    pub is_record: bool,
}

impl RoundOutcome {
    pub(crate) fn new(score: Option<u32>, headline: GameText) -> Self {
        Self {
            score,
            headline,
            rows: Vec::new(),
            strip: Vec::new(),
            nickname: None,
            place: None,
            is_record: false,
        }
    }
}
