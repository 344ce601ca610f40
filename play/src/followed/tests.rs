use super::*;
use crate::synthetic::{SyntheticFrames, object};

const CUP: usize = 41;
const BOWL: usize = 45;
const PLACE: Region = Region::new(0.4, 0.4, 0.6, 0.7);

/// After how long an object of the class is first in view without doubt.
fn steady_after(
    fps: u32,
    seconds: u32,
    mut objects: impl FnMut(u32) -> Vec<SeenObject>,
) -> Option<Duration> {
    let mut frames = SyntheticFrames::new(fps);
    let mut followed = FollowedObjects::default();
    let mut first = None;
    for index in 0..fps * seconds {
        let frame = frames.frame(&objects(index));
        followed.observe(&frame);
        let shown_at = *first.get_or_insert(frame.captured_at);
        if followed.steady().any(|object| object.class_id == CUP) {
            return Some(frame.captured_at - shown_at);
        }
    }
    None
}

#[test]
fn a_steady_track_counts_within_three_tenths_of_a_second() {
    for fps in [7, 10, 15, 25, 30, 60] {
        let after = steady_after(fps, 2, |_| vec![object(1, CUP, PLACE)]).unwrap();
        assert!(after <= Duration::from_millis(300), "{fps} fps: {after:?}");
        assert!(after >= STEADY_FOR, "{fps} fps: {after:?}");
    }
}

#[test]
fn a_slow_detector_needs_two_frames() {
    let after = steady_after(3, 2, |_| vec![object(1, CUP, PLACE)]).unwrap();
    assert!(after < Duration::from_millis(340), "{after:?}");
    // Slower still, nothing is certain.
    assert_eq!(steady_after(1, 10, |_| vec![object(1, CUP, PLACE)]), None);
}

#[test]
fn a_track_that_flickers_between_two_classes_never_counts() {
    for (fps, period) in [(30, 2), (30, 10), (10, 2), (10, 7), (5, 3)] {
        let flicker = |index: u32| {
            let class_id = if index % period < period / 2 {
                CUP
            } else {
                BOWL
            };
            vec![object(1, class_id, PLACE)]
        };
        // The first cup before any bowl may count when it lasted long enough.
        let flicker_from_bowl = |index| flicker(index + period / 2);
        assert_eq!(
            steady_after(fps, 5, flicker_from_bowl),
            None,
            "{fps} {period}"
        );
    }
}

#[test]
fn two_tracks_of_two_classes_that_take_turns_at_one_place_never_count() {
    let take_turns = |index: u32| {
        let (track_id, class_id) = if (index / 4).is_multiple_of(2) {
            (7, BOWL)
        } else {
            (8, CUP)
        };
        vec![object(track_id + u64::from(index / 8) * 2, class_id, PLACE)]
    };
    assert_eq!(steady_after(30, 5, take_turns), None);
}

#[test]
fn two_classes_at_the_same_place_at_once_are_in_doubt() {
    let both = |_| vec![object(1, CUP, PLACE), object(2, BOWL, PLACE)];
    assert_eq!(steady_after(30, 3, both), None);
    // A much weaker one is no rival, and neither is one elsewhere.
    let weak = |_| {
        let weak = SeenObject {
            score: 0.4,
            ..object(2, BOWL, PLACE)
        };
        vec![object(1, CUP, PLACE), weak]
    };
    assert!(steady_after(30, 3, weak).is_some());
    let person = Region::new(0.2, 0.1, 0.8, 1.0);
    let held = |_| vec![object(1, CUP, PLACE), object(2, 0, person)];
    assert!(steady_after(30, 3, held).is_some());
}

#[test]
fn a_changed_class_counts_after_a_second() {
    let corrected = |index: u32| {
        let class_id = if index < 6 { BOWL } else { CUP };
        vec![object(1, class_id, PLACE)]
    };
    let after = steady_after(30, 3, corrected).unwrap();
    assert!((1200..1400).contains(&after.as_millis()), "{after:?}");
}

#[test]
fn false_alarms_of_one_frame_never_count() {
    let alarm = |index: u32| {
        let alarm = object(u64::from(index), CUP, PLACE);
        if index.is_multiple_of(20) {
            vec![alarm]
        } else {
            vec![]
        }
    };
    assert_eq!(steady_after(30, 10, alarm), None);
}

#[test]
fn a_track_that_is_only_predicted_does_not_count() {
    let coasting = |index: u32| {
        let is_coasting = index > 0;
        vec![SeenObject {
            is_coasting,
            ..object(1, CUP, PLACE)
        }]
    };
    assert_eq!(steady_after(30, 2, coasting), None);
}

#[test]
fn low_and_unsteady_scores_do_not_count() {
    let weak = |_| {
        vec![SeenObject {
            score: 0.4,
            ..object(1, CUP, PLACE)
        }]
    };
    assert_eq!(steady_after(30, 2, weak), None);
    let unsteady = |index: u32| {
        let score = if index % 4 < 2 { 0.95 } else { 0.5 };
        vec![SeenObject {
            score,
            ..object(1, CUP, PLACE)
        }]
    };
    assert_eq!(steady_after(30, 2, unsteady), None);
}

#[test]
fn missed_frames_and_a_new_id_at_the_same_place_delay_little() {
    let missed = |index: u32| {
        if index % 3 == 1 {
            vec![]
        } else {
            vec![object(1, CUP, PLACE)]
        }
    };
    let after = steady_after(30, 2, missed).unwrap();
    assert!(after <= Duration::from_millis(300), "{after:?}");
    let switched = |index: u32| vec![object(u64::from(index / 3), CUP, PLACE)];
    let after = steady_after(30, 2, switched).unwrap();
    assert!(after <= Duration::from_millis(300), "{after:?}");
}

#[test]
fn an_old_frame_and_another_source_change_nothing_that_is_known() {
    let mut frames = SyntheticFrames::new(30);
    let mut followed = FollowedObjects::default();
    let cup = [object(1, CUP, PLACE)];
    let old = frames.frame(&[object(1, BOWL, PLACE)]);
    for _ in 0..10 {
        followed.observe(&frames.frame(&cup));
    }
    followed.observe(&old);
    assert_eq!(followed.steady().count(), 1);
    let other = SeenFrame {
        source_number: 2,
        ..frames.frame(&cup)
    };
    followed.observe(&other);
    assert_eq!(followed.steady().count(), 0);
}

#[test]
fn what_was_seen_is_forgotten_after_a_second() {
    let mut frames = SyntheticFrames::new(10);
    let mut followed = FollowedObjects::default();
    followed.observe(&frames.frame(&[object(1, CUP, PLACE)]));
    assert!(followed.has_seen(CUP));
    for _ in 0..11 {
        followed.observe(&frames.frame(&[]));
    }
    assert!(!followed.has_seen(CUP));
}
