//! Previews of all styles.

use std::time::Duration;

use super::*;
use crate::people::PictureArea;

fn photo() -> CheckedPicture {
    CheckedPicture::read(&source(640, 480), &Limits::PREVIEW).expect("a picture")
}

/// Time enough on any machine.
fn later() -> Instant {
    Instant::now() + Duration::from_secs(300)
}

fn with_face(face: PictureArea) -> Builtin {
    let people = People {
        faces: vec![face],
        persons: Vec::new(),
    };
    let found: FindPeople = Arc::new(move |_| people.clone());
    Builtin::new(Some(found), Arc::new(AtomicBool::new(true)))
}

const FACE: PictureArea = PictureArea {
    left: 0.6,
    top: 0.2,
    width: 0.1,
    height: 0.15,
};

#[test]
fn previews_are_in_the_order_of_the_styles_and_show_the_face() {
    let builtin = with_face(FACE);
    let previews = builtin
        .previews(&photo(), later(), &Arc::default())
        .expect("made");
    let ids: Vec<&str> = builtin.offered().iter().map(|style| style.id).collect();
    assert_eq!(previews.styles, ids);
    assert!(!ids.contains(&"mosaic"), "no gallery");
    let sheet = image::load_from_memory(&previews.sheet).expect("a JPEG");
    let height = Previews::HEIGHT_PX * ids.len() as u32;
    assert_eq!(
        (sheet.width(), sheet.height()),
        (Previews::WIDTH_PX, height)
    );
    assert!(
        previews.sheet.len() < 600_000,
        "{} bytes",
        previews.sheet.len()
    );
    let portrait = previews.portrait.expect("of one face");
    assert!(portrait.left > 0.3 && portrait.width < 0.5, "{portrait:?}");
}

#[test]
fn a_mosaic_is_offered_while_the_gallery_has_enough_pictures() {
    let offers_mosaic = |builtin: &Builtin| {
        let styles = builtin.styles();
        styles.iter().any(|style| style.id == mosaic::STYLE.id)
    };
    let is_open = Arc::new(AtomicBool::new(true));
    let builtin = Builtin::new(None, Arc::clone(&is_open));
    assert!(!offers_mosaic(&builtin), "the booth is not open yet");
    let gallery = MemoryGallery::of(gallery());
    builtin.use_gallery(Arc::clone(&gallery) as Arc<dyn SharedPictures>);
    assert!(offers_mosaic(&builtin));
    is_open.store(false, Ordering::SeqCst);
    assert!(!offers_mosaic(&builtin), "the owner closed the gallery");
    is_open.store(true, Ordering::SeqCst);
    gallery.pictures.lock().expect("sound").pop();
    assert!(!offers_mosaic(&builtin), "one was withdrawn");
    let order = order(mosaic::STYLE.id, source(320, 180));
    let made = builtin.stylise(&order, &RecordingContext::default());
    assert!(matches!(made, Err(StylistError::Failed(why)) if why.contains("too few")));
}

#[test]
fn abandoned_and_late_previews_end() {
    let builtin = with_face(FACE);
    let abandoned = Arc::new(AtomicBool::new(true));
    let made = builtin.previews(&photo(), later(), &abandoned);
    assert_eq!(made, Err(StylistError::Cancelled));
    let late = builtin.previews(&photo(), Instant::now(), &Arc::default());
    assert!(matches!(late, Err(StylistError::Failed(why)) if why.contains("in time")));
}
