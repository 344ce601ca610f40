#![allow(
    clippy::print_stdout,
    reason = "measurements are for whoever runs them"
)]

mod contact_sheet;
mod cost;
mod faces;
mod previews;
mod sizes;

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock};
use std::time::Instant;

use crate::builtin::plane::Plane;
use crate::builtin::thumbnails::Thumbnail;
use crate::builtin::thumbnails::tests::MemoryGallery;
use crate::builtin::*;
use crate::intake::limits::Limits;
use crate::intake::raster::Raster;
use crate::intake::tests::samples;
use crate::job::JobId;
use crate::people::{FocusPoint, PictureArea};
use crate::photo_kind::PhotoKind;

#[derive(Default)]
struct RecordingContext {
    told: Mutex<Vec<Progress>>,
    is_cancelled: AtomicBool,
    is_stopping: AtomicBool,
    focus: Mutex<Option<FocusPoint>>,
}

impl JobContext for RecordingContext {
    fn report(&self, progress: Progress) {
        self.told.lock().expect("not poisoned").push(progress);
    }

    fn preview(&self, _picture: Vec<u8>) {}

    fn set_focus(&self, focus: FocusPoint) {
        *self.focus.lock().expect("not poisoned") = Some(focus);
    }

    fn save_remote_order(&self, _order: &RemoteOrder) -> Result<(), StylistError> {
        Ok(())
    }

    fn is_cancelled(&self) -> bool {
        self.is_cancelled.load(Ordering::SeqCst)
    }

    fn is_stopping(&self) -> bool {
        self.is_stopping.load(Ordering::SeqCst)
    }
}

fn order(style: &str, source: Vec<u8>) -> Order {
    Order {
        job: JobId::random(),
        style: style.to_owned(),
        photo_kind: PhotoKind::Single,
        source,
        remote: None,
    }
}

/// With a gallery that has enough pictures for a mosaic, and without a detector.
fn builtin() -> Builtin {
    let builtin = Builtin::new(None, Arc::new(AtomicBool::new(true)));
    builtin.use_gallery(MemoryGallery::of(gallery()));
    builtin
}

fn gallery() -> Vec<Vec<u8>> {
    let tinted = |number: usize| {
        let mut scene = samples::scene(90, 120);
        for level in scene.rgb.iter_mut().skip(number % 3).step_by(3) {
            *level = (*level / 2).saturating_add(10 * number as u8);
        }
        samples::jpeg(&scene, 90)
    };
    (0..mosaic::PICTURES_MIN).map(tinted).collect()
}

/// The thumbnails of that gallery.
fn thumbnails() -> Vec<Arc<Thumbnail>> {
    static MADE: OnceLock<Vec<Arc<Thumbnail>>> = OnceLock::new();
    let made = MADE.get_or_init(|| {
        let of = |jpeg: &Vec<u8>| Arc::new(Thumbnail::of(jpeg).expect("a thumbnail"));
        gallery().iter().map(of).collect()
    });
    made.clone()
}

fn source(width: usize, height: usize) -> Vec<u8> {
    samples::jpeg(&samples::scene(width, height), 90)
}

#[test]
fn a_face_that_was_found_is_the_focus_of_a_single_picture() {
    let found: FindPeople = Arc::new(|_| People {
        faces: vec![PictureArea {
            left: 0.5,
            top: 0.25,
            width: 0.25,
            height: 0.25,
        }],
        persons: Vec::new(),
    });
    let builtin = Builtin::new(Some(found), Arc::new(AtomicBool::new(true)));
    let focus = |style: &str, photo_kind| {
        let context = RecordingContext::default();
        let order = Order {
            photo_kind,
            ..order(style, source(320, 240))
        };
        builtin.stylise(&order, &context).expect("made");
        context.focus.into_inner().expect("not poisoned")
    };
    let middle = Some(FocusPoint { x: 0.625, y: 0.375 });
    assert_eq!(focus("pencil", PhotoKind::Single), middle);
    assert_eq!(focus(PLAIN.id, PhotoKind::Single), middle);
    assert_eq!(
        focus("pencil", PhotoKind::Strip),
        None,
        "faces of four shots"
    );
    assert_eq!(focus(PLAIN.id, PhotoKind::Strip), None);
}

#[test]
fn each_style_makes_a_different_picture() {
    let source = source(320, 180);
    let mut seen: Vec<Vec<u8>> = Vec::new();
    for style in STYLES {
        let context = RecordingContext::default();
        let start = Instant::now();
        let made = builtin().stylise(&order(style.id, source.clone()), &context);
        println!("{}: {} ms", style.id, start.elapsed().as_millis());
        let made = made.expect("made");
        let kept = CheckedPicture::read(&made, &Limits::RESULT).expect("a picture");
        assert!(kept.width_px().abs_diff(1280) < 32, "{kept:?}");
        assert!(kept.height_px().abs_diff(720) < 32, "{kept:?}");
        assert!(!seen.contains(&made));
        seen.push(made);
        let told = context.told.lock().expect("not poisoned");
        assert!(told.iter().all(|progress| matches!(
            progress,
            Progress::Running { step, steps } if step <= steps && *steps == style.steps
        )));
    }
}

#[test]
fn styles_are_deterministic_for_small_flat_and_narrow_pictures() {
    let pictures = [
        Plane::of(64, 40, |x, y| [x as f32 / 64.0, y as f32 / 40.0, 0.4]),
        Plane::of(16, 256, |_, y| [y as f32 / 256.0; 3]),
        Plane::of(33, 21, |_, _| [1.0; 3]),
        Plane::of(40, 16, |_, _| [0.0; 3]),
    ];
    for picture in &pictures {
        let subject = Subject::without_people(auto_levels(picture)).with_thumbnails(thumbnails());
        for style in STYLES {
            let stages = Stages::default();
            let made = (style.make)(&subject, &stages).expect(style.id);
            assert_eq!(stages.done(), style.steps, "{}", style.id);
            let levels = made.pixels.as_flattened();
            assert!(levels.iter().all(|level| level.is_finite()), "{}", style.id);
            let again = (style.make)(&subject, &Stages::default()).expect(style.id);
            assert!(made == again, "{} is not the same again", style.id);
        }
    }
}

#[test]
fn cancelling_and_stopping_end_a_style() {
    let context = RecordingContext::default();
    context.is_cancelled.store(true, Ordering::SeqCst);
    let order = order("oil", source(320, 180));
    let error = || builtin().stylise(&order, &context).err();
    assert_eq!(error(), Some(StylistError::Cancelled));
    context.is_stopping.store(true, Ordering::SeqCst);
    assert_eq!(error(), Some(StylistError::Stopping));
    let told = context.told.lock().expect("not poisoned");
    assert!(
        told.iter().all(|progress| matches!(
            progress,
            Progress::Running { step, steps } if step < steps
        )),
        "ended early: {told:?}"
    );
}

#[test]
fn unknown_styles_and_broken_pictures_are_reported() {
    let context = RecordingContext::default();
    let unknown = builtin().stylise(&order("fresco", source(64, 64)), &context);
    assert!(matches!(unknown, Err(StylistError::Failed(words)) if words.contains("fresco")));
    let broken = builtin().stylise(&order("oil", b"no picture".to_vec()), &context);
    assert!(
        matches!(broken, Err(StylistError::Failed(words)) if words.contains("another picture"))
    );
}

#[test]
fn each_style_has_an_example_for_its_card() {
    for style in STYLES {
        let path = format!("{}/{}.jpg", examples(), style.id);
        let bytes = fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
        assert!(bytes.len() <= 25_000, "{path}: {} bytes", bytes.len());
        let limits = Limits::UPLOAD;
        let picture = CheckedPicture::read(&bytes, &limits).expect("a picture");
        let sides = [picture.width_px(), picture.height_px()];
        // Rows of letters do not fill all of a picture.
        assert!(sides.iter().all(|side| side.abs_diff(320) < 4), "{path}");
    }
}

/// A drawn mug, fruit and plant, so that nobody's photograph is needed.
const STILL_LIFE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/still-life.jpg");

/// Where the example pictures of the style cards are stored.
fn examples() -> &'static str {
    concat!(env!("CARGO_MANIFEST_DIR"), "/../web/pages/booth/examples")
}

/// Regenerates the example pictures after a style was added or changed:
/// `cargo test -p stylise --lib builtin::tests::writes -- --ignored`.
#[test]
#[ignore = "changes files of the repository"]
fn writes_the_examples() {
    let still = fs::read(STILL_LIFE).expect("the fixture");
    fs::create_dir_all(examples()).expect("a folder");
    // A mosaic of the other styles' examples.
    let others = fs::read_dir(examples()).expect("examples");
    let others = others.map(|file| fs::read(file.expect("a file").path()).expect("readable"));
    let builtin = Builtin::new(None, Arc::new(AtomicBool::new(true)));
    builtin.use_gallery(MemoryGallery::of(others));
    for style in STYLES {
        let order = order(style.id, still.clone());
        let made = builtin.stylise(&order, &RecordingContext::default());
        let picture = sheet_of(&made.expect("made"), 320);
        // The best quality within 25 kB.
        let file = (30..=90)
            .rev()
            .map(|quality| samples::jpeg(&picture, quality))
            .find(|file| file.len() <= 25_000);
        let path = format!("{}/{}.jpg", examples(), style.id);
        fs::write(path, file.expect("small enough")).expect("written");
    }
}

fn sheet_of(jpeg: &[u8], side: usize) -> Raster {
    let image = image::load_from_memory(jpeg).expect("a JPEG").into_rgb8();
    let raster = Raster {
        width_px: image.width() as usize,
        height_px: image.height() as usize,
        rgb: image.into_raw(),
    };
    raster.within(side as u32).expect("smaller")
}
