use super::*;
use crate::detection::BBox;
use crate::privacy::settings::Mask;
use crate::privacy::sighting::{Sighted, SightedKind};

const WIDTH: u32 = 640;
const HEIGHT: u32 = 360;
const FRAME: Duration = Duration::from_millis(33);
const PERSON: BBox = BBox::new(280.0, 100.0, 360.0, 340.0);

/// A filter on a virtual clock, and a room with texture in front of which things move.
struct Rig {
    filter: PrivacyFilter,
    sightings: Sightings,
    room: I420,
    now: Instant,
    shown: I420,
}

impl Rig {
    fn new(mode: PrivacyMode) -> Self {
        let sightings = Sightings::default();
        sightings.control.set_mode(mode);
        let mut room = I420::black(WIDTH, HEIGHT).expect("even");
        let mut state = 1_u32;
        for sample in room.data_mut() {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            *sample = 60 + (state >> 25) as u8;
        }
        Self {
            filter: PrivacyFilter::new(sightings.clone()),
            sightings,
            shown: room.clone(),
            room,
            now: Instant::now(),
        }
    }

    /// Publishes a sighting of the last picture.
    fn see(&self, items: &[(SightedKind, BBox)]) {
        self.publish(self.now, items, (true, true));
    }

    fn publish(&self, at: Instant, items: &[(SightedKind, BBox)], finds: (bool, bool)) {
        let item = |&(kind, bbox): &(SightedKind, BBox)| Sighted {
            kind,
            score: 0.9,
            bbox,
        };
        self.sightings.slot.publish(Sighting {
            captured_at: at,
            source_number: 0,
            frame_width: WIDTH,
            frame_height: HEIGHT,
            mounting: Default::default(),
            finds_persons: finds.0,
            finds_faces: finds.1,
            items: items.iter().map(item).collect(),
        });
    }

    /// Shows the room with this change, one frame time later.
    fn show_with(&mut self, change: impl FnOnce(&mut I420)) -> Hidden<'_> {
        self.now += FRAME;
        self.shown.copy_from(&self.room);
        change(&mut self.shown);
        self.filter.apply(&mut self.shown, self.now);
        self.filter.hidden()
    }

    fn show(&mut self) -> Hidden<'_> {
        self.show_with(|_| ())
    }

    /// Starts with a sighting of these, seen in the first picture.
    fn started(mode: PrivacyMode, items: &[(SightedKind, BBox)]) -> Self {
        let mut rig = Self::new(mode);
        assert_eq!(rig.show(), expected_before_a_sighting(mode));
        rig.see(items);
        rig
    }

    /// Whether a pixel is as it was in the room.
    fn is_shown(&self, x: u32, y: u32) -> bool {
        // A single sample may be equal by chance, eight are not.
        let at = (y * WIDTH + x) as usize;
        self.shown.planes().y[at..at + 8] == self.room.planes().y[at..at + 8]
    }
}

fn expected_before_a_sighting(mode: PrivacyMode) -> Hidden<'static> {
    match mode {
        PrivacyMode::Open => Hidden::Nothing,
        _ => Hidden::Whole,
    }
}

fn white_box(x: u32, y: u32, side: u32) -> impl FnOnce(&mut I420) {
    move |picture| {
        let spans = (y..y + side).map(|row| Span {
            row,
            start: x,
            end: x + side,
        });
        fill_spans(picture, spans, capture::canvas::Ink::WHITE);
    }
}

#[test]
fn open_without_masks_changes_nothing() {
    let mut rig = Rig::new(PrivacyMode::Open);
    assert_eq!(rig.show(), Hidden::Nothing);
    assert!(rig.shown == rig.room);
}

#[test]
fn masks_are_filled_in_every_mode() {
    let points = vec![[0.1, 0.1], [0.3, 0.1], [0.3, 0.4], [0.1, 0.4]];
    for mode in PrivacyMode::ALL {
        let name = "till".to_owned();
        let masks = vec![Mask {
            name,
            points: points.clone(),
        }];
        let mut rig = Rig::new(mode);
        let settings = PrivacySettings { mode, masks };
        rig.sightings.control.set(settings).expect("valid");
        for round in 0..3 {
            rig.show();
            let planes = rig.shown.planes();
            for (x, y) in [(64, 36), (191, 143), (120, 90)] {
                let half = y / 2 * WIDTH / 2 + x / 2;
                let sample = [
                    planes.y[(y * WIDTH + x) as usize],
                    planes.u[half as usize],
                    planes.v[half as usize],
                ];
                let ink = [MASK_INK.y, MASK_INK.u, MASK_INK.v];
                assert_eq!(sample, ink, "{mode}, picture {round}, {x} {y}");
            }
            rig.see(&[(SightedKind::Person, BBox::new(40.0, 20.0, 240.0, 200.0))]);
        }
    }
}

#[test]
fn without_a_near_sighting_the_whole_picture_is_blurred() {
    let mut rig = Rig::started(PrivacyMode::BlurPeople, &[]);
    let seen_at = rig.now;
    assert_eq!(rig.show(), Hidden::Nothing, "seen 33 ms ago");
    rig.now = seen_at + Duration::from_millis(250) - FRAME;
    assert_eq!(rig.show(), Hidden::Nothing, "seen 250 ms ago");
    rig.now = seen_at + Duration::from_millis(251) - FRAME;
    assert_eq!(rig.show(), Hidden::Whole, "seen 251 ms ago");
    assert!((0..HEIGHT).all(|y| (0..WIDTH - 8).step_by(8).all(|x| !rig.is_shown(x, y))));
    let stats = rig.sightings.control.stats();
    assert_eq!((stats.pictures, stats.blurred_whole), (4, 2));
}

#[test]
fn a_sighting_of_another_size_or_of_a_model_without_persons_is_none() {
    let mut rig = Rig::new(PrivacyMode::BlurPeople);
    rig.show();
    rig.publish(rig.now, &[], (false, true));
    assert_eq!(rig.show(), Hidden::Whole, "the model cannot find persons");
    rig.sightings.control.set_mode(PrivacyMode::BlurFaces);
    assert_eq!(rig.show(), Hidden::Nothing, "it can find faces");
    let mut small = I420::black(320, 180).expect("even");
    rig.filter.apply(&mut small, rig.now + FRAME);
    assert_eq!(rig.filter.hidden(), Hidden::Whole);
}

#[test]
fn a_sighting_of_a_frame_before_the_camera_was_turned_is_none() {
    let mut rig = Rig::new(PrivacyMode::BlurPeople);
    rig.show();
    rig.publish(rig.now, &[], (true, true));
    assert_eq!(rig.show(), Hidden::Nothing);
    let turned = Mounting::new(180, false).expect("half a turn");
    rig.filter.follow_mounting(turned);
    assert_eq!(rig.show(), Hidden::Whole);
    rig.publish(rig.now, &[], (true, true));
    assert_eq!(rig.show(), Hidden::Whole, "its frame was not turned");
    let late = rig.sightings.slot.latest().expect("published");
    rig.sightings.slot.publish(Sighting {
        captured_at: rig.now,
        mounting: turned,
        ..(*late).clone()
    });
    assert_eq!(rig.show(), Hidden::Nothing);
}

#[test]
fn a_sighting_of_a_frame_before_the_first_picture_is_none() {
    let mut rig = Rig::new(PrivacyMode::BlurPeople);
    rig.publish(rig.now, &[], (true, true));
    assert_eq!(
        rig.show(),
        Hidden::Whole,
        "what came in between is not known"
    );
}

#[test]
fn a_sighting_that_is_later_than_the_picture_is_no_reference_for_motion() {
    let mut rig = Rig::started(PrivacyMode::BlurPeople, &[]);
    rig.show();
    let later = rig.now + 2 * FRAME;
    rig.publish(later, &[(SightedKind::Person, PERSON)], (true, true));
    rig.show_with(white_box(40, 200, 60));
    assert!(
        !rig.is_shown(48, 210),
        "it may have left before the sighting"
    );
    assert!(
        !rig.is_shown(320, 200),
        "the person of the sighting is hidden"
    );
    assert!(rig.is_shown(500, 200));
}

#[test]
fn a_doubtful_person_explains_no_motion_while_faces_are_blurred() {
    for (score, is_explained) in [(0.12, false), (0.9, true)] {
        let mut rig = Rig::new(PrivacyMode::BlurFaces);
        rig.show();
        let mut sighting = Sighting {
            captured_at: rig.now,
            source_number: 0,
            frame_width: WIDTH,
            frame_height: HEIGHT,
            mounting: Default::default(),
            finds_persons: true,
            finds_faces: false,
            items: Vec::new(),
        };
        sighting.items.push(Sighted {
            kind: SightedKind::Person,
            score,
            bbox: PERSON,
        });
        rig.sightings.slot.publish(sighting);
        rig.show_with(white_box(300, 260, 40));
        let luma = rig.shown.planes().y[(280 * WIDTH + 320) as usize];
        assert_eq!(luma == 235, is_explained, "{score}");
    }
}

#[test]
fn persons_are_hidden_with_a_margin_and_nothing_else() {
    let mut rig = Rig::started(PrivacyMode::BlurPeople, &[(SightedKind::Person, PERSON)]);
    assert!(matches!(rig.show(), Hidden::Areas([_])));
    for (x, y) in [(274, 95), (280, 100), (350, 330), (358, 343)] {
        assert!(!rig.is_shown(x, y), "{x} {y}");
    }
    for (x, y) in [(100, 100), (500, 200), (300, 20), (230, 300)] {
        assert!(rig.is_shown(x, y), "{x} {y}");
    }
}

#[test]
fn a_lost_person_stays_hidden_for_a_second() {
    let mut rig = Rig::started(PrivacyMode::BlurPeople, &[(SightedKind::Person, PERSON)]);
    let seen_at = rig.now;
    while rig.now + FRAME <= seen_at + Duration::from_secs(1) {
        rig.show();
        assert!(!rig.is_shown(320, 200), "{:?}", rig.now - seen_at);
        rig.see(&[]);
    }
    rig.show();
    assert!(rig.is_shown(320, 200));
}

#[test]
fn what_moved_since_the_sighting_is_hidden_without_a_box() {
    for mode in [PrivacyMode::BlurPeople, PrivacyMode::BlurFaces] {
        let mut rig = Rig::started(mode, &[]);
        rig.show_with(white_box(40, 200, 60));
        assert!(!rig.is_shown(40, 200) && !rig.is_shown(92, 259), "{mode}");
        assert!(rig.is_shown(300, 100), "{mode}");
        let white = rig.shown.planes().y.iter().filter(|luma| **luma == 235);
        assert_eq!(white.count(), 0, "the box itself is not seen");
    }
}

#[test]
fn what_moved_is_shown_again_when_it_stands_still_and_is_no_person() {
    let mut rig = Rig::started(PrivacyMode::BlurPeople, &[]);
    for _ in 0..40 {
        rig.show_with(white_box(40, 200, 60));
        rig.see(&[]);
    }
    assert_eq!(rig.show_with(white_box(40, 200, 60)), Hidden::Nothing);
}

#[test]
fn motion_inside_of_a_person_is_explained() {
    let mut rig = Rig::started(PrivacyMode::BlurPeople, &[(SightedKind::Person, PERSON)]);
    assert!(matches!(
        rig.show_with(white_box(300, 150, 40)),
        Hidden::Areas([_])
    ));
}

#[test]
fn a_face_is_hidden_and_the_body_below_it_is_not() {
    let face = BBox::new(300.0, 110.0, 336.0, 156.0);
    let items = [(SightedKind::Person, PERSON), (SightedKind::Face, face)];
    let mut rig = Rig::started(PrivacyMode::BlurFaces, &items);
    rig.show();
    assert!(!rig.is_shown(300, 110) && !rig.is_shown(328, 155));
    assert!(rig.is_shown(310, 300) && rig.is_shown(310, 230));
}

#[test]
fn without_a_face_the_upper_third_of_a_person_is_hidden() {
    let mut rig = Rig::started(PrivacyMode::BlurFaces, &[(SightedKind::Person, PERSON)]);
    rig.show();
    assert!(!rig.is_shown(280, 100) && !rig.is_shown(350, 179));
    assert!(rig.is_shown(310, 300));
}

#[test]
fn silhouettes_show_no_pixel_of_the_camera() {
    let mut shown = Vec::new();
    for luma in [40, 200] {
        let mut rig = Rig::started(PrivacyMode::Silhouettes, &[(SightedKind::Person, PERSON)]);
        rig.show_with(|picture| picture.fill(luma, 90, 170));
        shown.push(rig.shown.clone());
        rig.now += Duration::from_secs(1);
        rig.show();
        let ground = silhouette::GROUND;
        assert!(rig.shown.planes().y.iter().all(|luma| *luma == ground.y));
    }
    assert!(
        shown[0] == shown[1],
        "the camera's picture has no influence"
    );
    let body = shown[0].planes().y[(250 * WIDTH + 320) as usize];
    assert!(body > silhouette::GROUND.y, "the person is drawn");
}

#[test]
fn a_change_of_mode_holds_from_the_next_picture_on() {
    let mut rig = Rig::new(PrivacyMode::Open);
    assert_eq!(rig.show(), Hidden::Nothing);
    rig.sightings.control.set_mode(PrivacyMode::BlurPeople);
    assert_eq!(rig.show(), Hidden::Whole);
    rig.see(&[]);
    assert_eq!(rig.show(), Hidden::Nothing);
    rig.sightings.control.set_mode(PrivacyMode::Open);
    rig.show();
    rig.sightings.control.set_mode(PrivacyMode::BlurPeople);
    assert_eq!(rig.show(), Hidden::Whole, "the old sighting counts no more");
}

#[test]
fn too_many_areas_are_the_whole_picture() {
    let crowd: Vec<_> = (0..100)
        .map(|at| {
            let (x, y) = ((at % 10) as f32 * 60.0, (at / 10) as f32 * 34.0);
            (SightedKind::Person, BBox::new(x, y, x + 30.0, y + 20.0))
        })
        .collect();
    let mut rig = Rig::started(PrivacyMode::BlurPeople, &crowd);
    assert_eq!(rig.show(), Hidden::Whole);
}

/// Prints the time of a picture at 720p.
#[test]
#[ignore = "a measurement"]
#[allow(clippy::print_stderr)]
fn time_of_a_picture() {
    let mut camera = I420::black(1280, 720).expect("even");
    for (at, sample) in camera.data_mut().iter_mut().enumerate() {
        *sample = 40 + (at * 7919 % 150) as u8;
    }
    let person = |x: f32| Sighted {
        kind: SightedKind::Person,
        score: 0.9,
        bbox: BBox::new(x, 150.0, x + 220.0, 700.0),
    };
    for mode in PrivacyMode::ALL {
        for people in [0, 3] {
            let sightings = Sightings::default();
            sightings.control.set_mode(mode);
            let mut filter = PrivacyFilter::new(sightings.clone());
            let (start, mut shown) = (Instant::now(), camera.clone());
            let mut times = Vec::new();
            for round in 0..200_u32 {
                let at = start + FRAME * round;
                shown.copy_from(&camera);
                let begun = Instant::now();
                filter.apply(&mut shown, at);
                times.push(begun.elapsed());
                sightings.slot.publish(Sighting {
                    captured_at: at,
                    source_number: 0,
                    frame_width: 1280,
                    frame_height: 720,
                    mounting: Default::default(),
                    finds_persons: true,
                    finds_faces: false,
                    items: [100.0, 500.0, 900.0].map(person)[..people].to_vec(),
                });
            }
            times.sort();
            let hidden = match filter.hidden() {
                Hidden::Areas(areas) => format!("{} areas", areas.len()),
                other => format!("{other:?}"),
            };
            let name = mode.name();
            eprintln!(
                "{name:<12} {people} people: median {:?}, 95th percentile {:?}; {hidden}",
                times[100], times[190]
            );
        }
    }
}

#[test]
fn a_sighting_of_the_former_source_explains_nothing() {
    let mut rig = Rig::started(PrivacyMode::BlurPeople, &[]);
    assert_eq!(rig.show(), Hidden::Nothing);
    rig.filter.follow_source(1);
    assert_eq!(rig.show(), Hidden::Whole);
    // A late one, of the former source.
    rig.see(&[]);
    assert_eq!(rig.show(), Hidden::Whole);
    rig.filter.follow_source(0);
    rig.show();
    rig.see(&[]);
    assert_eq!(rig.show(), Hidden::Nothing);
}
