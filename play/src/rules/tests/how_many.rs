use std::time::Duration;

use crate::event::GameEvent;
use crate::games::GamesSettings;
use crate::seen::SeenObject;
use crate::start::GameKind;
use crate::synthetic::{PERSON, PlayedGames, body_at, object};

const SECOND: Duration = Duration::from_secs(1);

fn crowd(count: u64) -> Vec<SeenObject> {
    let person = |n: u64| object(n, PERSON, body_at(0.1 + 0.13 * n as f32));
    (0..count).map(person).collect()
}

fn round(played: &mut PlayedGames, objects: impl FnMut(f32) -> Vec<SeenObject>) -> u32 {
    played.start(GameKind::HowMany);
    played.play(25 * SECOND, objects);
    let score = played.outcome().unwrap().score.unwrap();
    played.play(20 * SECOND, |_| vec![]);
    score
}

#[test]
fn the_most_persons_that_stay_for_a_second_count_and_the_record_is_kept() {
    let mut played = PlayedGames::new(GamesSettings::default(), 10);
    let score = round(&mut played, |t| crowd(if t < 10.0 { 2 } else { 5 }));
    assert_eq!(score, 5);
    assert!(played.outcome().unwrap().is_record);
    assert_eq!(played.outcome().unwrap().strip.len(), 1);
    assert_eq!(round(&mut played, |_| crowd(3)), 3);
    assert!(!played.outcome().unwrap().is_record);
    assert_eq!(played.outcome().unwrap().place, Some(2));
    assert_eq!(
        played.games.leaderboard().record(GameKind::HowMany),
        Some(5)
    );
}

#[test]
fn false_alarms_flicker_and_changed_ids_add_nobody() {
    let mut played = PlayedGames::new(GamesSettings::default(), 10);
    let mut index = 0;
    let score = round(&mut played, |_| {
        index += 1;
        let mut objects = crowd(3);
        // Ids change, a person is missed now and then, and something is taken for a person for two frames.
        objects[0].track_id = 50 + index / 7;
        if index % 5 == 0 {
            objects.remove(1);
        }
        if index % 20 < 2 {
            objects.push(object(1000 + index / 20, PERSON, body_at(0.9)));
        }
        objects
    });
    assert_eq!(score, 3);
    let more = |event: &GameEvent| matches!(event, GameEvent::MorePersons { .. });
    assert_eq!(played.count_events(more), 1);
}
