//! Left or right: a question, and people answer by the half of the picture in which they stand.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use super::{GameRules, LATE_FRAME, has_passed};
use crate::event::{GameEvent, RoundOutcome};
use crate::people::{FollowedPeople, Person};
use crate::questions::{PollQuestion, PollSide};
use crate::seen::SeenFrame;
use crate::text::GameText;
use crate::view::{Countdown, GameMark, GameView, MarkRole, SideCount};

/// The answer is what the median frame of so long before the end shows.
const JUDGED_OVER: Duration = Duration::from_secs(1);
/// How long a result is shown.
const RESULT: Duration = Duration::from_secs(4);
/// Who stands so close to the middle stays on the side where they were.
const MIDDLE: f32 = 0.04;
const COUNTS_MAX: usize = 128;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Votes {
    left: u32,
    right: u32,
}

impl Votes {
    fn chosen(self) -> Option<PollSide> {
        match self.left.cmp(&self.right) {
            std::cmp::Ordering::Greater => Some(PollSide::Left),
            std::cmp::Ordering::Less => Some(PollSide::Right),
            std::cmp::Ordering::Equal => None,
        }
    }
}

#[derive(Debug)]
enum PollPhase {
    Asking { since: Instant },
    Result { votes: Votes, since: Instant },
    Over,
}

#[derive(Debug)]
pub(crate) struct LeftOrRight {
    round: u64,
    /// The first one is being asked.
    questions: VecDeque<PollQuestion>,
    people: FollowedPeople,
    /// By the number of the person.
    sides: BTreeMap<u64, PollSide>,
    counts: VecDeque<(Instant, Votes)>,
    phase: PollPhase,
    results: Vec<GameText>,
}

impl LeftOrRight {
    /// `questions`: those of this round, at least one.
    pub(crate) fn new(round: u64, questions: Vec<PollQuestion>, body_class: usize) -> Self {
        Self {
            round,
            questions: questions.into(),
            people: FollowedPeople::new(body_class),
            sides: BTreeMap::new(),
            counts: VecDeque::new(),
            phase: PollPhase::Over,
            results: Vec::new(),
        }
    }

    fn ask(&mut self, now: Instant, events: &mut Vec<GameEvent>) {
        self.counts.clear();
        self.phase = match self.questions.front() {
            Some(question) => {
                let text = GameText::Own(question.text.clone());
                events.push(GameEvent::Asked {
                    round: self.round,
                    text,
                });
                PollPhase::Asking { since: now }
            }
            None => PollPhase::Over,
        };
    }

    fn time(&self) -> Duration {
        let question = self.questions.front();
        Duration::from_secs(question.map_or(0, |question| question.seconds))
    }

    fn votes_now(&self) -> Votes {
        self.counts.back().map_or(Votes::default(), |last| last.1)
    }

    /// The medians of the last frames: somebody who is missed in one of them still counts.
    fn judged(&self) -> Votes {
        let median = |side: fn(&Votes) -> u32| {
            let mut all: Vec<u32> = self.counts.iter().map(|(_, votes)| side(votes)).collect();
            all.sort_unstable();
            all.get(all.len() / 2).copied().unwrap_or(0)
        };
        Votes {
            left: median(|votes| votes.left),
            right: median(|votes| votes.right),
        }
    }

    fn close(&mut self, now: Instant, events: &mut Vec<GameEvent>) {
        let votes = self.judged();
        let Votes { left, right } = votes;
        let chosen = votes.chosen();
        events.push(GameEvent::QuestionClosed {
            round: self.round,
            left,
            right,
            chosen,
        });
        self.results.extend(self.result(votes));
        self.phase = PollPhase::Result { votes, since: now };
    }

    /// Who won, in a line.
    fn result(&self, votes: Votes) -> Option<GameText> {
        let question = self.questions.front()?;
        let answer = |side| match side {
            PollSide::Left => GameText::Own(question.left.clone()),
            PollSide::Right => GameText::Own(question.right.clone()),
        };
        let Votes { left, right } = votes;
        if left + right == 0 {
            return Some(GameText::key("play.left-or-right.nobody"));
        }
        if let Some(correct) = question.correct {
            let count = if correct == PollSide::Left {
                left
            } else {
                right
            };
            let text = GameText::key("play.left-or-right.correct").with("count", count);
            return Some(text.with("answer", answer(correct)));
        }
        let (more, fewer) = (left.max(right), left.min(right));
        let text = match votes.chosen() {
            Some(side) => GameText::key("play.left-or-right.wins").with("answer", answer(side)),
            None => GameText::key("play.left-or-right.draw"),
        };
        Some(text.with("more", more).with("fewer", fewer))
    }
}

/// The half in which a person stands, with some hysteresis.
fn side_of(person: &Person, before: Option<PollSide>) -> PollSide {
    let (x, _) = person.region.centre();
    let is_near_middle = (x - 0.5).abs() < MIDDLE;
    match before {
        Some(side) if is_near_middle => side,
        _ if x < 0.5 => PollSide::Left,
        _ => PollSide::Right,
    }
}

impl GameRules for LeftOrRight {
    fn observe(&mut self, frame: &SeenFrame, _events: &mut Vec<GameEvent>) {
        if !self.people.observe(frame) {
            return;
        }
        let at = frame.captured_at;
        let mut votes = Votes::default();
        let mut sides = BTreeMap::new();
        for person in self.people.present() {
            let side = side_of(person, self.sides.get(&person.number).copied());
            sides.insert(person.number, side);
            match side {
                PollSide::Left => votes.left += 1,
                PollSide::Right => votes.right += 1,
            }
        }
        self.sides = sides;
        let PollPhase::Asking { since } = self.phase else {
            return;
        };
        if has_passed(at, since, self.time()) {
            return;
        }
        self.counts.push_back((at, votes));
        let is_old = |(then, _): &(Instant, Votes)| has_passed(at, *then, JUDGED_OVER);
        while self.counts.len() > COUNTS_MAX || self.counts.front().is_some_and(is_old) {
            self.counts.pop_front();
        }
    }

    fn begin(&mut self, now: Instant, events: &mut Vec<GameEvent>) {
        self.ask(now, events);
    }

    fn advance(&mut self, now: Instant, events: &mut Vec<GameEvent>) -> Option<RoundOutcome> {
        match self.phase {
            PollPhase::Asking { since } if has_passed(now, since, self.time() + LATE_FRAME) => {
                self.close(now, events);
            }
            PollPhase::Result { since, .. } if has_passed(now, since, RESULT) => {
                self.questions.pop_front();
                self.ask(now, events);
            }
            _ => {}
        }
        if !matches!(self.phase, PollPhase::Over) {
            return None;
        }
        let mut outcome = RoundOutcome::new(None, GameText::key("play.left-or-right.over"));
        outcome.rows.clone_from(&self.results);
        Some(outcome)
    }

    fn skip(&mut self, now: Instant, events: &mut Vec<GameEvent>) {
        if matches!(self.phase, PollPhase::Asking { .. }) {
            self.questions.pop_front();
            self.ask(now, events);
        }
    }

    fn show(&self, view: &mut GameView) {
        let Some(question) = self.questions.front() else {
            return;
        };
        view.line = GameText::Own(question.text.clone());
        let (votes, chosen) = match self.phase {
            PollPhase::Asking { since } => {
                view.countdown = Some(Countdown::new(since, self.time()));
                (self.votes_now(), None)
            }
            PollPhase::Result { votes, .. } => {
                view.rows.extend(self.results.last().cloned());
                (votes, question.correct.or(votes.chosen()))
            }
            PollPhase::Over => return,
        };
        let side = |text: &crate::text::OwnText, persons, side| SideCount {
            text: GameText::Own(text.clone()),
            persons,
            is_chosen: chosen == Some(side),
        };
        view.sides = Some([
            side(&question.left, votes.left, PollSide::Left),
            side(&question.right, votes.right, PollSide::Right),
        ]);
    }

    fn marks(&self) -> Vec<GameMark> {
        let mark = |person: &Person| GameMark {
            track_id: person.track_id,
            region: person.region,
            role: MarkRole::Counted,
            text: None,
        };
        self.people.present().into_iter().map(mark).collect()
    }
}
