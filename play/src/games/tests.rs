mod any_sequence;

use std::time::Duration;

use super::*;
use crate::seen::SeenObject;
use crate::synthetic::{PERSON, PlayedGames, body_at, model, object};

const SECOND: Duration = Duration::from_secs(1);

fn person() -> Vec<SeenObject> {
    vec![object(1, PERSON, body_at(0.5))]
}

fn keeps(event: &GameEvent) -> bool {
    matches!(
        event,
        GameEvent::KeepMoment { .. } | GameEvent::TakePhoto { .. }
    )
}

/// Shows whatever the hunt asks for.
fn find_all(played: &mut PlayedGames, duration: Duration) {
    for index in 0..played.frames.count(duration) {
        let mut objects = person();
        if let Some(class_id) = played.asked_class() {
            let region = crate::seen::Region::new(0.4, 0.4, 0.5, 0.6);
            objects.push(object(100 + u64::from(index / 40), class_id, region));
        }
        played.step(&objects);
    }
}

#[test]
fn a_hunt_without_pictures_is_played_like_any_other_and_asks_to_keep_none() {
    let settings = GamesSettings {
        keeps_pictures: false,
        ..GamesSettings::default()
    };
    let mut played = PlayedGames::new(settings, 10);
    played.start(GameKind::ObjectHunt);
    find_all(&mut played, 40 * SECOND);
    let outcome = played.outcome().unwrap();
    assert!(outcome.score.unwrap() > 0);
    assert!(outcome.strip.is_empty());
    assert_eq!(played.count_events(keeps), 0);
    let photo = played
        .games
        .start(GameKind::GroupPhoto, StartedBy::Owner, played.frames.now);
    assert_eq!(photo, Err(StartError::NoPictures));
}

#[test]
fn a_stricter_privacy_mode_takes_back_the_pictures_of_the_round() {
    let mut played = PlayedGames::new(GamesSettings::default(), 10);
    played.start(GameKind::ObjectHunt);
    find_all(&mut played, 8 * SECOND);
    let kept = played.count_events(keeps);
    assert!(kept > 0);
    assert!(played.games.set_keeps_pictures(false).is_empty());
    find_all(&mut played, 40 * SECOND);
    assert_eq!(played.count_events(keeps), kept);
    assert!(played.outcome().unwrap().strip.is_empty());
    played.games.set_keeps_pictures(true);
    played.play(20 * SECOND, |_| vec![]);
    played.start(GameKind::GroupPhoto);
    let ended = played.games.set_keeps_pictures(false);
    assert!(matches!(
        ended[0],
        GameEvent::RoundEnded {
            end: RoundEnd::Stopped,
            ..
        }
    ));
    assert!(played.games.view().is_none());
}

#[test]
fn the_attraction_starts_a_round_for_somebody_and_keeps_no_pictures() {
    let mut settings = GamesSettings::default();
    settings.start.attraction_after = Some(60 * SECOND);
    settings.start.offered = vec![GameKind::ObjectHunt, GameKind::GroupPhoto];
    let mut played = PlayedGames::new(settings, 10);
    played.play(120 * SECOND, |_| vec![]);
    assert!(played.events.is_empty(), "nobody is in view");
    played.play(4 * SECOND, |_| person());
    let by = StartedBy::Attraction;
    let game = GameKind::ObjectHunt;
    assert_eq!(
        played.events,
        [GameEvent::RoundStarted { round: 1, game, by }]
    );
    find_all(&mut played, 12 * SECOND);
    assert!(played.count_events(|event| matches!(event, GameEvent::Found { .. })) > 0);
    assert_eq!(played.count_events(keeps), 0);
    // A visitor who wants to play does not wait for it.
    played.start(GameKind::ObjectHunt);
    assert_eq!(played.outcome().unwrap().score, None, "it was stopped");
    find_all(&mut played, 12 * SECOND);
    assert!(played.count_events(keeps) > 0);
}

#[test]
fn a_passing_false_alarm_and_a_frozen_picture_attract_nobody() {
    let mut settings = GamesSettings::default();
    settings.start.attraction_after = Some(10 * SECOND);
    let mut played = PlayedGames::new(settings, 10);
    let mut index = 0;
    played.play(60 * SECOND, |_| {
        index += 1;
        if index % 30 == 0 { person() } else { vec![] }
    });
    assert!(played.events.is_empty());
    played.play(SECOND, |_| person());
    let later = played.frames.now + 100 * SECOND;
    assert!(
        played.games.advance(later).is_empty(),
        "frames have stopped"
    );
}

#[test]
fn a_model_without_objects_has_no_hunt_and_says_so() {
    let mut played = PlayedGames::new(GamesSettings::default(), 10);
    let now = played.frames.now;
    let labels = ["person", "face"].map(str::to_owned);
    played.games.set_model("yunet", &labels, None);
    let error = played
        .games
        .check_start(GameKind::ObjectHunt, StartedBy::Owner, now);
    assert!(
        error
            .unwrap_err()
            .to_string()
            .contains("the model yunet finds 0")
    );
    let others = [GameKind::RedLight, GameKind::HowMany, GameKind::GroupPhoto];
    for game in others {
        assert_eq!(
            played.games.check_start(game, StartedBy::Visitor, now),
            Ok(())
        );
    }
    let no_questions = played
        .games
        .check_start(GameKind::LeftOrRight, StartedBy::Owner, now);
    assert_eq!(no_questions, Err(StartError::NoQuestions));
    played.games.set_model("birds", &["bird".to_owned()], None);
    let nobody = played
        .games
        .check_start(GameKind::HowMany, StartedBy::Owner, now);
    assert_eq!(nobody, Err(StartError::NoPersons));
}

#[test]
fn another_model_stops_the_round() {
    let mut played = PlayedGames::new(GamesSettings::default(), 10);
    played.start(GameKind::ObjectHunt);
    let (labels, measured) = model();
    let events = played.games.set_model("other", &labels, Some(&measured));
    assert!(matches!(
        events[0],
        GameEvent::RoundEnded {
            end: RoundEnd::Stopped,
            ..
        }
    ));
    assert!(matches!(events[1], GameEvent::RoundCleared { round: 1 }));
    assert!(played.games.view().is_none());
}

#[test]
fn the_result_is_shown_for_a_while_and_the_owner_may_cut_it_short() {
    let mut played = PlayedGames::new(GamesSettings::default(), 10);
    played.start(GameKind::HowMany);
    played.play(26 * SECOND, |_| person());
    let view = played.games.view().unwrap();
    assert_eq!(view.score, Some(1));
    assert!(view.countdown.is_none());
    assert!(view.rows.len() >= 2, "record and place: {:?}", view.rows);
    assert!(!played.games.needs_tracks());
    let events = played.games.stop(played.frames.now);
    assert_eq!(events, [GameEvent::RoundCleared { round: 1 }]);
    assert!(played.games.view().is_none());
}

#[test]
fn a_stopped_round_has_no_place_on_the_leaderboard() {
    let mut played = PlayedGames::new(GamesSettings::default(), 10);
    played.start(GameKind::HowMany);
    played.play(15 * SECOND, |_| person());
    let events = played.games.stop(played.frames.now);
    assert_eq!(events.len(), 2);
    assert!(played.games.leaderboard().of(GameKind::HowMany).is_empty());
}

#[test]
fn the_same_seed_and_the_same_frames_give_the_same_round() {
    let play = || {
        let mut played = PlayedGames::new(GamesSettings::default(), 10);
        played.start(GameKind::ObjectHunt);
        find_all(&mut played, 30 * SECOND);
        played.events
    };
    assert_eq!(play(), play());
}

#[test]
fn a_model_without_faces_takes_group_photos_of_persons() {
    let mut played = PlayedGames::new(GamesSettings::default(), 10);
    let labels = ["person".to_owned()];
    played.games.set_model("coco", &labels, None);
    played.start(GameKind::GroupPhoto);
    played.play(12 * SECOND, |_| {
        vec![
            object(1, PERSON, body_at(0.3)),
            object(2, PERSON, body_at(0.7)),
        ]
    });
    assert_eq!(played.count_events(keeps), 1);
}

#[test]
fn events_and_views_have_the_form_of_the_routes() {
    let mut played = PlayedGames::new(GamesSettings::default(), 10);
    played.start(GameKind::ObjectHunt);
    let started = serde_json::to_value(&played.events[0]).unwrap();
    assert_eq!(
        started,
        serde_json::json!({"event": "round_started", "round": 1, "game": "object-hunt", "by": "visitor"})
    );
    find_all(&mut played, 8 * SECOND);
    let found = played
        .events
        .iter()
        .find(|event| matches!(event, GameEvent::Found { .. }));
    let found = serde_json::to_value(found).unwrap();
    assert!(
        found["target"]["key"]
            .as_str()
            .unwrap()
            .starts_with("play.target.")
    );
}
