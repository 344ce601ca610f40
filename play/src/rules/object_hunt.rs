//! Object hunt: "show me a cup" against the clock. Each find adds time; ten finds win.

use std::time::{Duration, Instant};

use rand::rngs::StdRng;

use super::{GameRules, LATE_FRAME, has_passed};
use crate::event::{GameEvent, Moment, RoundOutcome};
use crate::followed::{FollowedObjects, SteadyObject};
use crate::seen::SeenFrame;
use crate::targets::{HuntTarget, next_target};
use crate::text::GameText;
use crate::view::{Countdown, Flash, FlashKind, GameMark, GameView, MarkRole};

/// The difficulty of each target.
const LEVELS: [u8; 10] = [1, 1, 2, 1, 2, 2, 2, 3, 4, 5];
const TIME_AT_START: Duration = Duration::from_secs(20);
const TIME_PER_FIND: Duration = Duration::from_secs(10);
/// The clock never shows more.
const TIME_MAX: Duration = Duration::from_secs(60);
const TIME_PER_SKIP: Duration = Duration::from_secs(5);
/// A find is celebrated for so long while the clock stands still.
const CELEBRATION: Duration = Duration::from_millis(1500);
const POINTS_PER_LEVEL: u32 = 100;
/// A find within this time gives more points, up to twice the time's.
const QUICK: Duration = Duration::from_secs(10);
const POINTS_PER_QUICK_SECOND: u32 = 10;
const STRIP_MAX: usize = 4;
/// How often the comment on other objects may change.
const COMMENT_EVERY: Duration = Duration::from_millis(2500);

#[derive(Debug)]
enum HuntPhase {
    Asking {
        target: HuntTarget,
        since: Instant,
    },
    Celebrating {
        target: HuntTarget,
        object: SteadyObject,
        since: Instant,
    },
    Over,
}

#[derive(Debug)]
struct Find {
    level: u8,
    moment: Moment,
}

#[derive(Debug)]
pub(crate) struct ObjectHunt {
    round: u64,
    targets: Vec<HuntTarget>,
    left: Vec<HuntTarget>,
    random: StdRng,
    followed: FollowedObjects,
    phase: HuntPhase,
    /// What was on the clock when it last began to run.
    time: Duration,
    runs_since: Instant,
    score: u32,
    finds: Vec<Find>,
    flash: Option<Flash>,
    comment: Option<(GameText, Instant)>,
    now: Instant,
}

impl ObjectHunt {
    pub(crate) fn new(round: u64, targets: Vec<HuntTarget>, random: StdRng, now: Instant) -> Self {
        Self {
            round,
            left: targets.clone(),
            targets,
            random,
            followed: FollowedObjects::default(),
            phase: HuntPhase::Over,
            time: TIME_AT_START,
            runs_since: now,
            score: 0,
            finds: Vec::new(),
            flash: None,
            comment: None,
            now,
        }
    }

    /// Finds that win.
    fn goal(&self) -> usize {
        self.targets.len().min(LEVELS.len())
    }

    fn time_left(&self, at: Instant) -> Duration {
        let passed = at.saturating_duration_since(self.runs_since);
        self.time.saturating_sub(passed)
    }

    fn ask(&mut self, now: Instant, events: &mut Vec<GameEvent>) {
        let level = LEVELS.get(self.finds.len()).copied().unwrap_or(1);
        let followed = &self.followed;
        let is_in_view = |class_id| followed.has_seen(class_id);
        let next = next_target(&self.left, level, is_in_view, &mut self.random);
        self.comment = None;
        self.runs_since = now;
        self.phase = match next {
            Some(target) => {
                self.left.retain(|one| *one != target);
                let (round, text) = (self.round, target.word());
                events.push(GameEvent::Asked { round, text });
                HuntPhase::Asking { target, since: now }
            }
            None => HuntPhase::Over,
        };
    }

    fn found(&mut self, object: SteadyObject, frame: &SeenFrame, events: &mut Vec<GameEvent>) {
        let HuntPhase::Asking { target, since } = &self.phase else {
            return;
        };
        let (target, since) = (target.clone(), *since);
        let at = frame.captured_at;
        let quick = QUICK.saturating_sub(at.saturating_duration_since(since));
        let quick = u32::try_from(quick.as_secs()).unwrap_or(0);
        let points = u32::from(target.level) * POINTS_PER_LEVEL + quick * POINTS_PER_QUICK_SECOND;
        self.score += points;
        self.time = (self.time_left(at) + TIME_PER_FIND).min(TIME_MAX);
        let moment = Moment {
            frame_seq: frame.frame_seq,
            source_number: frame.source_number,
            track_id: Some(object.track_id),
            region: Some(object.region),
            caption: target.word(),
        };
        let round = self.round;
        self.finds.push(Find {
            level: target.level,
            moment: moment.clone(),
        });
        events.push(GameEvent::Found {
            round,
            target: target.word(),
            points,
            finds: u32::try_from(self.finds.len()).unwrap_or(u32::MAX),
        });
        events.push(GameEvent::KeepMoment { round, moment });
        self.flash = Some(Flash {
            kind: FlashKind::Good,
            since: self.now,
        });
        self.phase = HuntPhase::Celebrating {
            target,
            object,
            since: self.now,
        };
    }

    /// Says what else is held up, so that a visitor knows the station sees it.
    fn comment(&mut self, wanted: usize, at: Instant) {
        let is_time = |(_, since): &(GameText, Instant)| has_passed(at, *since, COMMENT_EVERY);
        if !self.comment.as_ref().is_none_or(is_time) {
            return;
        }
        let mut others = self.followed.steady().filter_map(|object| {
            let is_it =
                |one: &&HuntTarget| one.class_id == object.class_id && one.class_id != wanted;
            self.targets.iter().find(is_it)
        });
        let comment = others
            .next()
            .map(|other| GameText::key("play.object-hunt.sees").with("what", other.word()));
        self.comment = comment.map(|text| (text, at));
    }

    /// The hardest finds, in the order in which they happened.
    fn strip(&self) -> Vec<Moment> {
        let mut by_level: Vec<usize> = (0..self.finds.len()).collect();
        by_level.sort_by_key(|index| std::cmp::Reverse(self.finds[*index].level));
        by_level.truncate(STRIP_MAX);
        by_level.sort_unstable();
        let moment = |index: usize| self.finds[index].moment.clone();
        by_level.into_iter().map(moment).collect()
    }

    fn outcome(&mut self) -> RoundOutcome {
        self.phase = HuntPhase::Over;
        let finds = u32::try_from(self.finds.len()).unwrap_or(u32::MAX);
        let has_won = self.finds.len() >= self.goal();
        let headline = if has_won {
            GameText::key("play.object-hunt.won")
        } else {
            GameText::key("play.object-hunt.over").with("count", finds)
        };
        let mut outcome = RoundOutcome::new(Some(self.score), headline);
        outcome.strip = self.strip();
        outcome
    }
}

impl GameRules for ObjectHunt {
    fn observe(&mut self, frame: &SeenFrame, events: &mut Vec<GameEvent>) {
        self.followed.observe(frame);
        let HuntPhase::Asking { target, since } = &self.phase else {
            return;
        };
        let (wanted, since) = (target.class_id, *since);
        let at = frame.captured_at;
        // What was held up before the question is seen again in a moment.
        let is_in_time = at >= since && !self.time_left(at).is_zero();
        let is_wanted = |object: &SteadyObject| object.class_id == wanted;
        let object = self.followed.steady().find(is_wanted);
        match object {
            Some(object) if is_in_time => self.found(object, frame, events),
            _ => self.comment(wanted, at),
        }
    }

    fn begin(&mut self, now: Instant, events: &mut Vec<GameEvent>) {
        self.now = now;
        self.ask(now, events);
    }

    fn advance(&mut self, now: Instant, events: &mut Vec<GameEvent>) -> Option<RoundOutcome> {
        self.now = now;
        match &self.phase {
            HuntPhase::Asking { .. } => {
                let is_over = has_passed(now, self.runs_since, self.time + LATE_FRAME);
                is_over.then(|| self.outcome())
            }
            HuntPhase::Celebrating { since, .. } => {
                if !has_passed(now, *since, CELEBRATION) {
                    return None;
                }
                if self.finds.len() >= self.goal() {
                    return Some(self.outcome());
                }
                self.ask(now, events);
                None
            }
            HuntPhase::Over => Some(self.outcome()),
        }
    }

    /// Another target, for some of the time. The last one cannot be skipped.
    fn skip(&mut self, now: Instant, events: &mut Vec<GameEvent>) {
        self.now = now;
        let HuntPhase::Asking { target, .. } = &self.phase else {
            return;
        };
        // Without time the round is about to end: a skip would begin its last moment again.
        if self.left.is_empty() || self.time_left(now).is_zero() {
            return;
        }
        let target = target.clone();
        self.time = self.time_left(now).saturating_sub(TIME_PER_SKIP);
        self.ask(now, events);
        self.left.push(target);
    }

    fn show(&self, view: &mut GameView) {
        view.score = Some(self.score);
        view.flash = self.flash;
        match &self.phase {
            HuntPhase::Asking { target, .. } => {
                view.line = target.request();
                view.big_word = Some(target.word());
                let total = self.time.max(TIME_AT_START);
                let left = Countdown::new(self.runs_since, self.time);
                view.countdown = Some(Countdown { total, ..left });
                view.rows
                    .extend(self.comment.as_ref().map(|(text, _)| text.clone()));
            }
            HuntPhase::Celebrating { target, .. } => {
                view.line = GameText::key("play.object-hunt.found");
                view.big_word = Some(target.word());
            }
            HuntPhase::Over => {}
        }
    }

    fn marks(&self) -> Vec<GameMark> {
        let HuntPhase::Celebrating { target, object, .. } = &self.phase else {
            return Vec::new();
        };
        vec![GameMark {
            track_id: object.track_id,
            region: object.region,
            role: MarkRole::Found,
            text: Some(target.word()),
        }]
    }
}
