use std::time::Duration;

use crate::event::GameEvent;
use crate::games::GamesSettings;
use crate::questions::{PollQuestion, PollQuestions, PollSide};
use crate::seen::SeenObject;
use crate::start::GameKind;
use crate::synthetic::{PERSON, PlayedGames, body_at, object};
use crate::text::OwnText;

const SECOND: Duration = Duration::from_secs(1);

fn question(text: &str, correct: Option<PollSide>) -> PollQuestion {
    let own = |text: &str| OwnText::ForAll(text.to_owned());
    PollQuestion {
        text: own(text),
        left: own("A"),
        right: own("B"),
        correct,
        seconds: 10,
    }
}

fn started(questions: Vec<PollQuestion>) -> PlayedGames {
    let settings = GamesSettings {
        questions: PollQuestions {
            question: questions,
        },
        questions_per_round: 2,
        ..GamesSettings::default()
    };
    let mut played = PlayedGames::new(settings, 10);
    played.start(GameKind::LeftOrRight);
    played.play(Duration::from_millis(4200), |_| vec![]);
    played
}

fn persons(places: &[f32]) -> Vec<SeenObject> {
    let person = |(n, x): (usize, &f32)| object(n as u64, PERSON, body_at(*x));
    places.iter().enumerate().map(person).collect()
}

fn closed(played: &PlayedGames) -> Vec<(u32, u32, Option<PollSide>)> {
    let closed = played.events.iter().filter_map(|event| match event {
        GameEvent::QuestionClosed {
            left,
            right,
            chosen,
            ..
        } => Some((*left, *right, *chosen)),
        _ => None,
    });
    closed.collect()
}

#[test]
fn people_are_counted_by_the_half_in_which_they_stand() {
    let mut played = started(vec![question("1?", None), question("2?", None)]);
    played.play(5 * SECOND, |_| persons(&[0.2, 0.3, 0.8]));
    let sides = played.games.view().unwrap().sides.unwrap();
    assert_eq!(sides.clone().map(|side| side.persons), [2, 1]);
    assert!(!sides[0].is_chosen, "it is still open");
    // Two walk over, and the last second counts.
    played.play(6 * SECOND, |_| persons(&[0.2, 0.7, 0.8]));
    assert_eq!(closed(&played), [(1, 2, Some(PollSide::Right))]);
    assert!(played.games.view().unwrap().sides.unwrap()[1].is_chosen);
    played.play(20 * SECOND, |_| persons(&[0.2]));
    assert_eq!(closed(&played)[1], (1, 0, Some(PollSide::Left)));
    let outcome = played.outcome().unwrap();
    assert_eq!((outcome.score, outcome.rows.len()), (None, 2));
}

#[test]
fn a_quiz_question_shows_the_right_side_whatever_most_chose() {
    let mut played = started(vec![question("1?", Some(PollSide::Left))]);
    played.play(11 * SECOND, |_| persons(&[0.7, 0.85]));
    assert_eq!(closed(&played), [(0, 2, Some(PollSide::Right))]);
    assert!(played.games.view().unwrap().sides.unwrap()[0].is_chosen);
}

#[test]
fn somebody_near_the_middle_does_not_flicker_between_the_sides() {
    let mut played = started(vec![question("1?", None)]);
    played.play(SECOND, |_| persons(&[0.4]));
    let mut seen = std::collections::BTreeSet::new();
    let mut index = 0;
    for _ in 0..50 {
        index += 1;
        played.step(&persons(&[if index % 2 == 0 { 0.48 } else { 0.52 }]));
        let sides = played.games.view().unwrap().sides.unwrap();
        seen.insert(sides.map(|side| side.persons));
    }
    assert_eq!(seen.len(), 1, "{seen:?}");
}

#[test]
fn missed_frames_before_the_end_lose_no_vote_and_nobody_is_an_answer() {
    let mut played = started(vec![question("1?", None), question("2?", None)]);
    let mut index = 0;
    played.play(11 * SECOND, |_| {
        index += 1;
        persons(if index % 4 == 0 { &[] } else { &[0.2, 0.8] })
    });
    assert_eq!(closed(&played), [(1, 1, None)]);
    played.play(20 * SECOND, |_| vec![]);
    assert_eq!(closed(&played)[1], (0, 0, None));
}

#[test]
fn each_question_comes_once_before_any_comes_again() {
    let questions: Vec<_> = (0..4).map(|n| question(&format!("{n}?"), None)).collect();
    let mut played = started(questions);
    played.play(60 * SECOND, |_| vec![]);
    played.start(GameKind::LeftOrRight);
    played.play(60 * SECOND, |_| vec![]);
    let asked = played.events.iter().filter_map(|event| match event {
        GameEvent::Asked { text, .. } => Some(format!("{text:?}")),
        _ => None,
    });
    let asked: Vec<_> = asked.collect();
    let different: std::collections::BTreeSet<_> = asked.iter().collect();
    assert_eq!((asked.len(), different.len()), (4, 4));
}
