//! Whatever tracks and times come, nothing panics, and what must always hold holds.

use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};

use super::super::*;
use crate::questions::PollQuestion;
use crate::seen::{Region, SeenObject};
use crate::synthetic::{LABELS, model};
use crate::text::OwnText;

const SEEDS: u64 = 60;
const STEPS: u32 = 600;

const STRANGE: [f32; 8] = [
    f32::NAN,
    f32::INFINITY,
    f32::NEG_INFINITY,
    f32::MAX,
    -0.0,
    0.0,
    1.0,
    1e-30,
];

fn number(random: &mut StdRng) -> f32 {
    if random.random_range(0..20) == 0 {
        return STRANGE.choose(random).copied().unwrap_or(0.0);
    }
    random.random_range(-0.2..1.2)
}

fn objects(random: &mut StdRng) -> Vec<SeenObject> {
    let count = match random.random_range(0..50) {
        0 => 300,
        _ => random.random_range(0..12),
    };
    let class_id = |random: &mut StdRng| match random.random_range(0..30) {
        0 => usize::MAX,
        _ => random.random_range(0..LABELS.len()),
    };
    let object = |_| SeenObject {
        track_id: random.random_range(0..20),
        class_id: class_id(random),
        score: number(random),
        region: Region::new(
            number(random),
            number(random),
            number(random),
            number(random),
        ),
        is_coasting: random.random_range(0..4) == 0,
    };
    (0..count).map(object).collect()
}

/// Mostly forward, at times far, and at times back.
fn next_time(now: Instant, random: &mut StdRng) -> Instant {
    let back = |seconds| now.checked_sub(Duration::from_secs(seconds));
    match random.random_range(0..40) {
        0 => back(random.random_range(0..100)).unwrap_or(now),
        1 => now + Duration::from_secs(random.random_range(0..100_000)),
        2 => now,
        _ => now + Duration::from_millis(random.random_range(0..400)),
    }
}

fn settings() -> GamesSettings {
    let own = |text: &str| OwnText::ForAll(text.to_owned());
    let question = PollQuestion {
        text: own("?"),
        left: own("A"),
        right: own("B"),
        correct: None,
        seconds: 5,
    };
    let mut settings = GamesSettings {
        questions: PollQuestions {
            question: vec![question; 3],
        },
        ..GamesSettings::default()
    };
    settings.start.attraction_after = Some(Duration::from_secs(5));
    settings
}

fn act(games: &mut Games, now: Instant, random: &mut StdRng) -> Vec<GameEvent> {
    let game = GameKind::ALL.choose(random).copied();
    let game = game.unwrap_or(GameKind::ObjectHunt);
    match random.random_range(0..60) {
        0..6 => games
            .start(game, StartedBy::Visitor, now)
            .unwrap_or_default(),
        6 => games.start(game, StartedBy::Owner, now).unwrap_or_default(),
        7 => games.stop(now),
        8..12 => games.skip(now),
        12 => games.set_keeps_pictures(random.random_range(0..2) == 0),
        13 => {
            games.begin_day(random.random_range(0..3));
            Vec::new()
        }
        14 => {
            let (labels, measured) = model();
            games.set_model("test", &labels, Some(&measured))
        }
        _ => games.advance(now),
    }
}

/// Rounds begin and end in pairs, and no picture is asked for against the settings.
fn check(events: &[GameEvent], keeps_pictures: bool, open: &mut Option<u64>, seed: u64) -> u64 {
    let mut started = 0;
    for event in events {
        match event {
            GameEvent::RoundStarted { round, .. } => {
                assert_eq!(open.replace(*round), None, "seed {seed}: two at once");
                started += 1;
            }
            GameEvent::RoundEnded { round, outcome, .. } => {
                assert_eq!(open.take(), Some(*round), "seed {seed}");
                assert!(outcome.strip.len() <= 4, "seed {seed}");
            }
            GameEvent::KeepMoment { .. } | GameEvent::TakePhoto { .. } => {
                assert!(keeps_pictures, "seed {seed}: a picture");
            }
            _ => {}
        }
    }
    started
}

#[test]
fn any_sequence_of_tracks_times_and_requests_is_survived() {
    let start = Instant::now() + Duration::from_secs(1000);
    let mut rounds = 0;
    for seed in 0..SEEDS {
        let mut random = StdRng::seed_from_u64(seed);
        let mut games = Games::new(settings(), Leaderboard::default(), seed, start);
        let (labels, measured) = model();
        games.set_model("test", &labels, Some(&measured));
        let mut now = start;
        let mut open = None;
        for step in 0..STEPS {
            now = next_time(now, &mut random);
            let mut events = act(&mut games, now, &mut random);
            let frame = SeenFrame {
                frame_seq: u64::from(step),
                source_number: random.random_range(0..100) / 99,
                captured_at: next_time(now, &mut random),
                objects: objects(&mut random),
            };
            events.extend(games.observe(&frame, now));
            let keeps_pictures = games.settings.keeps_pictures;
            rounds += check(&events, keeps_pictures, &mut open, seed);
            assert!(games.marks().len() <= 128);
            assert_eq!(games.view().is_some(), games.round.is_some());
        }
    }
    assert!(rounds > SEEDS, "{rounds} rounds");
}
