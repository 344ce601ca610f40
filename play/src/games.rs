//! The games of a station: one round at a time, who starts it, and the leaderboard. Pure.

mod questions_deck;
#[cfg(test)]
mod tests;

use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::classes::ModelClasses;
use crate::event::{GameEvent, RoundEnd, RoundOutcome};
use crate::leaderboard::{Leaderboard, LeaderboardEntry};
use crate::nickname::Nickname;
use crate::people::FollowedPeople;
use crate::questions::PollQuestions;
use crate::round::{Round, RoundProgress};
use crate::rules::GameRules;
use crate::rules::group_photo::GroupPhoto;
use crate::rules::how_many::HowMany;
use crate::rules::left_or_right::LeftOrRight;
use crate::rules::object_hunt::ObjectHunt;
use crate::rules::red_light::RedLight;
use crate::rules::shared_hunt::SharedHunt;
use crate::seen::SeenFrame;
use crate::shared_round::SharedRound;
use crate::start::{GameKind, StartError, StartRules, StartSchedule, StartedBy};
use crate::targets::{HuntTarget, MeasuredModel, TARGETS_MIN, TargetsError, targets};
use crate::text::GameText;
use crate::view::{GameMark, GameView};
use questions_deck::QuestionsDeck;

/// Without a frame for this long nobody is in view.
const FRAMES_STOPPED: Duration = Duration::from_secs(2);

/// What the owner chose.
#[derive(Debug, Clone)]
pub struct GamesSettings {
    pub start: StartRules,
    /// Checked ones.
    pub questions: PollQuestions,
    pub questions_per_round: usize,
    /// Faces that a group photo waits for.
    pub group_faces_min: usize,
    /// Whether pictures of visitors may be kept; not in the privacy mode `silhouettes`.
    pub keeps_pictures: bool,
}

impl Default for GamesSettings {
    fn default() -> Self {
        Self {
            start: StartRules::default(),
            questions: PollQuestions::default(),
            questions_per_round: 3,
            group_faces_min: 2,
            keeps_pictures: true,
        }
    }
}

/// Everything about games. Two with the same seed and the same calls do the same.
#[derive(Debug)]
pub struct Games {
    settings: GamesSettings,
    classes: ModelClasses,
    targets: Result<Vec<HuntTarget>, TargetsError>,
    random: StdRng,
    questions: QuestionsDeck,
    schedule: StartSchedule,
    people: Option<FollowedPeople>,
    frame_at: Option<Instant>,
    round: Option<Round>,
    rounds: u64,
    leaderboard: Leaderboard,
    /// Other stations that can play.
    partners: usize,
    /// The round across stations that was begun last.
    shared: Option<u64>,
    now: Instant,
}

impl Games {
    #[must_use]
    pub fn new(settings: GamesSettings, leaderboard: Leaderboard, seed: u64, now: Instant) -> Self {
        Self {
            questions: QuestionsDeck::new(settings.questions.clone()),
            settings,
            classes: ModelClasses::default(),
            targets: Err(no_targets("none")),
            random: StdRng::seed_from_u64(seed),
            schedule: StartSchedule::new(now),
            people: None,
            frame_at: None,
            round: None,
            rounds: 0,
            leaderboard,
            partners: 0,
            shared: None,
            now,
        }
    }

    /// The model that detects from now on. Class numbers of an earlier one mean something else, so a running round stops.
    /// `measured`: how reliably the model finds its classes; without it there is no object hunt.
    pub fn set_model(
        &mut self,
        name: &str,
        labels: &[String],
        measured: Option<&MeasuredModel>,
    ) -> Vec<GameEvent> {
        let mut events = Vec::new();
        self.end_round(&mut events);
        self.classes = ModelClasses::new(labels);
        self.people = self.classes.body().map(FollowedPeople::new);
        self.targets = match measured {
            Some(measured) => targets(measured, labels),
            None => Err(no_targets(name)),
        };
        events
    }

    /// A privacy mode that allows no pictures also takes back those of the running round, and ends a group photo.
    pub fn set_keeps_pictures(&mut self, keeps_pictures: bool) -> Vec<GameEvent> {
        let mut events = Vec::new();
        self.settings.keeps_pictures = keeps_pictures;
        if let Some(round) = self.round.as_mut().filter(|_| !keeps_pictures) {
            round.keep_no_pictures();
            if round.game.is_for_pictures() && round.is_open() {
                self.end_round(&mut events);
            }
        }
        events
    }

    pub fn set_start_rules(&mut self, start: StartRules) {
        self.settings.start = start;
    }

    /// The day at this place, in whatever count. Another one than before empties the leaderboard.
    pub fn begin_day(&mut self, day: i64) {
        self.leaderboard.begin_day(day);
    }

    /// Somebody used a page, a key or the booth: the attraction mode waits again.
    pub fn interacted(&mut self, now: Instant) {
        let now = self.clock(now);
        self.schedule.interacted(now);
    }

    /// Why `by` cannot start `game` now, if so.
    pub fn check_start(
        &self,
        game: GameKind,
        by: StartedBy,
        now: Instant,
    ) -> Result<(), StartError> {
        let running = self.round.as_ref().filter(|round| round.is_open());
        let running = running.map(|round| round.by);
        let now = now.max(self.now);
        self.schedule
            .may_start(by, game, &self.settings.start, running, now)?;
        let body = self.classes.body().ok_or(StartError::NoPersons);
        match game {
            GameKind::Duel | GameKind::Relay if self.partners == 0 => {
                return Err(StartError::NoPartners);
            }
            GameKind::ObjectHunt | GameKind::Duel | GameKind::Relay => {
                if let Err(error) = &self.targets {
                    return Err(error.clone().into());
                }
            }
            GameKind::LeftOrRight if self.questions.is_empty() => {
                return Err(StartError::NoQuestions);
            }
            GameKind::GroupPhoto if !self.settings.keeps_pictures => {
                return Err(StartError::NoPictures);
            }
            _ => {
                body?;
            }
        }
        Ok(())
    }

    /// Starts a round. The owner's takes the place of a running one.
    pub fn start(
        &mut self,
        game: GameKind,
        by: StartedBy,
        now: Instant,
    ) -> Result<Vec<GameEvent>, StartError> {
        let now = self.clock(now);
        self.check_start(game, by, now)?;
        let mut events = Vec::new();
        self.end_round(&mut events);
        if by != StartedBy::Attraction {
            self.schedule.interacted(now);
        }
        self.rounds += 1;
        let round = self.rounds;
        let rules = self.rules(game, round, now)?;
        // Nobody has asked for the attraction's rounds, so nobody has agreed to pictures.
        let keeps_pictures = self.settings.keeps_pictures && by != StartedBy::Attraction;
        self.round = Some(Round::new(round, game, by, keeps_pictures, rules, now));
        events.push(GameEvent::RoundStarted { round, game, by });
        Ok(events)
    }

    fn rules(
        &mut self,
        game: GameKind,
        round: u64,
        now: Instant,
    ) -> Result<Box<dyn GameRules>, StartError> {
        let random = StdRng::seed_from_u64(self.random.random());
        let body = self.classes.body().ok_or(StartError::NoPersons);
        let rules: Box<dyn GameRules> = match game {
            GameKind::ObjectHunt => {
                let targets = self.targets.clone()?;
                Box::new(ObjectHunt::new(round, targets, random, now))
            }
            GameKind::LeftOrRight => {
                let count = self.settings.questions_per_round;
                let questions = self.questions.draw(count, &mut self.random);
                Box::new(LeftOrRight::new(round, questions, body?))
            }
            GameKind::RedLight => Box::new(RedLight::new(round, body?, random, now)),
            GameKind::HowMany => {
                let record = self.leaderboard.record(game).unwrap_or(0);
                Box::new(HowMany::new(round, body?, record, now))
            }
            // Their host starts them: `follow_shared`.
            GameKind::Duel | GameKind::Relay => return Err(StartError::NoPartners),
            GameKind::GroupPhoto => {
                let head = self.classes.head().ok_or(StartError::NoPersons)?;
                let faces_min = self.settings.group_faces_min;
                Box::new(GroupPhoto::new(round, head, faces_min, now))
            }
        };
        Ok(rules)
    }

    /// How many other stations can play.
    pub fn set_partners(&mut self, partners: usize) {
        self.partners = partners;
    }

    /// The objects that a hunt asks for, classes with hyphens for spaces; none without a model that was measured.
    pub fn findable(&self) -> impl Iterator<Item = &str> {
        let targets = self.targets.as_deref().unwrap_or_default();
        targets.iter().map(|target| target.slug.as_str())
    }

    /// What can be started, in the owner's order; rounds across stations while there are others.
    pub fn offered(&self) -> impl Iterator<Item = GameKind> {
        let shared = GameKind::SHARED.into_iter().filter(|_| self.partners > 0);
        self.settings.start.offered.iter().copied().chain(shared)
    }

    /// The round across stations that is to be played here, as its host tells of it; `None`: there is none. It takes the
    /// place of a running one, but not of another across stations.
    pub fn follow_shared(&mut self, shared: Option<&SharedRound>, now: Instant) -> Vec<GameEvent> {
        let now = self.clock(now);
        let mut events = Vec::new();
        let open = self.round.as_ref().filter(|round| round.is_open());
        let is_playing = open.is_some_and(|round| round.game.is_shared());
        match shared {
            Some(shared) if is_playing && self.shared == Some(shared.id) => {
                if let Some(round) = &mut self.round {
                    round.follow_shared(shared);
                }
            }
            Some(shared) if self.shared != Some(shared.id) && !shared.is_over() => {
                self.begin_shared(shared, now, &mut events);
            }
            None if is_playing => self.end_round(&mut events),
            _ => {}
        }
        events
    }

    fn begin_shared(&mut self, shared: &SharedRound, now: Instant, events: &mut Vec<GameEvent>) {
        self.shared = Some(shared.id);
        let Ok(targets) = self.targets.clone() else {
            return;
        };
        self.end_round(events);
        self.schedule.interacted(now);
        self.rounds += 1;
        let (round, game, by) = (self.rounds, shared.game, StartedBy::Owner);
        let rules = Box::new(SharedHunt::new(round, shared.clone(), targets, now));
        self.round = Some(Round::new(round, game, by, false, rules, now));
        events.push(GameEvent::RoundStarted { round, game, by });
    }

    /// Ends the round without a result, and removes what is shown of it.
    pub fn stop(&mut self, now: Instant) -> Vec<GameEvent> {
        self.clock(now);
        let mut events = Vec::new();
        self.end_round(&mut events);
        events
    }

    fn end_round(&mut self, events: &mut Vec<GameEvent>) {
        let Some(round) = self.round.take() else {
            return;
        };
        if round.is_open() {
            events.push(GameEvent::RoundEnded {
                round: round.number,
                game: round.game,
                end: RoundEnd::Stopped,
                outcome: RoundOutcome::new(None, GameText::key("play.stopped")),
            });
            self.schedule.round_ended(self.now);
        }
        let round = round.number;
        events.push(GameEvent::RoundCleared { round });
    }

    /// The players want another target or question.
    pub fn skip(&mut self, now: Instant) -> Vec<GameEvent> {
        let now = self.clock(now);
        let mut events = Vec::new();
        if let Some(round) = &mut self.round {
            round.skip(now, &mut events);
        }
        events
    }

    /// New tracks. Those of earlier frames than before are left out.
    pub fn observe(&mut self, frame: &SeenFrame, now: Instant) -> Vec<GameEvent> {
        let mut events = self.advance(now);
        if let Some(people) = &mut self.people {
            people.observe(frame);
            self.frame_at = Some(self.now);
            let is_somebody_in_view = !people.present().is_empty();
            self.schedule.saw(is_somebody_in_view, self.now);
        }
        if let Some(round) = &mut self.round {
            round.observe(frame, &mut events);
        }
        events
    }

    /// Lets time pass. To be called a few times a second even without frames.
    pub fn advance(&mut self, now: Instant) -> Vec<GameEvent> {
        let now = self.clock(now);
        let mut events = Vec::new();
        let frames_stopped = |at| now.saturating_duration_since(at) > FRAMES_STOPPED;
        if self.frame_at.is_none_or(frames_stopped) {
            self.schedule.saw(false, now);
        }
        let progress = match &mut self.round {
            Some(round) => round.advance(now, &mut events),
            None => {
                self.attract(&mut events);
                return events;
            }
        };
        match progress {
            RoundProgress::Runs => {}
            RoundProgress::Finished(outcome) => self.finish_round(outcome, &mut events),
            RoundProgress::Cleared => self.end_round(&mut events),
        }
        events
    }

    fn finish_round(&mut self, outcome: RoundOutcome, events: &mut Vec<GameEvent>) {
        let Some(game) = self.round.as_ref().map(|round| round.game) else {
            return;
        };
        let outcome = self.with_place(game, outcome);
        self.schedule.round_ended(self.now);
        if let Some(round) = &mut self.round {
            events.push(GameEvent::RoundEnded {
                round: round.number,
                game,
                end: RoundEnd::Finished,
                outcome: outcome.clone(),
            });
            round.show_result(outcome, self.now);
        }
    }

    /// Enters the score on the leaderboard.
    fn with_place(&mut self, game: GameKind, mut outcome: RoundOutcome) -> RoundOutcome {
        let Some(score) = outcome.score.filter(|score| *score > 0) else {
            return outcome;
        };
        outcome.is_record = self
            .leaderboard
            .record(game)
            .is_none_or(|best| score > best);
        let leaderboard = &self.leaderboard;
        let nickname = outcome
            .nickname
            .take()
            .unwrap_or_else(|| Nickname::draw(&mut self.random, |one| leaderboard.has(one)));
        let entry = LeaderboardEntry {
            nickname: nickname.clone(),
            score,
        };
        outcome.place = self.leaderboard.enter(game, entry);
        if let Some(place) = outcome.place {
            let place = u32::try_from(place).unwrap_or(u32::MAX);
            let row = GameText::key("play.place").with("place", place);
            outcome.rows.insert(0, row.with("name", nickname.text()));
        }
        if outcome.is_record {
            outcome.rows.insert(0, GameText::key("play.record"));
        }
        outcome.nickname = Some(nickname);
        outcome
    }

    /// Starts a round when it is time for the station to do so by itself.
    fn attract(&mut self, events: &mut Vec<GameEvent>) {
        let games = self.schedule.attraction(&self.settings.start, self.now);
        for game in &games {
            if let Ok(started) = self.start(*game, StartedBy::Attraction, self.now) {
                events.extend(started);
                return;
            }
        }
        if !games.is_empty() {
            // No game can be played now: it is tried again after the same time.
            self.schedule.interacted(self.now);
        }
    }

    /// What is to be shown; `None`: nothing.
    #[must_use]
    pub fn view(&self) -> Option<GameView> {
        self.round.as_ref().map(Round::view)
    }

    /// Objects to be marked in the picture.
    #[must_use]
    pub fn marks(&self) -> Vec<GameMark> {
        self.round.as_ref().map_or_else(Vec::new, Round::marks)
    }

    /// The round whose result is not yet known.
    #[must_use]
    pub fn open_round(&self) -> Option<u64> {
        let open = self.round.as_ref().filter(|round| round.is_open());
        open.map(|round| round.number)
    }

    /// Whether pictures of a round that is open may be kept.
    #[must_use]
    pub fn is_keeping_pictures(&self) -> bool {
        let open = self.round.as_ref().filter(|round| round.is_open());
        open.is_some_and(Round::keeps_pictures)
    }

    /// What is offered, in the owner's order.
    #[must_use]
    pub fn start_rules(&self) -> &StartRules {
        &self.settings.start
    }

    /// Whether somebody needs tracks now: a round is running, or the attraction mode waits for a person.
    #[must_use]
    pub fn needs_tracks(&self) -> bool {
        self.round.as_ref().is_some_and(Round::is_open)
            || self.settings.start.attraction_after.is_some()
    }

    #[must_use]
    pub fn leaderboard(&self) -> &Leaderboard {
        &self.leaderboard
    }

    /// A clock that never goes back.
    fn clock(&mut self, now: Instant) -> Instant {
        self.now = self.now.max(now);
        self.now
    }
}

fn no_targets(model: &str) -> TargetsError {
    TargetsError {
        model: model.to_owned(),
        found: 0,
        needed: TARGETS_MIN,
    }
}
