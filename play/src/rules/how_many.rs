//! How many fit in the picture: the most persons at once, held for a second. The record of the day is the goal.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::{GameRules, LATE_FRAME, has_passed};
use crate::event::{GameEvent, Moment, RoundOutcome};
use crate::people::FollowedPeople;
use crate::seen::SeenFrame;
use crate::text::GameText;
use crate::view::{Countdown, Flash, FlashKind, GameMark, GameView, MarkRole};

const TIME: Duration = Duration::from_secs(20);
/// How long so many must be in view.
const HELD_FOR: Duration = Duration::from_secs(1);
/// Counts of frames are remembered up to this number.
const COUNTS_MAX: usize = 128;

#[derive(Debug)]
pub(crate) struct HowMany {
    round: u64,
    record: u32,
    people: FollowedPeople,
    began_at: Option<Instant>,
    /// Of the last [`HELD_FOR`] and the frame before it.
    counts: VecDeque<(Instant, u32)>,
    best: u32,
    best_moment: Option<Moment>,
    flash: Option<Flash>,
    now: Instant,
}

impl HowMany {
    /// `record`: the most of the day until now.
    pub(crate) fn new(round: u64, body_class: usize, record: u32, now: Instant) -> Self {
        Self {
            round,
            record,
            people: FollowedPeople::new(body_class),
            began_at: None,
            counts: VecDeque::new(),
            best: 0,
            best_moment: None,
            flash: None,
            now,
        }
    }

    fn count(&mut self, at: Instant) -> u32 {
        let persons = u32::try_from(self.people.present().len()).unwrap_or(u32::MAX);
        self.counts.push_back((at, persons));
        let is_second_too_old = |(then, _): &(Instant, u32)| has_passed(at, *then, HELD_FOR);
        while self.counts.len() > COUNTS_MAX || self.counts.get(1).is_some_and(is_second_too_old) {
            self.counts.pop_front();
        }
        let is_full = self.counts.front().is_some_and(is_second_too_old);
        let held = self.counts.iter().map(|(_, persons)| *persons).min();
        held.filter(|_| is_full).unwrap_or(0)
    }
}

impl GameRules for HowMany {
    fn observe(&mut self, frame: &SeenFrame, events: &mut Vec<GameEvent>) {
        if !self.people.observe(frame) {
            return;
        }
        let at = frame.captured_at;
        let held = self.count(at);
        let is_in_time = self
            .began_at
            .is_some_and(|began| at >= began && !has_passed(at, began, TIME));
        if !is_in_time || held <= self.best {
            return;
        }
        self.best = held;
        let (round, persons) = (self.round, held);
        events.push(GameEvent::MorePersons { round, persons });
        let kind = FlashKind::Good;
        let since = self.now;
        self.flash = Some(Flash { kind, since });
        let moment = Moment {
            frame_seq: frame.frame_seq,
            source_number: frame.source_number,
            track_id: None,
            region: None,
            caption: GameText::key("play.how-many.persons").with("count", held),
        };
        self.best_moment = Some(moment.clone());
        events.push(GameEvent::KeepMoment { round, moment });
    }

    fn begin(&mut self, now: Instant, _events: &mut Vec<GameEvent>) {
        self.now = now;
        self.began_at = Some(now);
    }

    fn advance(&mut self, now: Instant, _events: &mut Vec<GameEvent>) -> Option<RoundOutcome> {
        self.now = now;
        if !has_passed(now, self.began_at?, TIME + LATE_FRAME) {
            return None;
        }
        let headline = GameText::key("play.how-many.persons").with("count", self.best);
        let mut outcome = RoundOutcome::new(Some(self.best), headline);
        outcome.strip.extend(self.best_moment.take());
        Some(outcome)
    }

    fn show(&self, view: &mut GameView) {
        let Some(began_at) = self.began_at else {
            return;
        };
        let now_in_view = self.counts.back().map_or(0, |(_, persons)| *persons);
        view.line = GameText::key("play.how-many.closer");
        view.big_word = Some(GameText::key("play.number").with("number", now_in_view));
        view.countdown = Some(Countdown::new(began_at, TIME));
        view.score = Some(self.best);
        view.flash = self.flash;
        if self.record > 0 {
            let record = GameText::key("play.how-many.record").with("number", self.record);
            view.rows.push(record);
        }
    }

    fn marks(&self) -> Vec<GameMark> {
        let mark = |person: &crate::people::Person| GameMark {
            track_id: person.track_id,
            region: person.region,
            role: MarkRole::Counted,
            text: None,
        };
        self.people.present().into_iter().map(mark).collect()
    }
}
