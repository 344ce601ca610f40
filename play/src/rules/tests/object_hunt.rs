use std::time::Duration;

use crate::event::GameEvent;
use crate::games::GamesSettings;
use crate::seen::{Region, SeenObject};
use crate::start::GameKind;
use crate::synthetic::{PERSON, PlayedGames, body_at, object};
use crate::view::FlashKind;

const HELD: Region = Region::new(0.42, 0.4, 0.55, 0.62);
const SECOND: Duration = Duration::from_secs(1);
/// Introduction, and a moment more.
const INTRODUCTION: Duration = Duration::from_millis(4200);

fn started(fps: u32) -> PlayedGames {
    let mut played = PlayedGames::new(GamesSettings::default(), fps);
    played.start(GameKind::ObjectHunt);
    played.play(INTRODUCTION, |_| vec![]);
    played
}

fn held(class_id: usize, track_id: u64) -> Vec<SeenObject> {
    let person = object(1, PERSON, body_at(0.5));
    vec![person, object(track_id, class_id, HELD)]
}

/// Frames in which whatever is asked for is shown after `wait`.
fn show_all(played: &mut PlayedGames, duration: Duration, wait: Duration) {
    let mut last = None;
    let mut waited = Duration::ZERO;
    let mut track_id = 100;
    let frame = SECOND / 10;
    for _ in 0..played.frames.count(duration) {
        let asked = played.asked_class();
        if asked != last {
            (last, waited, track_id) = (asked, Duration::ZERO, track_id + 1);
        }
        waited += frame;
        let objects = match asked {
            Some(class_id) if waited > wait => held(class_id, track_id),
            _ => vec![object(1, PERSON, body_at(0.5))],
        };
        played.step(&objects);
    }
}

fn finds(played: &PlayedGames) -> usize {
    played.count_events(|event| matches!(event, GameEvent::Found { .. }))
}

#[test]
fn a_find_counts_within_three_tenths_of_a_second_and_adds_time() {
    let mut played = started(30);
    let asked = played.asked_class().unwrap();
    let before = played.games.view().unwrap().countdown.unwrap();
    assert_eq!(before.total, Duration::from_secs(20));
    played.play(Duration::from_millis(300), |_| held(asked, 7));
    assert_eq!(finds(&played), 1);
    let view = played.games.view().unwrap();
    assert_eq!(view.flash.unwrap().kind, FlashKind::Good);
    assert_eq!(played.games.marks()[0].track_id, 7);
    assert!(view.countdown.is_none(), "the clock stands still");
    assert!(played.count_events(|event| matches!(event, GameEvent::KeepMoment { .. })) == 1);
    played.play(2 * SECOND, |_| vec![]);
    let view = played.games.view().unwrap();
    let left = view.countdown.unwrap().left(played.frames.now);
    assert!(left > Duration::from_secs(28), "{left:?}");
}

#[test]
fn ten_finds_win_and_the_four_hardest_make_the_strip() {
    let mut played = started(10);
    show_all(&mut played, 100 * SECOND, SECOND);
    assert_eq!(finds(&played), 10);
    let outcome = played.outcome().unwrap();
    assert_eq!(outcome.strip.len(), 4);
    let frames: Vec<u64> = outcome
        .strip
        .iter()
        .map(|moment| moment.frame_seq)
        .collect();
    assert!(frames.is_sorted(), "{frames:?}");
    assert_eq!(outcome.place, Some(1));
    assert!(outcome.is_record);
    assert!(outcome.score.unwrap() > 1000);
}

#[test]
fn without_a_find_it_ends_after_twenty_seconds_with_nothing() {
    let mut played = started(10);
    played.play(19 * SECOND, |_| held(PERSON, 3));
    assert!(played.outcome().is_none());
    played.play(2 * SECOND, |_| vec![]);
    let outcome = played.outcome().unwrap();
    assert_eq!(outcome.score, Some(0));
    assert_eq!((outcome.place, outcome.is_record), (None, false));
    assert!(outcome.strip.is_empty());
}

#[test]
fn a_track_that_flickers_between_two_classes_does_not_score() {
    let mut played = started(30);
    let asked = played.asked_class().unwrap();
    let other = if asked == 8 { 9 } else { 8 };
    let mut index = 0;
    played.play(10 * SECOND, |_| {
        index += 1;
        held(if index % 6 < 3 { other } else { asked }, 7)
    });
    assert_eq!(finds(&played), 0);
}

#[test]
fn another_object_gives_a_comment_and_no_points() {
    let mut played = started(30);
    let asked = played.asked_class().unwrap();
    let other = if asked == 8 { 9 } else { 8 };
    played.play(3 * SECOND, |_| held(other, 7));
    assert_eq!(finds(&played), 0);
    assert_eq!(played.games.view().unwrap().rows.len(), 1);
}

#[test]
fn an_object_that_was_captured_in_time_counts_when_its_tracks_arrive_late() {
    let mut played = started(10);
    let asked = played.asked_class().unwrap();
    let ends_at = played.games.view().unwrap().countdown.unwrap().ends_at;
    while played.frames.now + Duration::from_millis(400) < ends_at {
        played.step(&[]);
    }
    let first = played.frames.frame(&held(asked, 7));
    let second = played.frames.frame(&held(asked, 7));
    let third = played.frames.frame(&held(asked, 7));
    assert!(third.captured_at < ends_at);
    let late = Duration::from_millis(250);
    for frame in [first, second, third] {
        let events = played.games.observe(&frame, frame.captured_at + late);
        played.events.extend(events);
    }
    assert_eq!(finds(&played), 1);
}

#[test]
fn a_skipped_target_costs_time_and_another_is_asked_for() {
    let mut played = started(10);
    let asked = played.asked_class();
    let before = played.games.view().unwrap().countdown.unwrap().ends_at;
    let events = played.games.skip(played.frames.now);
    assert_eq!(events.len(), 1);
    assert_ne!(played.asked_class(), asked);
    let after = played.games.view().unwrap().countdown.unwrap().ends_at;
    assert_eq!(before - after, Duration::from_secs(5));
}

#[test]
fn a_view_is_the_same_while_only_time_passes() {
    let mut played = started(30);
    played.step(&[]);
    let before = played.games.view();
    played.play(5 * SECOND, |_| vec![]);
    assert_eq!(played.games.view(), before);
}

#[test]
fn who_skips_all_the_time_ends_the_round() {
    let mut played = started(10);
    for _ in 0..played.frames.count(3 * SECOND) {
        played.games.skip(played.frames.now);
        played.step(&[]);
    }
    assert_eq!(played.games.open_round(), None);
}
