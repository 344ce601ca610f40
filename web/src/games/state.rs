//! What pages are told of the games, as JSON.

use std::collections::BTreeMap;
use std::time::Instant;

use capture::WallClock;
use play::{FlashKind, GameKind, GameText, GameView, Games, SideCount, StartedBy};
use schemars::JsonSchema;
use serde::Serialize;

use crate::carriers::CarrierScore;

/// GET `/api/play`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct PlayState {
    /// Unix time of the station, by which a page knows when clocks end.
    pub(crate) now_ms: u64,
    pub(crate) visitors_may_start: bool,
    pub(crate) games: Vec<OfferedGame>,
    /// What is on the picture; `None`: nothing.
    pub(crate) view: Option<ShownView>,
    /// Of the newest finished round, until the next one starts.
    pub(crate) result: Option<RoundResult>,
    /// Of this day.
    pub(crate) leaderboard: Vec<GameBoard>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct OfferedGame {
    #[schemars(with = "String")]
    game: GameKind,
    #[schemars(with = "TextSchema")]
    title: GameText,
    #[schemars(with = "TextSchema")]
    rules: GameText,
    /// Why it cannot be started now by who asks; `None`: it can.
    #[schemars(with = "Option<TextSchema>")]
    pub(crate) refusal: Option<GameText>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct ShownView {
    #[schemars(with = "String")]
    game: GameKind,
    round: u64,
    #[schemars(with = "TextSchema")]
    line: GameText,
    #[schemars(with = "Option<TextSchema>")]
    big_word: Option<GameText>,
    countdown: Option<ShownCountdown>,
    score: Option<u32>,
    flash: Option<ShownFlash>,
    /// The left half of the picture, and the right one.
    #[schemars(with = "Option<[SideSchema; 2]>")]
    sides: Option<[SideCount; 2]>,
    #[schemars(with = "Vec<TextSchema>")]
    rows: Vec<GameText>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
struct ShownCountdown {
    ends_at_ms: u64,
    total_ms: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
struct ShownFlash {
    /// good, bad or photo
    #[schemars(with = "String")]
    kind: FlashKind,
    at_ms: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct RoundResult {
    pub(crate) round: u64,
    #[schemars(with = "String")]
    pub(crate) game: GameKind,
    #[schemars(with = "TextSchema")]
    pub(crate) headline: GameText,
    pub(crate) score: Option<u32>,
    #[schemars(with = "Vec<TextSchema>")]
    pub(crate) rows: Vec<GameText>,
    #[schemars(with = "Option<TextSchema>")]
    pub(crate) nickname: Option<GameText>,
    /// On the leaderboard, from 1.
    pub(crate) place: Option<usize>,
    pub(crate) is_record: bool,
    /// The picture that can be taken home, once it is made.
    pub(crate) strip: Option<StripState>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct StripState {
    /// When it is erased.
    pub(crate) expires_at_ms: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct GameBoard {
    #[schemars(with = "String")]
    pub(crate) game: GameKind,
    /// The best first.
    pub(crate) entries: Vec<BoardEntry>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct BoardEntry {
    #[schemars(with = "TextSchema")]
    nickname: GameText,
    pub(crate) score: u32,
    /// Of which carrier; `null`: of this one.
    pub(crate) carrier: Option<String>,
}

/// How a text is written: a key of the language files with the values of its `{names}`, or a text of the owner's.
#[derive(JsonSchema)]
#[schemars(rename = "GameText")]
#[serde(untagged)]
#[expect(dead_code, reason = "only its schema is used")]
pub(crate) enum TextSchema {
    Key {
        key: String,
        #[serde(default)]
        values: BTreeMap<String, ValueSchema>,
    },
    ForAll(String),
    ByLanguage(BTreeMap<String, String>),
}

#[derive(JsonSchema)]
#[schemars(rename = "GameTextValue")]
#[serde(untagged)]
#[expect(dead_code, reason = "only its schema is used")]
pub(crate) enum ValueSchema {
    Number(u32),
    Text(Box<TextSchema>),
}

/// One half of the picture.
#[derive(JsonSchema)]
#[schemars(rename = "SideCount")]
#[expect(dead_code, reason = "only its schema is used")]
struct SideSchema {
    text: TextSchema,
    persons: u32,
    is_chosen: bool,
}

pub(super) fn offered(games: &Games, by: StartedBy, now: Instant) -> Vec<OfferedGame> {
    let offered = games.offered();
    offered
        .map(|game| OfferedGame {
            game,
            title: game.title(),
            rules: game.rules(),
            refusal: games
                .check_start(game, by, now)
                .err()
                .map(|error| error.text()),
        })
        .collect()
}

pub(super) fn shown(view: GameView, clock: &WallClock) -> ShownView {
    ShownView {
        game: view.game,
        round: view.round,
        line: view.line,
        big_word: view.big_word,
        countdown: view.countdown.map(|countdown| ShownCountdown {
            ends_at_ms: clock.unix_ms(countdown.ends_at),
            total_ms: u64::try_from(countdown.total.as_millis()).unwrap_or(u64::MAX),
        }),
        score: view.score,
        flash: view.flash.map(|flash| ShownFlash {
            kind: flash.kind,
            at_ms: clock.unix_ms(flash.since),
        }),
        sides: view.sides,
        rows: view.rows,
    }
}

/// Entries of a game, with those of other carriers.
const ENTRIES_MAX: usize = 10;

/// Of games that somebody has played today, here or on another carrier.
pub(super) fn boards(games: &Games, others: &[CarrierScore]) -> Vec<GameBoard> {
    let board = |game: GameKind| {
        let own = games.leaderboard().of(game).iter();
        let own = own.map(|entry| BoardEntry {
            nickname: entry.nickname.text(),
            score: entry.score,
            carrier: None,
        });
        let others = others.iter().filter(|other| other.game == game);
        let others = others.map(|other| BoardEntry {
            nickname: other.nickname.text(),
            score: other.score,
            carrier: Some(other.carrier.clone()),
        });
        let mut entries: Vec<_> = own.chain(others).collect();
        entries.sort_by_key(|entry| std::cmp::Reverse(entry.score));
        entries.truncate(ENTRIES_MAX);
        GameBoard { game, entries }
    };
    let boards = GameKind::ALL.into_iter().map(board);
    boards.filter(|board| !board.entries.is_empty()).collect()
}
