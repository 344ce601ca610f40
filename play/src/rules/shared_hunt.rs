//! A hunt across stations: the same target on all. In a duel the first find wins it, in a relay the stations take turns.
//!
//! The host decides; this station says when it saw a target, and shows what the host tells.

use std::time::{Duration, Instant};

use super::{GameRules, LATE_FRAME, has_passed};
use crate::event::{GameEvent, RoundOutcome};
use crate::followed::{FollowedObjects, SteadyObject};
use crate::seen::SeenFrame;
use crate::shared_round::{SHARED_TARGET_TIME, SharedRound, SharedWin};
use crate::start::GameKind;
use crate::targets::HuntTarget;
use crate::text::{GameText, OwnText};
use crate::view::{Countdown, Flash, FlashKind, GameMark, GameView, MarkRole};

/// How long the last decision is shown before the result.
const LAST_DECISION: Duration = Duration::from_millis(2500);
/// A smaller change of the time at which a target is asked for is not worth showing.
const CLOCK_STEP_MIN: Duration = Duration::from_millis(100);

#[derive(Debug)]
struct OwnFind {
    /// An index of the targets.
    target: usize,
    object: SteadyObject,
}

#[derive(Debug)]
pub(crate) struct SharedHunt {
    round: u64,
    shared: SharedRound,
    /// All that this station's model finds.
    findable: Vec<HuntTarget>,
    followed: FollowedObjects,
    find: Option<OwnFind>,
    /// The targets that were asked for.
    asked: usize,
    decided_at: Instant,
    flash: Option<Flash>,
    now: Instant,
}

impl SharedHunt {
    pub(crate) fn new(
        round: u64,
        shared: SharedRound,
        findable: Vec<HuntTarget>,
        now: Instant,
    ) -> Self {
        Self {
            round,
            shared,
            findable,
            followed: FollowedObjects::default(),
            find: None,
            asked: 0,
            decided_at: now,
            flash: None,
            now,
        }
    }

    fn target(&self, index: usize) -> Option<&HuntTarget> {
        let slug = self.shared.targets.get(index)?;
        self.findable.iter().find(|one| one.slug == *slug)
    }

    /// The target that is asked for now.
    fn asked_now(&self) -> Option<&HuntTarget> {
        let target = self.target(self.shared.results.len())?;
        (self.now >= self.shared.asked_at).then_some(target)
    }

    fn is_own_turn(&self) -> bool {
        self.shared
            .turn()
            .is_none_or(|turn| turn == self.shared.own)
    }

    fn has_found(&self) -> bool {
        let index = self.shared.results.len();
        self.find.as_ref().is_some_and(|find| find.target == index)
    }

    fn flash(&mut self, kind: FlashKind) {
        let since = self.now;
        self.flash = Some(Flash { kind, since });
    }

    /// How many targets each station has, the own one first.
    fn tally(&self) -> Vec<GameText> {
        let mut players: Vec<usize> = (0..self.shared.players.len()).collect();
        players.sort_by_key(|player| *player != self.shared.own);
        let line = |player: usize| {
            let name = named(self.shared.name(player));
            let score = self.shared.wins(player);
            GameText::key("play.score-of")
                .with("name", name)
                .with("score", score)
        };
        players.into_iter().map(line).collect()
    }

    fn show_decision(&self, view: &mut GameView) {
        let Some((last, win)) = self.shared.results.len().checked_sub(1).and_then(|last| {
            let win = self.shared.results.get(last)?;
            Some((last, *win))
        }) else {
            view.line = GameText::key("play.shared.ready");
            return;
        };
        view.big_word = self.target(last).map(HuntTarget::word);
        view.line = match win {
            Some(SharedWin { player, .. }) => {
                let name = named(self.shared.name(player));
                GameText::key("play.shared.first").with("name", name)
            }
            None => GameText::key("play.shared.nobody"),
        };
    }

    fn outcome(&self) -> RoundOutcome {
        let wins: Vec<u32> = (0..self.shared.players.len())
            .map(|player| self.shared.wins(player))
            .collect();
        let found = wins.iter().sum::<u32>();
        let best = wins.iter().copied().max().unwrap_or(0);
        let mut first = wins.iter().enumerate().filter(|(_, one)| **one == best);
        let headline = match (self.shared.game, first.next(), first.next()) {
            (GameKind::Relay, _, _) => GameText::key("play.relay.over").with("count", found),
            (_, Some((player, _)), None) if best > 0 => {
                let name = named(self.shared.name(player));
                GameText::key("play.shared.wins").with("name", name)
            }
            _ => GameText::key("play.shared.draw"),
        };
        let mut outcome = RoundOutcome::new(None, headline);
        outcome.rows = self.tally();
        outcome
    }
}

fn apart(one: Instant, other: Instant) -> Duration {
    one.max(other).saturating_duration_since(one.min(other))
}

/// A station's name is its owner's.
fn named(name: &str) -> GameText {
    GameText::Own(OwnText::ForAll(name.to_owned()))
}

impl GameRules for SharedHunt {
    fn observe(&mut self, frame: &SeenFrame, events: &mut Vec<GameEvent>) {
        self.followed.observe(frame);
        let Some(wanted) = self.asked_now().map(|target| target.class_id) else {
            return;
        };
        let at = frame.captured_at;
        let is_in_time =
            at >= self.shared.asked_at && !has_passed(at, self.shared.asked_at, SHARED_TARGET_TIME);
        if self.has_found() || !self.is_own_turn() || !is_in_time {
            return;
        }
        let is_wanted = |object: &SteadyObject| object.class_id == wanted;
        let object = self.followed.steady().find(is_wanted);
        if let Some(object) = object {
            let target = self.shared.results.len();
            self.find = Some(OwnFind { target, object });
            self.flash(FlashKind::Good);
            let round = self.round;
            events.push(GameEvent::TargetSeen { round, at });
        }
    }

    fn begin(&mut self, now: Instant, _events: &mut Vec<GameEvent>) {
        self.now = now;
    }

    fn advance(&mut self, now: Instant, events: &mut Vec<GameEvent>) -> Option<RoundOutcome> {
        self.now = now;
        if self.shared.is_over() {
            let is_shown = has_passed(now, self.decided_at, LAST_DECISION);
            return is_shown.then(|| self.outcome());
        }
        let index = self.shared.results.len();
        if let Some(text) = self.asked_now().map(HuntTarget::word)
            && self.asked <= index
        {
            self.asked = index + 1;
            let round = self.round;
            events.push(GameEvent::Asked { round, text });
        }
        None
    }

    fn follow_shared(&mut self, shared: &SharedRound) {
        if shared.results.len() > self.shared.results.len() {
            self.decided_at = self.now;
            let is_own = |win: &SharedWin| win.player == shared.own;
            let is_found = matches!(shared.results.last(), Some(Some(win)) if !is_own(win));
            if is_found {
                self.flash(FlashKind::Bad);
            }
        }
        let is_same_target = shared.results.len() == self.shared.results.len();
        let asked_at = self.shared.asked_at;
        self.shared.clone_from(shared);
        // The offset of the clocks is known better and better: the clock that is shown does not jump for that.
        if is_same_target && apart(asked_at, shared.asked_at) < CLOCK_STEP_MIN {
            self.shared.asked_at = asked_at;
        }
    }

    fn show(&self, view: &mut GameView) {
        view.flash = self.flash;
        view.rows.extend(self.tally());
        let Some(target) = self.asked_now() else {
            self.show_decision(view);
            if !self.shared.is_over() {
                view.countdown = Some(Countdown {
                    ends_at: self.shared.asked_at,
                    total: self
                        .shared
                        .asked_at
                        .saturating_duration_since(self.decided_at),
                });
            }
            return;
        };
        view.big_word = Some(target.word());
        view.countdown = Some(Countdown::new(
            self.shared.asked_at,
            SHARED_TARGET_TIME + LATE_FRAME,
        ));
        view.line = match self.shared.turn() {
            _ if self.has_found() => GameText::key("play.object-hunt.found"),
            Some(turn) if turn != self.shared.own => {
                let name = named(self.shared.name(turn));
                GameText::key("play.relay.turn").with("name", name)
            }
            _ => target.request(),
        };
    }

    fn marks(&self) -> Vec<GameMark> {
        let Some(find) = self.find.as_ref().filter(|_| self.has_found()) else {
            return Vec::new();
        };
        vec![GameMark {
            track_id: find.object.track_id,
            region: find.object.region,
            role: MarkRole::Found,
            text: self.target(find.target).map(HuntTarget::word),
        }]
    }
}

#[cfg(test)]
mod tests;
