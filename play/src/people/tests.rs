use super::*;
use crate::synthetic::{SyntheticFrames, body_at, object};

const PERSON: usize = 0;

#[test]
fn a_person_counts_after_a_moment_and_through_short_losses() {
    let mut frames = SyntheticFrames::new(10);
    let mut people = FollowedPeople::new(PERSON);
    let mut counts = Vec::new();
    // Eight frames in view, three missed, two in view, eight gone.
    let seen = [[true; 8].as_slice(), &[false; 3], &[true; 2], &[false; 8]].concat();
    for is_seen in seen {
        let objects = if is_seen {
            vec![object(1, PERSON, body_at(0.5))]
        } else {
            vec![]
        };
        people.observe(&frames.frame(&objects));
        counts.push(people.present().len());
    }
    assert_eq!(counts[..3], [0, 0, 0]);
    assert!(counts[3..15].iter().all(|count| *count == 1), "{counts:?}");
    assert_eq!(counts[20], 0, "{counts:?}");
}

#[test]
fn a_changed_id_is_the_same_person() {
    let mut frames = SyntheticFrames::new(10);
    let mut people = FollowedPeople::new(PERSON);
    let mut numbers = std::collections::BTreeSet::new();
    for index in 0..30 {
        let objects = [object(
            index / 5,
            PERSON,
            body_at(0.3 + 0.005 * index as f32),
        )];
        people.observe(&frames.frame(&objects));
        numbers.extend(people.present().iter().map(|person| person.number));
    }
    assert_eq!(numbers.len(), 1);
}

#[test]
fn one_person_detected_twice_counts_once() {
    let mut frames = SyntheticFrames::new(10);
    let mut people = FollowedPeople::new(PERSON);
    let inner = Region::new(0.445, 0.32, 0.555, 0.88);
    for _ in 0..10 {
        let objects = [object(1, PERSON, body_at(0.5)), object(2, PERSON, inner)];
        people.observe(&frames.frame(&objects));
    }
    assert_eq!(people.present().len(), 1);
}

#[test]
fn false_alarms_and_other_classes_are_nobody() {
    let mut frames = SyntheticFrames::new(10);
    let mut people = FollowedPeople::new(PERSON);
    for index in 0..40 {
        let mut objects = vec![object(1000, 5, body_at(0.2))];
        if index % 20 == 0 {
            objects.push(object(index, PERSON, body_at(0.5)));
        }
        people.observe(&frames.frame(&objects));
        assert!(people.present().is_empty(), "frame {index}");
    }
}
