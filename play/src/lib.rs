//! Games on the live feed.
//!
//! In: what the detector follows ([`SeenFrame`]), the time, and requests to start a round. Out: [`GameEvent`]s, which
//! the station turns into sounds, kept pictures and server-sent events, and a [`GameView`] with [`GameMark`]s, which it
//! paints onto the feed and sends to the pages.
//!
//! Everything here is pure: no clock, no thread, no file, no network. Each function takes `now`. [`Games`] is the whole
//! of it: one round at a time, its rules (`rules/`), who may start one (`start.rs`), and the leaderboard of the day.

mod classes;
mod event;
mod followed;
mod games;
mod leaderboard;
mod nickname;
mod people;
mod questions;
mod round;
mod rules;
mod seen;
mod shared_round;
mod start;
#[cfg(test)]
mod synthetic;
mod targets;
mod text;
mod view;
mod words;

pub use event::{GameEvent, Moment, RoundEnd, RoundOutcome};
pub use games::{Games, GamesSettings};
pub use leaderboard::{Leaderboard, LeaderboardEntry};
pub use nickname::Nickname;
pub use questions::{PollQuestion, PollQuestions, PollSide, QuestionsError};
pub use seen::{Region, SeenFrame, SeenObject};
pub use shared_round::{SHARED_TARGET_TIME, SharedRound, SharedWin};
pub use start::{GameKind, StartError, StartRules, StartedBy};
pub use targets::{HuntTarget, MeasuredClass, MeasuredModel, MeasuredModels, TargetsError};
pub use text::{GameText, OwnText, TextValue};
pub use view::{Countdown, Flash, FlashKind, GameMark, GameView, MarkRole, SideCount};
pub use words::{GameWords, TEXTS};

/// The measurements of the models that this program knows, in TOML: [`MeasuredModels`].
pub const MEASURED_AP: &str = include_str!("../measured_ap.toml");
/// Questions for who has no own ones, in TOML: [`PollQuestions`].
pub const EXAMPLE_QUESTIONS: &str = include_str!("../questions.example.toml");
