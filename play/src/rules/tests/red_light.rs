use std::time::Duration;

use crate::event::GameEvent;
use crate::games::GamesSettings;
use crate::seen::{Region, SeenObject};
use crate::start::GameKind;
use crate::synthetic::{PERSON, PlayedGames, body_at, object};
use crate::text::GameText;
use crate::view::MarkRole;

const SECOND: Duration = Duration::from_secs(1);

fn started() -> PlayedGames {
    let mut played = PlayedGames::new(GamesSettings::default(), 10);
    played.start(GameKind::RedLight);
    played
}

fn is_green(played: &PlayedGames) -> bool {
    let word = played.games.view().and_then(|view| view.big_word);
    word == Some(GameText::key("play.red-light.green"))
}

/// A box with the jitter of a detector: up to 3 % of its size.
fn jittered(region: Region, index: u64) -> Region {
    let wave = |n: u64| (index.wrapping_mul(n) % 7) as f32 / 3.0 - 1.0;
    let (w, h) = (region.width() * 0.03, region.height() * 0.03);
    Region::new(
        region.left + w * wave(3),
        region.top + h * wave(5),
        region.right + w * wave(11),
        region.bottom + h * wave(13),
    )
}

/// How far a player walks in a frame, by the light and the number of the frame.
type Step = fn(bool, u64) -> f32;

/// Plays to the end; each player begins at a place and walks.
fn play(played: &mut PlayedGames, walkers: &[(f32, Step)]) {
    let mut walkers = walkers.to_vec();
    for index in 0..700 {
        let green = is_green(played);
        let objects: Vec<SeenObject> = walkers
            .iter_mut()
            .enumerate()
            .map(|(n, (x, step))| {
                *x += step(green, index);
                object(n as u64, PERSON, jittered(body_at(*x), index + n as u64))
            })
            .collect();
        played.step(&objects);
        if played.outcome().is_some() {
            return;
        }
    }
}

fn caught(played: &PlayedGames) -> usize {
    played.count_events(|event| matches!(event, GameEvent::Caught { .. }))
}

fn sway(index: u64) -> f32 {
    if (index / 10).is_multiple_of(2) {
        0.02
    } else {
        -0.02
    }
}

fn fair(is_green: bool, index: u64) -> f32 {
    if is_green { sway(index) } else { 0.0 }
}

#[test]
fn who_rests_at_red_wins_and_who_moves_is_out() {
    let mut played = started();
    play(&mut played, &[(0.3, fair), (0.7, |_, index| sway(index))]);
    assert_eq!(caught(&played), 1);
    let outcome = played.outcome().unwrap();
    assert!(outcome.score.unwrap() > 200, "{outcome:?}");
    assert_eq!(outcome.rows.len(), 1 + 2, "place, record, one player left");
    assert!(outcome.nickname.is_some());
}

#[test]
fn jitter_is_no_movement_and_standing_still_all_the_time_is_no_victory() {
    let mut played = started();
    play(&mut played, &[(0.3, |_, _| 0.0), (0.7, |_, _| 0.0)]);
    assert_eq!(caught(&played), 0);
    let outcome = played.outcome().unwrap();
    assert!(outcome.score.unwrap_or(0) < 400, "{outcome:?}");
}

#[test]
fn a_jump_of_one_frame_is_the_detectors_and_catches_nobody() {
    let mut played = started();
    let jump = |is_green: bool, index: u64| match index % 25 {
        0 if !is_green => 0.03,
        1 if !is_green => -0.03,
        _ => fair(is_green, index),
    };
    play(&mut played, &[(0.5, jump)]);
    assert_eq!(caught(&played), 0);
}

#[test]
fn a_player_who_is_out_stays_out_with_another_track() {
    let mut played = started();
    let mut x = 0.5;
    for index in 0..450_u64 {
        x += sway(index);
        let still = object(1000, PERSON, body_at(0.15));
        // The id changes every two seconds.
        played.step(&[object(index / 20, PERSON, body_at(x)), still]);
    }
    assert_eq!(caught(&played), 1);
    let roles: Vec<_> = played.games.marks().iter().map(|mark| mark.role).collect();
    assert_eq!(roles.len(), 2);
    assert!(roles.contains(&MarkRole::Out) && roles.contains(&MarkRole::Playing));
}

#[test]
fn when_all_are_out_the_round_ends_early_and_without_players_in_time() {
    let mut played = started();
    play(&mut played, &[(0.5, |_, index| sway(index))]);
    assert_eq!(played.outcome().unwrap().score, None);
    assert!(played.frames.seconds() < 30.0);
    let mut played = started();
    played.play(50 * SECOND, |_| vec![]);
    assert_eq!(played.outcome().unwrap().score, None);
}
