//! The source is replaced while the capture runs.

use std::fs;
use std::path::{Path, PathBuf};

use capture::{Signal, SourceSpec};

use crate::watching::{Watched, folder};

/// A video of small pictures of one brightness.
fn clip(name: &str, luma: u8, width: usize) -> PathBuf {
    let path = folder(name).join("clip.y4m");
    let mut bytes = format!("YUV4MPEG2 W{width} H4 F25:1 C420mpeg2\n").into_bytes();
    for _ in 0..50 {
        bytes.extend(b"FRAME\n");
        bytes.extend(vec![luma; width * 4]);
        bytes.extend(vec![128; width * 2]);
    }
    fs::write(&path, bytes).expect("writable");
    path
}

fn replace(watched: &Watched, source: &str) {
    let source: SourceSpec = source.parse().expect("a source");
    watched.control().select_source(source.into());
}

fn y4m(path: &Path) -> String {
    format!("y4m:{}", path.display())
}

fn opening(signal: &Signal) -> Option<String> {
    match signal {
        Signal::Opening { source } => Some(source.clone()),
        _ => None,
    }
}

#[test]
fn pictures_of_the_former_source_end_at_once_and_the_numbers_go_on() {
    let mut watched = Watched::start("scene");
    watched.live();
    let before = watched.frame();
    replace(&watched, &y4m(&clip("replaced", 99, 8)));
    assert!(
        watched
            .newest
            .latest()
            .is_none_or(|frame| frame.pixels.width() == 8),
        "a picture of the scene is in the slot"
    );
    assert_eq!(watched.signal_that(opening), "pipe clip.y4m");
    for _ in 0..3 {
        let frame = watched.frame();
        assert_eq!((frame.pixels.width(), frame.pixels.planes().y[0]), (8, 99));
        assert!(frame.seq > before.seq && frame.source_number > before.source_number);
    }
    assert_eq!(watched.metrics.reopenings.get(), 0);
    watched.stop();
}

#[test]
fn a_source_that_does_not_open_shows_why_and_another_can_be_chosen() {
    let mut watched = Watched::start("scene");
    watched.live();
    replace(&watched, "/nowhere/gone.mp4");
    let why = watched.lost();
    assert!(why.contains("gone.mp4"), "{why}");
    replace(&watched, "scene");
    assert_eq!(watched.signal_that(opening), "test scene");
    watched.live();
    assert_eq!(watched.frame().pixels.width(), 1280);
    watched.stop();
}

#[test]
fn the_last_of_several_changes_wins() {
    let mut watched = Watched::start("scene");
    watched.live();
    let (first, last) = (clip("first", 50, 8), clip("last", 60, 12));
    for _ in 0..5 {
        replace(&watched, &y4m(&first));
        replace(&watched, &y4m(&last));
    }
    loop {
        match watched.frame().pixels.width() {
            12 => break,
            8 => panic!("a picture of a source that was replaced before"),
            _ => {}
        }
    }
    watched.stop();
}

#[test]
fn a_source_chosen_under_a_closed_shutter_is_opened_with_it() {
    let mut watched = Watched::start("scene");
    watched.live();
    watched.close_shutter();
    replace(&watched, &y4m(&clip("shuttered", 70, 8)));
    assert!(matches!(
        watched.signal.latest().as_deref(),
        Some(Signal::Closed { .. })
    ));
    assert!(watched.newest.latest().is_none());
    watched.open_shutter();
    assert_eq!(watched.signal_that(opening), "pipe clip.y4m");
    assert_eq!(watched.frame().pixels.width(), 8);
    watched.stop();
}

#[test]
fn after_a_panic_of_the_supervisor_the_replaced_source_is_opened_again() {
    let mut watched = Watched::start("scene");
    watched.live();
    replace(&watched, &y4m(&clip("panicked", 80, 8)));
    watched.live();
    watched
        .threads
        .inject("capture", capture::InjectedFault::Panic);
    assert_eq!(watched.live(), (8, 4, 25.0));
    assert_eq!(watched.threads.restarts("capture"), 1);
    watched.stop();
}

#[test]
fn a_suspension_and_another_limit_leave_the_scene_alone() {
    let mut watched = Watched::start("scene");
    watched.live();
    let before = watched.frame();
    watched.control().reopen_after_suspension();
    watched.control().follow_limit();
    for _ in 0..10 {
        assert_eq!(watched.frame().source_number, before.source_number);
    }
    assert!(matches!(
        watched.signal.latest().as_deref(),
        Some(Signal::Live { .. })
    ));
    watched.stop();
}
