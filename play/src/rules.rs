//! The rules of each game, between the introduction of a round and its result.

pub(crate) mod group_photo;
pub(crate) mod how_many;
pub(crate) mod left_or_right;
pub(crate) mod object_hunt;
pub(crate) mod red_light;
pub(crate) mod shared_hunt;
#[cfg(test)]
mod tests;

use std::time::{Duration, Instant};

use crate::event::{GameEvent, RoundOutcome};
use crate::seen::SeenFrame;
use crate::shared_round::SharedRound;
use crate::view::{GameMark, GameView};

/// A frame that was captured in time counts if its tracks arrive at most this much later.
pub(crate) const LATE_FRAME: Duration = Duration::from_millis(300);

/// One game being played. `now` never goes back.
pub(crate) trait GameRules: Send + std::fmt::Debug {
    /// Before [`begin`](Self::begin) too, so that who is in view is known by then.
    fn observe(&mut self, frame: &SeenFrame, events: &mut Vec<GameEvent>);

    /// The clock starts.
    fn begin(&mut self, now: Instant, events: &mut Vec<GameEvent>);

    /// Called often, after [`begin`](Self::begin). With a result the game is over.
    fn advance(&mut self, now: Instant, events: &mut Vec<GameEvent>) -> Option<RoundOutcome>;

    /// The players want something else: another target, the next question.
    fn skip(&mut self, _now: Instant, _events: &mut Vec<GameEvent>) {}

    /// What the host of a round across stations tells.
    fn follow_shared(&mut self, _shared: &SharedRound) {}

    /// Adds what is to be shown.
    fn show(&self, view: &mut GameView);

    fn marks(&self) -> Vec<GameMark> {
        Vec::new()
    }
}

/// Whether `limit` has passed since `since`. Never adds to an instant.
pub(crate) fn has_passed(now: Instant, since: Instant, limit: Duration) -> bool {
    now.saturating_duration_since(since) >= limit
}
