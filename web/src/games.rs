//! Games on the live feed: what the station adds to the rules of the crate `play`.
//!
//! In: tracks, requests and the time. Out: what the compose thread paints, the state and the events for pages, pictures
//! for the photo booth. [`round_register`] (pure) knows who started what; [`following`] is the task that lets time pass; one
//! lock, held for microseconds, is around both.

mod banner;
pub(crate) mod following;
mod leaderboard_file;
mod news;
mod pictures;
mod round_register;
pub(crate) mod state;
mod strip;
mod strip_code;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use capture::{Slot, SourceNumber, WallClock};
use detector::{GameBanner, MarkedTrack};
use play::{
    GameEvent, GameKind, GameView, GameWords, Games, GamesSettings, Leaderboard, SharedRound,
    StartError, StartedBy,
};
use screen::Code;
use stylise::JobId;
use tokio::sync::{Notify, Semaphore, broadcast};
use uuid::Uuid;

use self::banner::{banner_of, marked};
use self::leaderboard_file::LeaderboardFile;
use self::news::{PlayFollower, PlayNews};
use self::round_register::{RoundPicture, RoundRegister};
use self::state::PlayState;
use self::strip_code::StripCode;
#[cfg(feature = "mesh")]
use crate::carriers::FromCarriers;
use crate::config::{ConfigError, PlayConfig};

/// Connections to `/api/play/events`: each holds a descriptor.
const FOLLOWERS_MAX: usize = 200;
/// News kept for followers that are slow.
const NEWS_KEPT: usize = 64;

/// The games of the station.
pub(crate) struct StationGames {
    is_enabled: bool,
    inner: Mutex<Inner>,
    strip_code: Mutex<StripCode>,
    shown: Arc<Slot<ShownGame>>,
    news: broadcast::Sender<Arc<PlayNews>>,
    places: Arc<Semaphore>,
    /// Wakes the task: a round was started or stopped.
    changed: Notify,
    /// Somebody has used a page, a key or the booth since the task looked.
    was_used: AtomicBool,
    words: GameWords,
    clock: WallClock,
    file: LeaderboardFile,
}

struct Inner {
    rounds: RoundRegister,
    /// What followers were told last.
    told: Option<PlayState>,
    view: Option<GameView>,
}

/// What is painted on the picture.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ShownGame {
    pub(crate) banner: Option<Arc<GameBanner>>,
    pub(crate) marks: Vec<MarkedTrack>,
    /// Marks are for pictures of this source.
    pub(crate) source_number: Option<SourceNumber>,
}

/// A round was started.
pub(crate) struct StartedRound {
    pub(crate) round: u64,
    /// Gives the right to skip, stop and take home. It cannot be guessed.
    pub(crate) key: String,
}

impl StationGames {
    /// Reads the questions and the leaderboard. `state`: the folder in which the leaderboard is kept.
    pub(crate) fn new(
        config: &PlayConfig,
        state: Option<&Path>,
        clock: WallClock,
    ) -> Result<Self, ConfigError> {
        let now = Instant::now();
        let settings = GamesSettings {
            start: config.start_rules(),
            questions: config.questions()?,
            group_faces_min: config.group_faces,
            ..GamesSettings::default()
        };
        let file = LeaderboardFile::new(state.filter(|_| config.enabled));
        let games = Games::new(settings, file.load(), rand::random(), now);
        Ok(Self {
            is_enabled: config.enabled,
            inner: Mutex::new(Inner {
                rounds: RoundRegister::new(games),
                told: None,
                view: None,
            }),
            strip_code: Mutex::default(),
            shown: Slot::new(),
            news: broadcast::Sender::new(NEWS_KEPT),
            places: Arc::new(Semaphore::new(FOLLOWERS_MAX)),
            changed: Notify::new(),
            was_used: AtomicBool::new(false),
            words: GameWords::new(&config.language),
            clock,
            file,
        })
    }

    pub(crate) fn is_enabled(&self) -> bool {
        self.is_enabled
    }

    /// What is painted on the picture.
    pub(crate) fn shown(&self) -> Arc<Slot<ShownGame>> {
        Arc::clone(&self.shown)
    }

    /// Somebody uses a page, a key or the booth.
    pub(crate) fn note_use(&self) {
        self.was_used.store(true, Ordering::Relaxed);
    }

    /// Whether somebody has since the last call.
    fn take_use(&self) -> bool {
        self.was_used.swap(false, Ordering::Relaxed)
    }

    /// Starts a round.
    pub(crate) fn start(
        &self,
        game: GameKind,
        by: StartedBy,
        now: Instant,
    ) -> Result<StartedRound, StartError> {
        let started = self.update(now, |rounds| rounds.start(game, by, now));
        self.changed.notify_one();
        let (round, key) = started?;
        Ok(StartedRound { round, key })
    }

    /// Starts the next game in turn, or stops the round that is open: the key of the screen and of the terminal.
    pub(crate) fn press_key(&self) {
        if !self.is_enabled {
            return;
        }
        let now = Instant::now();
        self.note_use();
        if let Err(error) = self.update(now, |rounds| rounds.press_key(now)) {
            tracing::info!(%error, "no game can be started by the key");
        }
        self.changed.notify_one();
    }

    /// Another target or question. `false`: the round is over.
    pub(crate) fn skip(&self, round: u64, now: Instant) -> bool {
        self.update(now, |rounds| rounds.skip(round, now))
    }

    /// Ends a round without a result. `false`: it is over already.
    pub(crate) fn stop(&self, round: u64, now: Instant) -> bool {
        let stopped = self.update(now, |rounds| rounds.stop(round, now));
        self.changed.notify_one();
        stopped
    }

    /// Whether `key` is the one of the round.
    pub(crate) fn is_key_of(&self, round: u64, key: &str) -> bool {
        self.lock().rounds.is_key_of(round, key)
    }

    /// The picture of a round, if there is one.
    pub(crate) fn picture(&self, round: u64) -> Option<RoundPicture> {
        self.lock().rounds.picture(round)
    }

    /// The code of the owner's newest round, for displays; see [`StripCode::follow`].
    pub(crate) fn strip_code(
        &self,
        make: impl FnOnce(JobId) -> Option<(Uuid, Code)>,
        is_open: impl FnOnce(Uuid) -> bool,
    ) -> Option<Code> {
        let picture = self.lock().rounds.picture_for_screen();
        let codes = self.strip_code.lock();
        let mut codes = codes.unwrap_or_else(PoisonError::into_inner);
        codes.follow(picture, make, is_open)
    }

    /// What other carriers mean for the games here.
    #[cfg(feature = "mesh")]
    pub(crate) fn follow_carriers(&self, told: FromCarriers) {
        let now = Instant::now();
        let ((), events) =
            self.update_and_tell(now, |rounds| ((), rounds.follow_carriers(told, now)));
        if !events.is_empty() {
            self.changed.notify_one();
        }
    }

    /// The objects that a hunt asks for.
    #[cfg(feature = "mesh")]
    pub(crate) fn findable(&self) -> Vec<String> {
        self.lock().rounds.findable()
    }

    /// Whether a round is open that is not across carriers.
    #[cfg(feature = "mesh")]
    pub(crate) fn is_playing_alone(&self) -> bool {
        self.lock().rounds.is_playing_alone()
    }

    /// Why `by` cannot start `game` now, if so.
    pub(crate) fn check_start(
        &self,
        game: GameKind,
        by: StartedBy,
        now: Instant,
    ) -> Result<(), StartError> {
        self.lock().rounds.check_start(game, by, now)
    }

    /// Begins the round across carriers that this station hosts.
    pub(crate) fn begin_shared(&self, shared: &SharedRound, now: Instant) -> Option<StartedRound> {
        let begun = self.update(now, |rounds| rounds.begin_shared(shared, now));
        self.changed.notify_one();
        begun.map(|(round, key)| StartedRound { round, key })
    }

    /// The whole state, with what `by` may start.
    pub(crate) fn state(&self, by: StartedBy, now: Instant) -> PlayState {
        let state = self.lock().rounds.state(by, now, &self.clock);
        PlayState {
            now_ms: self.clock.unix_ms(now),
            ..state
        }
    }

    /// Admits a follower of the events; `None`: refused.
    pub(crate) fn follow(self: &Arc<Self>) -> Option<PlayFollower> {
        // overflow: refused: the page asks for the state instead.
        let place = Arc::clone(&self.places).try_acquire_owned().ok()?;
        let games = Arc::clone(self);
        let state = Box::new(move || games.state(StartedBy::Visitor, Instant::now()));
        Some(PlayFollower::new(self.news.clone(), state, place))
    }

    /// Acts on the games, then tells everybody what has changed.
    fn update<T>(
        &self,
        now: Instant,
        act: impl FnOnce(&mut RoundRegister) -> (T, Vec<GameEvent>),
    ) -> T {
        self.update_and_tell(now, act).0
    }

    /// As [`update`](Self::update), for who needs the events.
    fn update_and_tell<T>(
        &self,
        now: Instant,
        act: impl FnOnce(&mut RoundRegister) -> (T, Vec<GameEvent>),
    ) -> (T, Vec<GameEvent>) {
        let mut inner = self.lock();
        let (done, events) = act(&mut inner.rounds);
        self.tell(&mut inner, &events, now);
        (done, events)
    }

    /// With the lock, so that the order of news is the order of what happened.
    fn tell(&self, inner: &mut Inner, events: &[GameEvent], now: Instant) {
        for event in events {
            // overflow: newest-wins: a follower that misses news is sent the state. Without followers nobody is told.
            let _ = self.news.send(Arc::new(PlayNews::of_event(event)));
        }
        let state = inner.rounds.state(StartedBy::Visitor, now, &self.clock);
        if inner.told.as_ref() != Some(&state) {
            let sent = PlayState {
                now_ms: self.clock.unix_ms(now),
                ..state.clone()
            };
            let _ = self.news.send(Arc::new(PlayNews::of_state(&sent)));
            inner.told = Some(state);
        }
        self.show(inner);
    }

    /// Hands what is painted to the compose thread. A view is put into words once.
    fn show(&self, inner: &mut Inner) {
        let view = inner.rounds.view();
        let before = self.shown.latest();
        let banner = if view == inner.view {
            before.as_ref().and_then(|shown| shown.banner.clone())
        } else {
            let banner = view.as_ref().map(|view| banner_of(view, &self.words));
            inner.view = view;
            banner.map(Arc::new)
        };
        let marks = inner.rounds.marks();
        let shown = ShownGame {
            banner,
            marks: marks.iter().map(|mark| marked(mark, &self.words)).collect(),
            source_number: inner.rounds.source_number(),
        };
        if before.as_deref() != Some(&shown) {
            self.shown.publish(shown);
        }
    }

    /// Writes the leaderboard if it has changed. Blocks.
    fn keep_leaderboard(&self) {
        let leaderboard: Leaderboard = self.lock().rounds.leaderboard().clone();
        self.file.save(&leaderboard);
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
