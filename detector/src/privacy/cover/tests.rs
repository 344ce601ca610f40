use super::*;

const START: BBox = BBox::new(100.0, 100.0, 160.0, 280.0);

fn sighting(at: Instant, items: &[(SightedKind, BBox)]) -> Sighting {
    let item = |&(kind, bbox): &(SightedKind, BBox)| Sighted {
        kind,
        score: 0.9,
        bbox,
    };
    Sighting {
        captured_at: at,
        source_number: 0,
        frame_width: 640,
        frame_height: 360,
        mounting: Default::default(),
        finds_persons: true,
        finds_faces: true,
        items: items.iter().map(item).collect(),
    }
}

fn shifted(bbox: &BBox, x: f32) -> BBox {
    BBox {
        x1: bbox.x1 + x,
        x2: bbox.x2 + x,
        ..*bbox
    }
}

fn areas_of(find: impl FnOnce(&mut Vec<Rect>)) -> Vec<Rect> {
    let mut areas = Vec::new();
    find(&mut areas);
    areas
}

/// A person who walks to the right with 300 pixels a second, seen three times.
fn walker() -> (Cover, Instant) {
    let (mut cover, mut now) = (Cover::default(), Instant::now());
    for step in 0..3_u8 {
        now += Duration::from_millis(100);
        let bbox = shifted(&START, 30.0 * f32::from(step));
        cover.update(&sighting(now, &[(SightedKind::Person, bbox)]));
    }
    (cover, now)
}

#[test]
fn areas_grow_with_the_predicted_motion() {
    let (cover, now) = walker();
    let last = shifted(&START, 60.0);
    let at_once = areas_of(|areas| cover.people(now, areas));
    assert_eq!(at_once.len(), 1, "one person, not three");
    assert!(at_once[0].x as f32 <= last.x1 - 5.0 && at_once[0].right() as f32 >= last.x2 + 5.0);
    let later = areas_of(|areas| cover.people(now + Duration::from_millis(200), areas));
    assert!(later[0].right() as f32 >= last.x2 + 60.0, "{later:?}");
    assert!(
        later[0].x as f32 <= last.x1 - 5.0,
        "the place where it was stays hidden"
    );
    assert!(
        at_once[0].x - later[0].x < 20,
        "it does not grow backwards as far: {later:?}"
    );
    let before = areas_of(|areas| cover.people(now - Duration::from_millis(100), areas));
    assert!(
        before[0].x as f32 <= last.x1 - 30.0,
        "an older picture: {before:?}"
    );
}

#[test]
fn a_person_who_was_seen_once_may_move_anywhere() {
    let (mut cover, now) = (Cover::default(), Instant::now());
    cover.update(&sighting(now, &[(SightedKind::Person, START)]));
    let later = areas_of(|areas| cover.people(now + Duration::from_millis(166), areas));
    assert!(later[0].x < 90 && later[0].right() > 170, "{later:?}");
}

#[test]
fn growth_is_bounded() {
    let (mut cover, mut now) = (Cover::default(), Instant::now());
    for x in [0.0, 60.0] {
        now += Duration::from_millis(1);
        cover.update(&sighting(now, &[(SightedKind::Person, shifted(&START, x))]));
    }
    let later = areas_of(|areas| cover.people(now + Duration::from_secs(1), areas));
    assert!(later.iter().all(|area| area.width < 400), "{later:?}");
}

#[test]
fn lost_ones_go_after_a_second() {
    let (mut cover, now) = walker();
    cover.update(&sighting(now + Duration::from_millis(900), &[]));
    let count = |cover: &Cover, ms: u64| {
        areas_of(|areas| cover.people(now + Duration::from_millis(ms), areas)).len()
    };
    assert_eq!((count(&cover, 1000), count(&cover, 1001)), (1, 0));
}

#[test]
fn a_fast_walker_is_the_same_person_at_few_detections() {
    let (mut cover, mut now) = (Cover::default(), Instant::now());
    for step in 0..4_u8 {
        now += Duration::from_millis(167);
        let bbox = shifted(&START, 80.0 * f32::from(step));
        cover.update(&sighting(now, &[(SightedKind::Person, bbox)]));
    }
    assert_eq!(cover.items.len(), 1);
    let speed = cover.items[0].speed.expect("seen four times");
    assert!((speed[0] - 479.0).abs() < 10.0, "{speed:?}");
}

#[test]
fn of_two_persons_with_one_face_the_other_ones_head_stays_hidden() {
    let (mut cover, now) = (Cover::default(), Instant::now());
    let (front, behind) = (START, shifted(&START, 30.0));
    let face = BBox::new(120.0, 110.0, 140.0, 136.0);
    let seen = [
        (SightedKind::Person, front),
        (SightedKind::Person, behind),
        (SightedKind::Face, face),
    ];
    cover.update(&sighting(now, &seen));
    let areas = areas_of(|areas| cover.faces(now, areas));
    assert_eq!(areas.len(), 2, "{areas:?}");
    let covers = |x: i32| areas.iter().any(|area| area.x <= x && x < area.right());
    assert!(covers(130) && covers(185), "{areas:?}");
}

#[test]
fn a_face_that_was_seen_only_earlier_does_not_bare_the_head() {
    let (mut cover, now) = (Cover::default(), Instant::now());
    let face = BBox::new(120.0, 110.0, 140.0, 136.0);
    let both = [(SightedKind::Person, START), (SightedKind::Face, face)];
    cover.update(&sighting(now, &both));
    assert_eq!(areas_of(|areas| cover.faces(now, areas)).len(), 1);
    let later = now + Duration::from_millis(100);
    cover.update(&sighting(later, &[(SightedKind::Person, START)]));
    assert_eq!(areas_of(|areas| cover.faces(later, areas)).len(), 2);
}

#[test]
fn the_head_of_a_person_who_is_cut_off_is_larger() {
    let standing = BBox::new(0.0, 0.0, 60.0, 180.0);
    assert_eq!(head_of(&standing).height(), 60.0);
    let sitting = BBox::new(0.0, 0.0, 200.0, 180.0);
    assert_eq!(head_of(&sitting).height(), 160.0);
    let lying = BBox::new(0.0, 0.0, 300.0, 80.0);
    assert_eq!(head_of(&lying), lying);
}
