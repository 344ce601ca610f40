//! Cameras with names: one selected, others on standby or closed.

use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use capture::{
    CameraState, CameraStatus, NamedCamera, SelectedSource, Signal, SourceLabel, Wanted,
};

use crate::mjpeg::{Camera, HEAD, jpeg, try_send};
use crate::timing::{HANG_TIMEOUT, expect_within};
use crate::watching::Watched;

/// A camera that sends pictures of one brightness for as long as it is asked.
struct Sending {
    source: String,
    /// How often it was opened, how many pictures it has sent.
    opened: Arc<AtomicU32>,
    sent: Arc<AtomicU64>,
    viewer: Arc<Mutex<Option<TcpStream>>>,
}

impl Sending {
    fn start(luma: u8, every: Duration) -> Self {
        let camera = Camera::start();
        let sending = Self {
            source: camera.source.clone(),
            opened: Arc::default(),
            sent: Arc::default(),
            viewer: Arc::default(),
        };
        let (opened, sent) = (Arc::clone(&sending.opened), Arc::clone(&sending.sent));
        let current = Arc::clone(&sending.viewer);
        std::thread::spawn(move || {
            let picture = jpeg(luma);
            loop {
                let mut viewer = camera.accept(HEAD);
                opened.fetch_add(1, Ordering::Relaxed);
                *current.lock().expect("sound") = viewer.try_clone().ok();
                while try_send(&mut viewer, &picture).is_ok() {
                    sent.fetch_add(1, Ordering::Relaxed);
                    std::thread::sleep(every);
                }
                *current.lock().expect("sound") = None;
            }
        });
        sending
    }

    fn camera(&self, name: &str, is_standby: bool) -> NamedCamera {
        NamedCamera {
            name: name.to_owned(),
            source: self.source.parse().expect("a source"),
            wanted: Wanted::default(),
            settings: Arc::default(),
            is_standby,
        }
    }

    fn opened(&self) -> u32 {
        self.opened.load(Ordering::Relaxed)
    }

    fn is_open(&self) -> bool {
        self.viewer.lock().expect("sound").is_some()
    }

    /// Ends the connection, as a camera that loses its power.
    fn disconnect(&self) {
        if let Some(viewer) = &*self.viewer.lock().expect("sound") {
            let _ = viewer.shutdown(Shutdown::Both);
        }
    }
}

const FAST: Duration = Duration::from_millis(20);

fn watch(front: &Sending, back: &Sending, is_standby: bool) -> Watched {
    let cameras = vec![
        front.camera("front", false),
        back.camera("back", is_standby),
    ];
    Watched::start_with(SelectedSource::Camera("front".to_owned()), cameras, false)
}

fn select_source(watched: &Watched, name: &str) {
    watched
        .control()
        .select_source(SelectedSource::Camera(name.to_owned()));
}

fn status(watched: &Watched, name: &str) -> CameraStatus {
    let cameras = watched.switch.cameras();
    let found = cameras.into_iter().find(|camera| &*camera.name == name);
    found.expect("listed")
}

fn until(what: &str, reached: impl Fn() -> bool) {
    let limit = Instant::now() + HANG_TIMEOUT;
    while !reached() {
        assert!(Instant::now() < limit, "{what}: not yet");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn wait_for(watched: &Watched, name: &str, state: CameraState) {
    until(&format!("{name} is {state:?}"), || {
        status(watched, name).state == state
    });
}

/// Brightness, and the camera's name.
fn seen(watched: &mut Watched) -> (u8, String) {
    let frame = watched.frame();
    let camera = frame.camera.as_deref().unwrap_or_default().to_owned();
    (frame.pixels.planes().y[0], camera)
}

#[test]
fn a_standby_camera_is_seen_with_its_next_picture_and_is_not_opened_again() {
    let (front, back) = (Sending::start(60, FAST), Sending::start(180, FAST));
    let mut watched = watch(&front, &back, true);
    wait_for(&watched, "front", CameraState::Live);
    wait_for(&watched, "back", CameraState::Standby);
    let before = watched.frame();
    assert_eq!(before.camera.as_deref(), Some("front"));

    for (name, luma) in [("back", 180_u8), ("front", 60), ("back", 180)] {
        let last = watched
            .newest
            .latest()
            .map_or(0, |frame| frame.source_number);
        let switched_at = Instant::now();
        select_source(&watched, name);
        let of_former = |number| number <= last;
        assert!(
            watched
                .newest
                .latest()
                .is_none_or(|frame| !of_former(frame.source_number)),
            "a picture of the former camera is in the slot"
        );
        let first = watched.frame();
        assert!(!of_former(first.source_number) && first.seq > before.seq);
        assert!(first.pixels.planes().y[100].abs_diff(luma) <= 1);
        let took = first.captured_at.saturating_duration_since(switched_at);
        expect_within("to the first picture", took, Duration::from_millis(300));
        for _ in 0..3 {
            assert_eq!(seen(&mut watched).1, name);
        }
        // The front camera is not on standby: it is released.
        if name == "front" {
            continue;
        }
        until("front is released", || !front.is_open());
        assert_eq!(status(&watched, "front").state, CameraState::Closed);
    }
    assert_eq!(back.opened(), 1);
    assert_eq!(front.opened(), 2, "opened for its second turn");
    assert_eq!(watched.metrics.reopenings.get(), 0);
    watched.stop();
}

#[test]
fn pictures_of_a_standby_camera_are_not_decoded() {
    let (front, back) = (
        Sending::start(60, Duration::from_millis(500)),
        Sending::start(180, FAST),
    );
    let watched = watch(&front, &back, true);
    wait_for(&watched, "back", CameraState::Standby);
    let decoded = || {
        let label = SourceLabel { source: "mjpeg" };
        let seconds = watched
            .metrics
            .convert_seconds
            .get_or_create(&label)
            .clone();
        let mut registry = prometheus_client::registry::Registry::default();
        registry.register("x", "x", seconds);
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).expect("to a string");
        let line = text.lines().find(|line| line.starts_with("x_count"));
        let count = line.and_then(|line| line.rsplit(' ').next()?.parse().ok());
        count.unwrap_or(0_u64)
    };
    let sent = || front.sent.load(Ordering::Relaxed) + back.sent.load(Ordering::Relaxed);
    let (before, sent_before) = (decoded(), sent());
    until("a hundred pictures", || sent() > sent_before + 100);
    let (count, of) = (decoded() - before, sent() - sent_before);
    assert!(count < of / 3, "{count} of {of} pictures were decoded");
    watched.stop();
}

#[test]
fn a_slow_standby_camera_shows_the_picture_that_it_has() {
    let slow = Duration::from_secs(2);
    let (front, back) = (Sending::start(60, FAST), Sending::start(180, slow));
    let mut watched = watch(&front, &back, true);
    wait_for(&watched, "front", CameraState::Live);
    wait_for(&watched, "back", CameraState::Standby);
    // On a machine so slow that the picture is out of date, the next one is the first.
    let is_kept = (0..10).any(|_| {
        let switched_at = Instant::now();
        select_source(&watched, "back");
        let first = watched.frame();
        assert_eq!(first.camera.as_deref(), Some("back"));
        select_source(&watched, "front");
        first.captured_at < switched_at
    });
    assert!(is_kept, "each time the next picture was waited for");
    watched.stop();
}

#[test]
fn a_closed_shutter_releases_every_camera() {
    let (front, back) = (Sending::start(60, FAST), Sending::start(180, FAST));
    let mut watched = watch(&front, &back, true);
    wait_for(&watched, "front", CameraState::Live);
    wait_for(&watched, "back", CameraState::Standby);
    watched.close_shutter();
    until("released", || !front.is_open() && !back.is_open());
    for name in ["front", "back"] {
        wait_for(&watched, name, CameraState::Closed);
    }
    select_source(&watched, "back");
    assert!(watched.newest.latest().is_none());
    assert!(matches!(
        watched.signal.latest().as_deref(),
        Some(Signal::Closed { .. })
    ));
    assert!(!back.is_open(), "it is opened with the shutter");
    watched.open_shutter();
    let (luma, name) = seen(&mut watched);
    assert!(luma.abs_diff(180) <= 1 && name == "back", "{luma} {name}");
    assert_eq!((front.opened(), back.opened()), (1, 2));
    watched.stop();
}

#[test]
fn a_standby_camera_that_fails_disturbs_nobody_and_is_opened_again() {
    let (front, back) = (Sending::start(60, FAST), Sending::start(180, FAST));
    let mut watched = watch(&front, &back, true);
    wait_for(&watched, "front", CameraState::Live);
    wait_for(&watched, "back", CameraState::Standby);
    let source_number = watched.frame().source_number;
    back.disconnect();
    until("opened again", || back.opened() > 1);
    wait_for(&watched, "back", CameraState::Standby);
    assert_eq!(watched.frame().source_number, source_number);
    assert!(matches!(
        watched.signal.latest().as_deref(),
        Some(Signal::Live { .. })
    ));
    watched.stop();
}

#[test]
fn a_camera_that_failed_says_why_when_it_is_selected() {
    let (front, back) = (Sending::start(60, FAST), Sending::start(180, FAST));
    let mut gone = back.camera("back", true);
    gone.source = "/nowhere/gone.mp4".parse().expect("a source");
    let cameras = vec![front.camera("front", true), gone];
    let mut watched =
        Watched::start_with(SelectedSource::Camera("front".to_owned()), cameras, false);
    wait_for(&watched, "front", CameraState::Live);
    wait_for(&watched, "back", CameraState::Failed);
    let failed = status(&watched, "back");
    assert_eq!((failed.failures, failed.is_selected), (1, false));
    assert!(
        failed
            .reason
            .is_some_and(|reason| reason.contains("gone.mp4"))
    );
    select_source(&watched, "back");
    assert!(watched.lost().contains("gone.mp4"));
    assert!(
        watched.newest.latest().is_none(),
        "a picture of the front camera"
    );
    wait_for(&watched, "front", CameraState::Standby);
    select_source(&watched, "front");
    watched.live();
    assert_eq!(seen(&mut watched).1, "front");
    watched.stop();
}

#[test]
fn while_a_source_without_a_name_is_selected_no_camera_is_open() {
    let (front, back) = (Sending::start(60, FAST), Sending::start(180, FAST));
    let mut watched = watch(&front, &back, true);
    wait_for(&watched, "front", CameraState::Live);
    wait_for(&watched, "back", CameraState::Standby);
    let scene = capture::SourceSpec::Scene;
    watched.control().select_source(scene.into());
    until("released", || !front.is_open() && !back.is_open());
    let frame = watched.frame();
    assert_eq!(
        (frame.pixels.width(), frame.camera.as_deref()),
        (1280, None)
    );
    select_source(&watched, "front");
    assert_eq!(seen(&mut watched).1, "front");
    wait_for(&watched, "back", CameraState::Standby);
    watched.stop();
}

#[test]
fn a_guest_hides_every_camera() {
    let (front, back) = (Sending::start(60, FAST), Sending::start(180, FAST));
    let mut watched = watch(&front, &back, true);
    wait_for(&watched, "front", CameraState::Live);
    wait_for(&watched, "back", CameraState::Standby);
    let mut guest = watched.switch.guest("phone");
    let pool = capture::PicturePool::new(2);
    assert!(guest.publish(pool.take(8, 8).expect("even"), Instant::now()));
    select_source(&watched, "back");
    let newest = watched.newest.latest().expect("the guest's");
    assert_eq!((newest.pixels.width(), newest.camera.as_deref()), (8, None));
    drop(guest);
    let deadline = Instant::now() + HANG_TIMEOUT;
    while seen(&mut watched).1 != "back" {
        assert!(Instant::now() < deadline);
    }
    assert_eq!(back.opened(), 1);
    watched.stop();
}
