use std::time::Duration;

use crate::event::GameEvent;
use crate::games::GamesSettings;
use crate::seen::{Region, SeenObject};
use crate::start::GameKind;
use crate::synthetic::{FACE, PlayedGames, object};

const SECOND: Duration = Duration::from_secs(1);

fn started(faces_min: usize) -> PlayedGames {
    let settings = GamesSettings {
        group_faces_min: faces_min,
        ..GamesSettings::default()
    };
    let mut played = PlayedGames::new(settings, 10);
    played.start(GameKind::GroupPhoto);
    played.play(Duration::from_millis(4100), |_| vec![]);
    played
}

fn face(track_id: u64, x: f32) -> SeenObject {
    object(track_id, FACE, Region::new(x - 0.04, 0.3, x + 0.04, 0.45))
}

fn photos(played: &PlayedGames) -> usize {
    played.count_events(|event| matches!(event, GameEvent::TakePhoto { .. }))
}

fn countdowns(played: &PlayedGames, running: bool) -> usize {
    let is_it = |event: &GameEvent| matches!(event, GameEvent::PhotoCountdown { is_running, .. } if *is_running == running);
    played.count_events(is_it)
}

#[test]
fn enough_still_faces_count_down_to_one_photo() {
    let mut played = started(3);
    let faces = |count: usize| {
        let all = [face(1, 0.3), face(2, 0.5), face(3, 0.7)];
        all[..count].to_vec()
    };
    played.play(5 * SECOND, |_| faces(2));
    assert_eq!(countdowns(&played, true), 0, "one is missing");
    played.play(3 * SECOND, |_| faces(3));
    assert_eq!((countdowns(&played, true), photos(&played)), (1, 0));
    played.play(3 * SECOND, |_| faces(3));
    assert_eq!(photos(&played), 1);
    assert!(played.outcome().is_some());
    played.play(20 * SECOND, |_| faces(3));
    assert_eq!(photos(&played), 1);
}

#[test]
fn missed_frames_and_smiles_cancel_nothing() {
    let mut played = started(2);
    let mut index = 0_u64;
    played.play(7 * SECOND, |_| {
        index += 1;
        let shake = if index.is_multiple_of(2) { 0.008 } else { 0.0 };
        let mut faces = vec![face(1, 0.3 + shake), face(2 + index / 9, 0.6)];
        faces.truncate(if index.is_multiple_of(4) { 1 } else { 2 });
        faces
    });
    assert_eq!((countdowns(&played, false), photos(&played)), (0, 1));
}

#[test]
fn somebody_who_leaves_cancels_the_countdown_and_it_begins_again() {
    let mut played = started(2);
    let both = || vec![face(1, 0.3), face(2, 0.6)];
    played.play(3 * SECOND, |_| both());
    assert_eq!(countdowns(&played, true), 1);
    played.play(2 * SECOND, |_| vec![face(1, 0.3)]);
    assert_eq!((countdowns(&played, false), photos(&played)), (1, 0));
    played.play(6 * SECOND, |_| both());
    assert_eq!((countdowns(&played, true), photos(&played)), (2, 1));
}

#[test]
fn faces_that_walk_past_give_no_photo() {
    let mut played = started(2);
    played.play(50 * SECOND, |t| {
        let x = t * 0.2 % 0.8;
        vec![face(1, 0.1 + x), face(2, 0.2 + x)]
    });
    assert_eq!(photos(&played), 0);
    assert!(played.outcome().is_some(), "it gives up");
}
