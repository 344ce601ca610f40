//! What styles do with faces, on drawn ones.

use super::*;
use crate::builtin::bounds::Bounds;
use crate::builtin::close_up::CloseUp;
use crate::builtin::plane::{Grey, luma};
use crate::people::{People, PictureArea};

const WIDTH: usize = 480;
const HEIGHT: usize = 360;

const LIGHT_SKIN: [f32; 3] = [0.88, 0.70, 0.60];
const DARK_SKIN: [f32; 3] = [0.36, 0.24, 0.18];

/// Where the drawn face is.
const FACE: PictureArea = PictureArea {
    left: 0.3,
    top: 0.2,
    width: 0.32,
    height: 0.58,
};

/// The middle of an eye, and a place on a cheek, in pixels.
const EYE: [usize; 2] = [188, 156];
const CHEEK: [usize; 2] = [188, 206];

fn people() -> People {
    People {
        faces: vec![FACE],
        persons: Vec::new(),
    }
}

/// A face with eyes, brows and a mouth before a wall with a gradient.
fn portrait(skin: [f32; 3]) -> Colour {
    let eye = skin.map(|level| level * 0.25);
    Plane::of(WIDTH, HEIGHT, |x, y| {
        let within = |cx: f32, cy: f32, rx: f32, ry: f32| {
            ((x as f32 - cx) / rx).hypot((y as f32 - cy) / ry) < 1.0
        };
        let is_eye = within(188.0, 156.0, 13.0, 6.0) || within(254.0, 156.0, 13.0, 6.0);
        let is_brow = within(188.0, 138.0, 19.0, 3.5) || within(254.0, 138.0, 19.0, 3.5);
        if is_eye || is_brow {
            eye
        } else if within(221.0, 236.0, 26.0, 7.0) {
            [skin[0] * 0.75, skin[1] * 0.4, skin[2] * 0.4]
        } else if within(221.0, 176.0, 76.0, 104.0) {
            let shade = 1.0 - 0.12 * ((x as f32 - 200.0) / 76.0).abs();
            skin.map(|level| level * shade)
        } else {
            [
                0.25 + 0.2 * x as f32 / WIDTH as f32,
                0.45,
                0.5 + 0.2 * y as f32 / HEIGHT as f32,
            ]
        }
    })
}

fn styled(style: &BuiltinStyle, picture: &Colour, people: &People) -> Colour {
    let subject = Subject::new(picture.clone(), people).with_thumbnails(thumbnails());
    (style.make)(&subject, &Stages::default()).expect(style.id)
}

/// Mean brightness of a square of that many pixels on each side of the place.
fn brightness(picture: &Colour, [x, y]: [usize; 2], reach: usize) -> f32 {
    let square = picture.cropped(x - reach, y - reach, 2 * reach + 1, 2 * reach + 1);
    let sum: f32 = square.pixels.iter().map(|colour| luma(*colour)).sum();
    sum / square.pixels.len() as f32
}

fn eye_contrast(picture: &Colour) -> f32 {
    (brightness(picture, CHEEK, 10) - brightness(picture, EYE, 4)).abs()
}

/// Standard deviation of the brightness around a place.
fn roughness(picture: &Colour, place: [usize; 2], reach: usize) -> f32 {
    let mean = brightness(picture, place, reach);
    let [x, y] = place;
    let square = picture.cropped(x - reach, y - reach, 2 * reach + 1, 2 * reach + 1);
    let squares = square
        .pixels
        .iter()
        .map(|colour| (luma(*colour) - mean).powi(2));
    (squares.sum::<f32>() / square.pixels.len() as f32).sqrt()
}

fn style(id: &str) -> &'static BuiltinStyle {
    STYLES.iter().find(|style| style.id == id).expect(id)
}

#[test]
fn eyes_keep_their_contrast_on_light_and_dark_skin() {
    // Pop art shows the picture in four panels, and neon draws light lines on black.
    let elsewhere = ["pop-art", "neon"];
    for skin in [LIGHT_SKIN, DARK_SKIN] {
        let picture = portrait(skin);
        let before = eye_contrast(&picture);
        for style in STYLES.iter().filter(|style| !elsewhere.contains(&style.id)) {
            let after = eye_contrast(&styled(style, &picture, &people()));
            assert!(
                after > 0.55 * before,
                "{} {skin:?}: {before} {after}",
                style.id
            );
        }
    }
}

#[test]
fn a_face_keeps_more_of_its_eyes_than_without_a_detector() {
    for id in ["watercolour", "oil"] {
        let picture = portrait(DARK_SKIN);
        let with = eye_contrast(&styled(style(id), &picture, &people()));
        let without = eye_contrast(&styled(style(id), &picture, &People::default()));
        assert!(with > without, "{id}: {with} {without}");
    }
}

#[test]
fn comics_have_no_dots_and_pencils_no_scratches_on_faces() {
    // Half in shadow, which is where dots are.
    let picture = portrait([0.5, 0.36, 0.30]);
    for (id, most) in [("comic", 0.03), ("colour-pencil", 0.05), ("pencil", 0.06)] {
        let with = roughness(&styled(style(id), &picture, &people()), CHEEK, 9);
        let without = roughness(&styled(style(id), &picture, &People::default()), CHEEK, 9);
        assert!(with < most && with < without, "{id}: {with} {without}");
    }
}

#[test]
fn skin_stays_as_light_as_it_is() {
    for id in ["cartoon", "comic", "stained-glass"] {
        for skin in [LIGHT_SKIN, DARK_SKIN] {
            let picture = portrait(skin);
            let before = brightness(&picture, CHEEK, 10);
            let after = brightness(&styled(style(id), &picture, &people()), CHEEK, 10);
            assert!((after - before).abs() < 0.14, "{id}: {before} {after}");
        }
    }
}

#[test]
fn features_are_found_and_plain_skin_is_none() {
    for skin in [LIGHT_SKIN, DARK_SKIN] {
        let subject = Subject::new(portrait(skin), &people());
        let [face] = subject.faces[..] else {
            panic!("one face")
        };
        let all = Bounds {
            left: 0,
            top: 0,
            width: WIDTH,
            height: HEIGHT,
        };
        let close_up = CloseUp::of(&subject.picture, face, all, 1.0).expect("a close-up");
        let level = |plane: &Grey, [x, y]: [usize; 2]| plane.pixels[y * WIDTH + x][0];
        assert!(close_up.skin.is_some());
        assert!(level(&close_up.features, EYE) > 0.8);
        assert!(level(&close_up.features, [188, 138]) > 0.6, "a brow");
        assert!(level(&close_up.features, [221, 236]) > 0.5, "the mouth");
        assert!(level(&close_up.features, CHEEK) < 0.2);
        assert!(level(&close_up.plain, CHEEK) > 0.7);
        assert!(level(&close_up.cover, CHEEK) > 0.99);
        assert!(level(&close_up.cover, [20, 20]) < 0.01);
    }
}

#[test]
fn impossible_boxes_are_ignored() {
    let area = |left: f32, top: f32, width: f32, height: f32| PictureArea {
        left,
        top,
        width,
        height,
    };
    let people = People {
        faces: vec![
            area(f32::NAN, 0.1, 0.2, 0.2),
            area(0.1, 0.1, f32::NAN, 0.2),
            area(2.0, 2.0, 0.5, 0.5),
            area(0.5, 0.5, -0.2, 0.2),
            area(0.5, 0.5, 0.001, 0.001),
            area(f32::NEG_INFINITY, 0.0, f32::INFINITY, 1.0),
            area(-0.5, 0.6, 1.0, 3.0),
        ],
        persons: vec![area(0.9, 0.9, 7.0, 7.0)],
    };
    let subject = Subject::new(portrait(LIGHT_SKIN), &people);
    let [face] = subject.faces[..] else {
        panic!("{:?}", subject.faces)
    };
    assert_eq!((face.left, face.top), (0, 216));
    assert_eq!(face.width, 240);
    assert!(face.height.abs_diff(144) <= 1, "{face:?}");
    assert!(subject.persons[0].width.abs_diff(48) <= 1);
}

#[test]
fn faces_at_the_edge_and_in_crowds_are_painted_the_same_again() {
    let picture = Plane::of(96, 64, |x, y| [x as f32 / 96.0, y as f32 / 64.0, 0.4]);
    let faces: Vec<PictureArea> = (0..40)
        .map(|number| PictureArea {
            left: (number % 8) as f32 / 7.0 - 0.1,
            top: (number / 8) as f32 / 5.0 - 0.1,
            width: 0.25,
            height: 0.35,
        })
        .collect();
    let people = People {
        persons: faces.clone(),
        faces,
    };
    for style in STYLES {
        let made = styled(style, &picture, &people);
        let levels = made.pixels.as_flattened();
        assert!(levels.iter().all(|level| level.is_finite()), "{}", style.id);
        assert!(made == styled(style, &picture, &people), "{}", style.id);
    }
}
