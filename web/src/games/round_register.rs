//! Who started which round, its key, its result and its picture. Pure.

use std::collections::VecDeque;
use std::time::Instant;

use capture::{SourceNumber, WallClock};
use play::{
    GameEvent, GameKind, GameMark, GameView, Games, Leaderboard, MeasuredModels, RoundEnd,
    RoundOutcome, SeenFrame, SharedRound, StartError, StartRules, StartedBy,
};
use stylise::JobId;

use super::state::{self, PlayState, RoundResult, StripState};
use crate::access::credentials::equal;
use crate::access::random_id;
use crate::carriers::CarrierScore;
#[cfg(feature = "mesh")]
use crate::carriers::FromCarriers;

/// Rounds whose keys are known: those of the last half hour or more.
const ROUNDS_KEPT: usize = 32;

/// A picture of a round, which is a job of the photo booth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RoundPicture {
    pub(crate) job: JobId,
    pub(crate) expires_at_ms: u64,
}

#[derive(Debug)]
struct KnownRound {
    round: u64,
    key: String,
    by: StartedBy,
    picture: Option<RoundPicture>,
}

#[derive(Debug)]
pub(super) struct RoundRegister {
    games: Games,
    /// The newest one last.
    rounds: VecDeque<KnownRound>,
    result: Option<RoundResult>,
    /// The model's name and labels.
    model: Option<(String, Vec<String>)>,
    source_number: Option<SourceNumber>,
    /// Started by the key.
    last_game: Option<GameKind>,
    others: Vec<CarrierScore>,
}

impl RoundRegister {
    pub(super) fn new(games: Games) -> Self {
        Self {
            games,
            rounds: VecDeque::new(),
            result: None,
            model: None,
            source_number: None,
            last_game: None,
            others: Vec::new(),
        }
    }

    /// The number and the key of the new round.
    pub(super) fn start(
        &mut self,
        game: GameKind,
        by: StartedBy,
        now: Instant,
    ) -> (Result<(u64, String), StartError>, Vec<GameEvent>) {
        let events = match self.games.start(game, by, now) {
            Ok(events) => events,
            Err(error) => return (Err(error), Vec::new()),
        };
        self.note(&events);
        let started = self.rounds.back().map(|one| (one.round, one.key.clone()));
        // The event that it was started is among them.
        (Ok(started.unwrap_or_default()), events)
    }

    pub(super) fn press_key(&mut self, now: Instant) -> (Result<(), StartError>, Vec<GameEvent>) {
        if self.games.open_round().is_some() {
            let events = self.games.stop(now);
            self.note(&events);
            return (Ok(()), events);
        }
        let mut offered = self.games.start_rules().offered.clone();
        let last = self.last_game;
        let last = offered.iter().position(|game| Some(*game) == last);
        if let Some(last) = last {
            offered.rotate_left(last + 1);
        }
        let mut why = StartError::NotOffered;
        for game in offered {
            match self.start(game, StartedBy::Owner, now) {
                (Ok(_), events) => {
                    self.last_game = Some(game);
                    return (Ok(()), events);
                }
                (Err(error), _) => why = error,
            }
        }
        (Err(why), Vec::new())
    }

    pub(super) fn skip(&mut self, round: u64, now: Instant) -> (bool, Vec<GameEvent>) {
        self.if_open(round, |games| games.skip(now))
    }

    pub(super) fn stop(&mut self, round: u64, now: Instant) -> (bool, Vec<GameEvent>) {
        self.if_open(round, |games| games.stop(now))
    }

    fn if_open(
        &mut self,
        round: u64,
        act: impl FnOnce(&mut Games) -> Vec<GameEvent>,
    ) -> (bool, Vec<GameEvent>) {
        if self.games.open_round() != Some(round) {
            return (false, Vec::new());
        }
        let events = act(&mut self.games);
        self.note(&events);
        (true, events)
    }

    /// Compared in constant time.
    pub(super) fn is_key_of(&self, round: u64, key: &str) -> bool {
        let known = self.rounds.iter().find(|known| known.round == round);
        known.is_some_and(|known| equal(key, &known.key))
    }

    pub(super) fn picture(&self, round: u64) -> Option<RoundPicture> {
        let known = self.rounds.iter().find(|known| known.round == round)?;
        known.picture
    }

    /// Of the owner's newest round, until the next one starts.
    pub(super) fn picture_for_screen(&self) -> Option<(u64, JobId)> {
        let known = self.rounds.back()?;
        let is_shown = known.by == StartedBy::Owner && self.result.is_some();
        let picture = known.picture.filter(|_| is_shown)?;
        Some((known.round, picture.job))
    }

    /// A picture of the round was stored.
    pub(super) fn add_picture(&mut self, round: u64, picture: RoundPicture) {
        let mut known = self.rounds.iter_mut();
        if let Some(known) = known.find(|known| known.round == round) {
            known.picture = Some(picture);
        }
        if let Some(result) = self.result.as_mut().filter(|one| one.round == round) {
            let expires_at_ms = picture.expires_at_ms;
            result.strip = Some(StripState { expires_at_ms });
        }
    }

    pub(super) fn observe(&mut self, frame: &SeenFrame, now: Instant) -> Vec<GameEvent> {
        self.source_number = Some(frame.source_number);
        let events = self.games.observe(frame, now);
        self.note(&events);
        events
    }

    pub(super) fn advance(&mut self, now: Instant) -> Vec<GameEvent> {
        let events = self.games.advance(now);
        self.note(&events);
        events
    }

    /// Class numbers of another model mean something else.
    pub(super) fn follow_model(
        &mut self,
        name: &str,
        labels: &[String],
        measured: &MeasuredModels,
    ) -> Vec<GameEvent> {
        let is_known = |(known, known_labels): &(String, Vec<String>)| {
            known == name && known_labels.as_slice() == labels
        };
        if self.model.as_ref().is_some_and(is_known) {
            return Vec::new();
        }
        self.model = Some((name.to_owned(), labels.to_vec()));
        let events = self.games.set_model(name, labels, measured.of(name));
        self.note(&events);
        events
    }

    pub(super) fn follow_privacy(&mut self, keeps_pictures: bool) -> Vec<GameEvent> {
        let events = self.games.set_keeps_pictures(keeps_pictures);
        self.note(&events);
        events
    }

    pub(super) fn follow_rules(&mut self, rules: StartRules) {
        if *self.games.start_rules() != rules {
            self.games.set_start_rules(rules);
        }
    }

    pub(super) fn begin_day(&mut self, day: i64) {
        self.games.begin_day(day);
    }

    pub(super) fn interacted(&mut self, now: Instant) {
        self.games.interacted(now);
    }

    fn note(&mut self, events: &[GameEvent]) {
        for event in events {
            match event {
                GameEvent::RoundStarted { round, by, .. } => {
                    self.result = None;
                    self.rounds.push_back(KnownRound {
                        round: *round,
                        key: random_id(),
                        by: *by,
                        picture: None,
                    });
                    if self.rounds.len() > ROUNDS_KEPT {
                        self.rounds.pop_front();
                    }
                }
                GameEvent::RoundEnded {
                    round,
                    game,
                    end: RoundEnd::Finished,
                    outcome,
                } => self.finish(*round, *game, outcome),
                _ => {}
            }
        }
    }

    fn finish(&mut self, round: u64, game: GameKind, outcome: &RoundOutcome) {
        let picture = self.picture(round);
        self.result = Some(RoundResult {
            round,
            game,
            headline: outcome.headline.clone(),
            score: outcome.score,
            rows: outcome.rows.clone(),
            nickname: outcome.nickname.as_ref().map(play::Nickname::text),
            place: outcome.place,
            is_record: outcome.is_record,
            strip: picture.map(|picture| StripState {
                expires_at_ms: picture.expires_at_ms,
            }),
        });
    }

    /// Without the time of the station, so that two can be compared.
    pub(super) fn state(&self, by: StartedBy, now: Instant, clock: &WallClock) -> PlayState {
        PlayState {
            now_ms: 0,
            visitors_may_start: self.games.start_rules().visitors_may_start,
            games: state::offered(&self.games, by, now),
            view: self.view().map(|view| state::shown(view, clock)),
            result: self.result.clone(),
            leaderboard: state::boards(&self.games, &self.others),
        }
    }

    pub(super) fn view(&self) -> Option<GameView> {
        self.games.view()
    }

    pub(super) fn marks(&self) -> Vec<GameMark> {
        self.games.marks()
    }

    pub(super) fn source_number(&self) -> Option<SourceNumber> {
        self.source_number
    }

    #[cfg(feature = "mesh")]
    pub(super) fn follow_carriers(&mut self, told: FromCarriers, now: Instant) -> Vec<GameEvent> {
        self.others = told.scores;
        self.games.set_partners(told.partners);
        let events = self.games.follow_shared(told.round.as_ref(), now);
        self.note(&events);
        events
    }

    #[cfg(feature = "mesh")]
    pub(super) fn findable(&self) -> Vec<String> {
        self.games.findable().map(str::to_owned).collect()
    }

    #[cfg(feature = "mesh")]
    pub(super) fn is_playing_alone(&self) -> bool {
        self.games.open_round().is_some()
            && self.games.view().is_some_and(|view| !view.game.is_shared())
    }

    pub(super) fn check_start(
        &self,
        game: GameKind,
        by: StartedBy,
        now: Instant,
    ) -> Result<(), StartError> {
        self.games.check_start(game, by, now)
    }

    /// The number and the key of the round, if it begins now.
    pub(super) fn begin_shared(
        &mut self,
        shared: &SharedRound,
        now: Instant,
    ) -> (Option<(u64, String)>, Vec<GameEvent>) {
        let events = self.games.follow_shared(Some(shared), now);
        self.note(&events);
        let has_begun = |event: &GameEvent| matches!(event, GameEvent::RoundStarted { .. });
        let begun = self.rounds.back().filter(|_| events.iter().any(has_begun));
        (begun.map(|one| (one.round, one.key.clone())), events)
    }

    pub(super) fn leaderboard(&self) -> &Leaderboard {
        self.games.leaderboard()
    }

    pub(super) fn open_round(&self) -> Option<u64> {
        self.games.open_round()
    }

    pub(super) fn needs_tracks(&self) -> bool {
        self.games.needs_tracks()
    }

    pub(super) fn is_keeping_pictures(&self) -> bool {
        self.games.is_keeping_pictures()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use play::{GamesSettings, Region, SeenObject};

    use super::*;

    struct Played {
        register: RoundRegister,
        now: Instant,
        frame_seq: u64,
        clock: WallClock,
    }

    impl Played {
        fn new() -> Self {
            let now = Instant::now();
            let games = Games::new(GamesSettings::default(), Leaderboard::default(), 1, now);
            let mut register = RoundRegister::new(games);
            let labels = ["person".to_owned()];
            register.follow_model("test", &labels, &MeasuredModels::default());
            Self {
                register,
                now,
                frame_seq: 0,
                clock: WallClock::start(),
            }
        }

        fn state(&self) -> PlayState {
            self.register
                .state(StartedBy::Visitor, self.now, &self.clock)
        }

        /// Two persons in view, until the round has a result.
        fn play(&mut self) {
            while self.register.open_round().is_some() {
                self.now += Duration::from_millis(100);
                self.frame_seq += 1;
                let person = |track_id: u64| {
                    let left = 0.2 * track_id as f32;
                    SeenObject {
                        track_id,
                        class_id: 0,
                        score: 0.9,
                        region: Region::new(left, 0.3, left + 0.1, 0.9),
                        is_coasting: false,
                    }
                };
                let frame = SeenFrame {
                    frame_seq: self.frame_seq,
                    source_number: 1,
                    captured_at: self.now,
                    objects: vec![person(1), person(2)],
                };
                self.register.observe(&frame, self.now);
            }
        }
    }

    #[test]
    fn a_round_has_a_key_of_its_own_and_is_stopped_once() {
        let mut played = Played::new();
        let now = played.now;
        let (started, _) = played
            .register
            .start(GameKind::HowMany, StartedBy::Visitor, now);
        let (round, key) = started.expect("started");
        assert_eq!(key.len(), 32);
        assert!(played.register.is_key_of(round, &key));
        assert!(!played.register.is_key_of(round, ""));
        assert!(!played.register.is_key_of(round + 1, &key));
        let (again, _) = played
            .register
            .start(GameKind::HowMany, StartedBy::Visitor, now);
        assert_eq!(again, Err(StartError::RoundRunning));
        assert!(!played.register.stop(round + 1, now).0);
        assert!(played.register.stop(round, now).0);
        assert!(!played.register.stop(round, now).0, "it is over");
        assert!(played.register.is_key_of(round, &key), "for its picture");
        assert_eq!(played.state().result, None, "it was stopped");
    }

    #[test]
    fn the_result_stays_until_the_next_round_and_gets_the_picture() {
        let mut played = Played::new();
        let now = played.now;
        let (started, _) = played
            .register
            .start(GameKind::HowMany, StartedBy::Visitor, now);
        let (round, _) = started.expect("started");
        played.play();
        let result = played.state().result.expect("a result");
        assert_eq!((result.round, result.score), (round, Some(2)));
        assert_eq!((result.place, result.is_record), (Some(1), true));
        assert!(result.nickname.is_some() && result.strip.is_none());
        let board = &played.state().leaderboard[0];
        assert_eq!((board.game, board.entries[0].score), (GameKind::HowMany, 2));
        let picture = RoundPicture {
            job: JobId::random(),
            expires_at_ms: 7,
        };
        played.register.add_picture(round, picture);
        let strip = played.state().result.and_then(|result| result.strip);
        assert_eq!(strip, Some(StripState { expires_at_ms: 7 }));
        assert_eq!(played.register.picture(round), Some(picture));
        assert_eq!(played.register.picture_for_screen(), None, "a visitor's");
        let now = played.now;
        let (next, _) = played
            .register
            .start(GameKind::HowMany, StartedBy::Owner, now);
        next.expect("started");
        assert_eq!(played.state().result, None);
        assert_eq!(
            played.register.picture(round),
            Some(picture),
            "for its visitor"
        );
    }

    #[test]
    fn the_key_goes_through_the_games_and_stops_what_runs() {
        let mut played = Played::new();
        let now = played.now;
        let mut press = || {
            let (done, _) = played.register.press_key(now);
            done.expect("pressed");
            played.register.view().map(|view| view.game)
        };
        // Without measurements there is no hunt, and without questions no poll.
        let playable = [GameKind::RedLight, GameKind::HowMany, GameKind::GroupPhoto];
        for game in playable.into_iter().chain(playable) {
            assert_eq!(press(), Some(game));
            assert_eq!(press(), None);
        }
    }

    #[test]
    fn visitors_are_told_why_they_cannot_start() {
        let mut played = Played::new();
        let rules = StartRules {
            visitors_may_start: false,
            ..StartRules::default()
        };
        played.register.follow_rules(rules);
        let state = played.state();
        assert!(!state.visitors_may_start);
        assert!(state.games.iter().all(|game| game.refusal.is_some()));
        let owner = played
            .register
            .state(StartedBy::Owner, played.now, &played.clock);
        let startable = owner.games.iter().filter(|game| game.refusal.is_none());
        assert_eq!(startable.count(), 3, "no hunt, no questions");
    }

    #[test]
    fn old_rounds_are_forgotten() {
        let mut played = Played::new();
        let mut keys = Vec::new();
        for _ in 0..=ROUNDS_KEPT {
            let now = played.now;
            let (started, _) = played
                .register
                .start(GameKind::HowMany, StartedBy::Owner, now);
            keys.push(started.expect("started"));
        }
        let known = |(round, key): &(u64, String)| played.register.is_key_of(*round, key);
        assert!(!known(&keys[0]) && keys[1..].iter().all(known));
    }
}
