//! `auto` and the scene.

use capture::Signal;

use crate::watching::Watched;

#[test]
fn auto_shows_the_scene_with_a_note_where_there_is_no_camera() {
    if capture::devices().is_ok_and(|devices| !devices.is_empty()) {
        return;
    }
    let mut watched = Watched::start("auto");
    let note = watched.signal_that(|signal| match signal {
        Signal::Lost { reason, .. } => panic!("nothing is lost: {reason}"),
        Signal::Live { note, .. } => Some(note.clone()),
        Signal::Opening { .. } | Signal::Closed { .. } => None,
    });
    assert_eq!(
        note.as_deref(),
        Some("No camera found. Showing the test scene.")
    );
    let frame = watched.frame();
    assert_eq!((frame.pixels.width(), frame.pixels.height()), (1280, 720));
    watched.stop();
}

#[test]
fn a_camera_that_is_not_there_is_waited_for_by_name() {
    let mut watched = Watched::start("webcam:no-such-camera");
    let words = watched.lost();
    assert_eq!(
        words,
        "Camera \"no-such-camera\" is not plugged in. Waiting for it."
    );
    watched.stop();
}
