//! One round: its introduction, the game, its result. Pure.

use std::time::{Duration, Instant};

use crate::event::{GameEvent, RoundOutcome};
use crate::rules::{GameRules, has_passed};
use crate::seen::SeenFrame;
use crate::shared_round::SharedRound;
use crate::start::{GameKind, StartedBy};
use crate::view::{Countdown, GameMark, GameView};

/// How long the game is introduced before the clock starts.
const INTRODUCTION: Duration = Duration::from_secs(4);
/// How long the result is shown.
const RESULT: Duration = Duration::from_secs(10);

#[derive(Debug)]
enum RoundStage {
    Introduction {
        since: Instant,
    },
    Playing,
    Result {
        since: Instant,
        outcome: RoundOutcome,
    },
}

#[derive(Debug)]
pub(crate) struct Round {
    pub(crate) number: u64,
    pub(crate) game: GameKind,
    pub(crate) by: StartedBy,
    /// Whether pictures of it may be kept.
    keeps_pictures: bool,
    rules: Box<dyn GameRules>,
    stage: RoundStage,
}

/// What became of a round.
#[derive(Debug, PartialEq)]
pub(crate) enum RoundProgress {
    Runs,
    /// Its result is to be shown now, with [`Round::show_result`].
    Finished(RoundOutcome),
    /// Its result was shown long enough.
    Cleared,
}

impl Round {
    pub(crate) fn new(
        number: u64,
        game: GameKind,
        by: StartedBy,
        keeps_pictures: bool,
        rules: Box<dyn GameRules>,
        now: Instant,
    ) -> Self {
        Self {
            number,
            game,
            by,
            keeps_pictures,
            rules,
            stage: RoundStage::Introduction { since: now },
        }
    }

    /// Whether its result is not yet known.
    pub(crate) fn is_open(&self) -> bool {
        !matches!(self.stage, RoundStage::Result { .. })
    }

    pub(crate) fn keeps_pictures(&self) -> bool {
        self.keeps_pictures
    }

    /// From now on no picture of it is kept, nor those of before.
    pub(crate) fn keep_no_pictures(&mut self) {
        self.keeps_pictures = false;
        if let RoundStage::Result { outcome, .. } = &mut self.stage {
            outcome.strip.clear();
        }
    }

    pub(crate) fn follow_shared(&mut self, shared: &SharedRound) {
        if self.is_open() {
            self.rules.follow_shared(shared);
        }
    }

    pub(crate) fn observe(&mut self, frame: &SeenFrame, events: &mut Vec<GameEvent>) {
        if !self.is_open() {
            return;
        }
        let before = events.len();
        self.rules.observe(frame, events);
        if !self.keeps_pictures {
            let new = events.split_off(before);
            let takes_picture = |event: &GameEvent| {
                matches!(
                    event,
                    GameEvent::KeepMoment { .. } | GameEvent::TakePhoto { .. }
                )
            };
            events.extend(new.into_iter().filter(|event| !takes_picture(event)));
        }
    }

    pub(crate) fn advance(&mut self, now: Instant, events: &mut Vec<GameEvent>) -> RoundProgress {
        match &self.stage {
            RoundStage::Introduction { since } => {
                if has_passed(now, *since, INTRODUCTION) {
                    let round = self.number;
                    events.push(GameEvent::ClockStarted { round });
                    self.rules.begin(now, events);
                    self.stage = RoundStage::Playing;
                }
                RoundProgress::Runs
            }
            RoundStage::Playing => match self.rules.advance(now, events) {
                Some(mut outcome) => {
                    if !self.keeps_pictures {
                        outcome.strip.clear();
                    }
                    RoundProgress::Finished(outcome)
                }
                None => RoundProgress::Runs,
            },
            RoundStage::Result { since, .. } => {
                if has_passed(now, *since, RESULT) {
                    RoundProgress::Cleared
                } else {
                    RoundProgress::Runs
                }
            }
        }
    }

    pub(crate) fn show_result(&mut self, outcome: RoundOutcome, now: Instant) {
        let since = now;
        self.stage = RoundStage::Result { since, outcome };
    }

    pub(crate) fn skip(&mut self, now: Instant, events: &mut Vec<GameEvent>) {
        if matches!(self.stage, RoundStage::Playing) {
            self.rules.skip(now, events);
        }
    }

    pub(crate) fn view(&self) -> GameView {
        let mut view = GameView::new(self.game, self.number, self.game.title());
        match &self.stage {
            RoundStage::Introduction { since } => {
                view.rows.push(self.game.rules());
                view.countdown = Some(Countdown::new(*since, INTRODUCTION));
            }
            RoundStage::Playing => self.rules.show(&mut view),
            RoundStage::Result { outcome, .. } => {
                let mut last = view.clone();
                self.rules.show(&mut last);
                view.flash = last.flash;
                view.line = outcome.headline.clone();
                view.score = outcome.score;
                view.rows.clone_from(&outcome.rows);
            }
        }
        view
    }

    pub(crate) fn marks(&self) -> Vec<GameMark> {
        match self.stage {
            RoundStage::Playing => self.rules.marks(),
            RoundStage::Introduction { .. } | RoundStage::Result { .. } => Vec::new(),
        }
    }
}
