//! Red light, green light: whoever moves at green gains points, whoever moves at red is out.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rand::RngExt;
use rand::rngs::StdRng;

use super::{GameRules, has_passed};
use crate::event::{GameEvent, RoundOutcome};
use crate::nickname::Nickname;
use crate::people::{FollowedPeople, Person};
use crate::seen::{Region, SeenFrame};
use crate::text::GameText;
use crate::view::{Countdown, Flash, FlashKind, GameMark, GameView, MarkRole};

const TIME: Duration = Duration::from_secs(45);
/// How long a light may stay, in milliseconds.
const GREEN_MS: std::ops::Range<u64> = 3000..6000;
const RED_MS: std::ops::Range<u64> = 2500..4500;
/// To come to rest after the light turned red.
const TO_REST: Duration = Duration::from_millis(800);
/// A movement against the position at rest, in parts of the person's size.
const MOVED: f32 = 0.14;
/// Frames in a row that must show it: one is the detector's error.
const MOVED_FRAMES: u32 = 2;
/// Points for a way of one's own size, and at most so many from one frame to the next: more is a jump of the track.
const POINTS_PER_SIZE: f32 = 50.0;
const STEP_MAX: f32 = 0.3;
/// A smaller step from one frame to the next is jitter.
const STEP_MIN: f32 = 0.07;
/// For being in at the end.
const POINTS_FOR_STAYING: u32 = 100;
const PLAYERS_MAX: usize = 32;

#[derive(Debug, Clone, Copy)]
struct Light {
    is_green: bool,
    since: Instant,
    lasts: Duration,
}

#[derive(Debug)]
struct LightPlayer {
    nickname: Nickname,
    points: f32,
    is_out: bool,
    /// Where the way at green was last measured.
    last: Region,
    /// Where the player came to rest at this red light.
    rest: Option<Region>,
    moved_frames: u32,
}

#[derive(Debug)]
pub(crate) struct RedLight {
    round: u64,
    random: StdRng,
    people: FollowedPeople,
    began_at: Option<Instant>,
    light: Option<Light>,
    /// By the number of the person.
    players: BTreeMap<u64, LightPlayer>,
    flash: Option<Flash>,
    now: Instant,
}

impl RedLight {
    pub(crate) fn new(round: u64, body_class: usize, random: StdRng, now: Instant) -> Self {
        Self {
            round,
            random,
            people: FollowedPeople::new(body_class),
            began_at: None,
            light: None,
            players: BTreeMap::new(),
            flash: None,
            now,
        }
    }

    fn change_light(&mut self, is_green: bool, events: &mut Vec<GameEvent>) {
        let range = if is_green { GREEN_MS } else { RED_MS };
        let lasts = Duration::from_millis(self.random.random_range(range));
        self.light = Some(Light {
            is_green,
            since: self.now,
            lasts,
        });
        for player in self.players.values_mut() {
            player.rest = None;
            player.moved_frames = 0;
        }
        let round = self.round;
        events.push(GameEvent::LightChanged { round, is_green });
    }

    /// Whoever is there at green plays.
    fn join(&mut self) {
        for person in self.people.present() {
            let is_new = !self.players.contains_key(&person.number);
            if !is_new || self.players.len() >= PLAYERS_MAX {
                continue;
            }
            let is_taken =
                |one: &Nickname| self.players.values().any(|other| other.nickname == *one);
            let nickname = Nickname::draw(&mut self.random, is_taken);
            let player = LightPlayer {
                nickname,
                points: 0.0,
                is_out: false,
                last: person.region,
                rest: None,
                moved_frames: 0,
            };
            self.players.insert(person.number, player);
        }
    }

    fn at_green(&mut self, at: Instant) {
        self.join();
        for person in seen_at(&self.people, at) {
            let Some(player) = self.players.get_mut(&person.number) else {
                continue;
            };
            let step = person.region.moved_from(&player.last);
            if step >= STEP_MIN {
                player.last = person.region;
                if !player.is_out {
                    player.points += step.min(STEP_MAX) * POINTS_PER_SIZE;
                }
            }
        }
    }

    fn at_red(&mut self, at: Instant, events: &mut Vec<GameEvent>) {
        let mut is_anybody_caught = false;
        for person in seen_at(&self.people, at) {
            let Some(player) = self.players.get_mut(&person.number) else {
                continue;
            };
            player.last = person.region;
            let rest = *player.rest.get_or_insert(person.region);
            let has_moved = person.region.moved_from(&rest) > MOVED;
            player.moved_frames = if has_moved {
                player.moved_frames + 1
            } else {
                0
            };
            if player.is_out || player.moved_frames < MOVED_FRAMES {
                continue;
            }
            player.is_out = true;
            is_anybody_caught = true;
            events.push(GameEvent::Caught {
                round: self.round,
                player: player.nickname.clone(),
            });
        }
        if is_anybody_caught {
            let kind = FlashKind::Bad;
            let since = self.now;
            self.flash = Some(Flash { kind, since });
        }
    }

    fn outcome(&self) -> RoundOutcome {
        let score = |player: &LightPlayer| player.points as u32 + POINTS_FOR_STAYING;
        let staying = self.players.values().filter(|player| !player.is_out);
        let mut staying: Vec<_> = staying.map(|player| (score(player), player)).collect();
        staying.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
        let line = |(score, player): &(u32, &LightPlayer)| {
            GameText::key("play.score-of")
                .with("name", player.nickname.text())
                .with("score", *score)
        };
        match staying.first() {
            // Without a step nobody has played.
            Some((score, winner)) if *score > POINTS_FOR_STAYING => {
                let headline =
                    GameText::key("play.red-light.won").with("name", winner.nickname.text());
                let mut outcome = RoundOutcome::new(Some(*score), headline);
                outcome.rows = staying.iter().take(3).map(line).collect();
                outcome.nickname = Some(winner.nickname.clone());
                outcome
            }
            _ => RoundOutcome::new(None, GameText::key("play.red-light.nobody")),
        }
    }
}

/// Those who were detected in the frame of `at`.
fn seen_at(people: &FollowedPeople, at: Instant) -> impl Iterator<Item = &Person> {
    let present = people.present().into_iter();
    present.filter(move |person| person.last_at == at)
}

impl GameRules for RedLight {
    fn observe(&mut self, frame: &SeenFrame, events: &mut Vec<GameEvent>) {
        if !self.people.observe(frame) {
            return;
        }
        let at = frame.captured_at;
        let Some(light) = self.light.filter(|light| at >= light.since) else {
            return;
        };
        if light.is_green {
            self.at_green(at);
        } else if has_passed(at, light.since, TO_REST) {
            self.at_red(at, events);
        }
    }

    fn begin(&mut self, now: Instant, events: &mut Vec<GameEvent>) {
        self.now = now;
        self.began_at = Some(now);
        self.change_light(true, events);
    }

    fn advance(&mut self, now: Instant, events: &mut Vec<GameEvent>) -> Option<RoundOutcome> {
        self.now = now;
        let (began_at, light) = (self.began_at?, self.light?);
        let are_all_out =
            !self.players.is_empty() && self.players.values().all(|player| player.is_out);
        if has_passed(now, began_at, TIME) || are_all_out {
            return Some(self.outcome());
        }
        if has_passed(now, light.since, light.lasts) {
            self.change_light(!light.is_green, events);
        }
        None
    }

    fn show(&self, view: &mut GameView) {
        let (Some(began_at), Some(light)) = (self.began_at, self.light) else {
            return;
        };
        let (line, word) = if light.is_green {
            ("play.red-light.move", "play.red-light.green")
        } else {
            ("play.red-light.freeze", "play.red-light.red")
        };
        view.line = GameText::key(line);
        view.big_word = Some(GameText::key(word));
        view.countdown = Some(Countdown::new(began_at, TIME));
        view.flash = self.flash;
        let left = self.players.values().filter(|player| !player.is_out);
        let left = u32::try_from(left.count()).unwrap_or(u32::MAX);
        view.rows
            .push(GameText::key("play.red-light.left").with("count", left));
    }

    fn marks(&self) -> Vec<GameMark> {
        let mark = |person: &Person| {
            let player = self.players.get(&person.number)?;
            Some(GameMark {
                track_id: person.track_id,
                region: person.region,
                role: if player.is_out {
                    MarkRole::Out
                } else {
                    MarkRole::Playing
                },
                text: Some(player.nickname.text()),
            })
        };
        self.people.present().into_iter().filter_map(mark).collect()
    }
}
