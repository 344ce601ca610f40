use std::time::Duration;

use super::*;
use crate::picture::PicturePool;

struct Fixture {
    switch: Arc<SourceSwitch>,
    frames: Arc<Slot<Frame>>,
    signal: Arc<Slot<Signal>>,
    pool: PicturePool,
}

fn fixture() -> Fixture {
    let (frames, signal) = (Slot::new(), Slot::new());
    Fixture {
        switch: SourceSwitch::new(Arc::clone(&frames), Arc::clone(&signal)),
        frames,
        signal,
        pool: PicturePool::new(2),
    }
}

impl Fixture {
    fn source_frame(&self) {
        let pixels = self.pool.take(4, 2).expect("even");
        self.switch
            .publish_source(0, |seq| Frame::new(pixels, seq, Instant::now()));
    }

    fn publish(&self, guest: &mut Guest, width: u32) -> bool {
        guest.publish(self.pool.take(width, 2).expect("even"), Instant::now())
    }

    /// Number and width of the newest frame.
    fn newest(&self) -> (u64, u32) {
        let frame = self.frames.latest().expect("published");
        (frame.seq, frame.pixels.width())
    }

    fn signal(&self) -> Signal {
        (*self.signal.latest().expect("published")).clone()
    }
}

fn opening(source: &str) -> Signal {
    let source = source.to_owned();
    Signal::Opening { source }
}

fn live(source: &str, width: u32) -> Signal {
    Signal::Live {
        source: source.to_owned(),
        note: None,
        width,
        height: 2,
        fps: 0.0,
    }
}

#[test]
fn a_guest_takes_over_with_its_first_picture_until_it_leaves() {
    let fixture = fixture();
    fixture.switch.publish_source_signal(0, opening("camera"));
    fixture.source_frame();
    let mut guest = fixture.switch.guest("phone");
    fixture.source_frame();
    assert_eq!(fixture.newest(), (2, 4), "admitted, but no picture yet");
    assert!(fixture.publish(&mut guest, 8) && fixture.switch.guest_is_live());
    fixture.source_frame();
    assert_eq!(fixture.newest(), (3, 8));
    assert_eq!(fixture.signal(), live("phone", 8));
    assert!(fixture.publish(&mut guest, 6), "turned");
    assert_eq!(fixture.signal(), live("phone", 6));
    fixture
        .switch
        .publish_source_signal(0, opening("another camera"));
    assert_eq!(fixture.signal(), live("phone", 6));
    drop(guest);
    assert_eq!(fixture.signal(), opening("another camera"));
    fixture.source_frame();
    assert_eq!(fixture.newest(), (5, 4));
}

#[test]
fn a_former_source_publishes_nothing_any_more() {
    let fixture = fixture();
    let switch = &fixture.switch;
    switch.publish_source_signal(0, opening("camera"));
    fixture.source_frame();
    let second = switch.begin_source("file".to_owned());
    assert!(fixture.frames.latest().is_none(), "invalidated");
    assert_eq!(fixture.signal(), opening("file"));
    fixture.source_frame();
    switch.publish_source_signal(0, live("camera", 4));
    assert!(fixture.frames.latest().is_none());
    assert_eq!(fixture.signal(), opening("file"));
    let frame = |seq| Frame::new(fixture.pool.take(6, 2).expect("even"), seq, Instant::now());
    switch.publish_source(second, frame);
    let newest = fixture.frames.latest().expect("published");
    assert_eq!((newest.seq, newest.pixels.width()), (2, 6));
    assert!(newest.source_number > 0, "not the former number");
}

#[test]
fn a_source_that_is_replaced_under_a_guest_or_a_closed_shutter_shows_later() {
    let fixture = fixture();
    let mut guest = fixture.switch.guest("phone");
    fixture.publish(&mut guest, 8);
    fixture.switch.begin_source("file".to_owned());
    assert_eq!(
        (fixture.newest(), fixture.signal()),
        ((1, 8), live("phone", 8))
    );
    drop(guest);
    assert_eq!(fixture.signal(), opening("file"));
    fixture.switch.close_shutter(None, Instant::now());
    fixture.switch.begin_source("scene".to_owned());
    assert!(matches!(fixture.signal(), Signal::Closed { .. }));
    fixture.switch.open_shutter();
    assert_eq!(fixture.signal(), opening("scene"));
}

#[test]
fn the_frame_rate_is_that_of_the_published_frames() {
    let fixture = fixture();
    let begin = Instant::now();
    let at = |ms: u64| begin + std::time::Duration::from_millis(ms);
    let pixels = || fixture.pool.take(4, 2).expect("even");
    for ms in [0, 100, 200] {
        fixture
            .switch
            .publish_source(0, |seq| Frame::new(pixels(), seq, at(ms)));
    }
    let fps = |now| fixture.switch.frame_rate(now).map(f32::round);
    assert_eq!(fps(at(200)), Some(10.0));
    let mut guest = fixture.switch.guest("phone");
    assert!(guest.publish(pixels(), at(240)) && fixture.switch.guest_is_live());
    assert_eq!(fps(at(240)), None, "too few to tell");
    for ms in [260, 280, 300] {
        guest.publish(pixels(), at(ms));
    }
    assert_eq!(fps(at(300)), Some(50.0));
    drop(guest);
    assert_eq!(fps(at(320)), None);
    assert!(!fixture.switch.guest_is_live());
}

#[test]
fn a_pause_lasts_until_the_next_picture_of_the_guest() {
    let fixture = fixture();
    fixture.switch.publish_source_signal(0, opening("camera"));
    let mut guest = fixture.switch.guest("phone");
    fixture.publish(&mut guest, 8);
    guest.pause();
    assert_eq!(fixture.signal(), opening("camera"));
    fixture.source_frame();
    assert_eq!(fixture.newest(), (2, 4));
    fixture.publish(&mut guest, 8);
    assert_eq!(fixture.newest(), (3, 8));
    assert_eq!(fixture.signal(), live("phone", 8));
}

#[test]
fn only_the_newest_guest_publishes() {
    let fixture = fixture();
    let mut old = fixture.switch.guest("old");
    fixture.publish(&mut old, 8);
    let mut new = fixture.switch.guest("new");
    assert!(!fixture.publish(&mut old, 8));
    assert!(fixture.publish(&mut new, 6));
    drop(old);
    assert_eq!(fixture.newest(), (2, 6));
    assert_eq!(fixture.signal(), live("new", 6));
    fixture.switch.close();
    assert!(!fixture.publish(&mut new, 6));
}

fn lost(source: &str) -> Signal {
    Signal::Lost {
        source: source.to_owned(),
        reason: "unplugged".to_owned(),
        since: Instant::now(),
    }
}

impl Fixture {
    fn frame_of(&self, input: InputNumber, width: u32, captured_at: Instant) {
        let pixels = self.pool.take(width, 2).expect("even");
        self.switch
            .publish_source(input, |seq| Frame::new(pixels, seq, captured_at));
    }

    fn states(&self) -> Vec<(String, bool, CameraState, u64)> {
        let cameras = self.switch.cameras().into_iter();
        cameras
            .map(|one| {
                (
                    one.name.to_string(),
                    one.is_selected,
                    one.state,
                    one.failures,
                )
            })
            .collect()
    }
}

#[test]
fn a_camera_that_is_open_is_selected_with_its_signal_and_its_kept_frame() {
    let fixture = fixture();
    let switch = &fixture.switch;
    let front = switch.add_camera("front", "camera front".to_owned());
    let back = switch.add_camera("back", "camera back".to_owned());
    switch.select_camera(front);
    assert_eq!(fixture.signal(), opening("camera front"));
    let now = Instant::now();
    switch.publish_source_signal(front, live("front", 4));
    switch.publish_source_signal(back, live("back", 6));
    fixture.frame_of(front, 4, now);
    fixture.frame_of(back, 6, now);
    assert_eq!(
        (fixture.newest(), fixture.signal()),
        ((1, 4), live("front", 4))
    );
    assert!(switch.is_selected(front) && !switch.is_selected(back));
    let first = fixture.frames.latest().expect("published").source_number;

    switch.select_camera(back);
    assert_eq!(
        (fixture.newest(), fixture.signal()),
        ((2, 6), live("back", 6))
    );
    let kept = fixture.frames.latest().expect("published");
    assert_eq!(kept.camera.as_deref(), Some("back"));
    assert!(kept.source_number > first);
    fixture.frame_of(front, 4, now);
    assert_eq!(fixture.newest(), (2, 6), "only kept");
    let second = kept.source_number;
    switch.select_camera(front);
    let again = fixture.frames.latest().expect("published");
    assert!(again.source_number > second, "never used twice");

    let old = now
        .checked_sub(Duration::from_secs(60))
        .expect("not at boot");
    fixture.frame_of(back, 6, old);
    switch.select_camera(back);
    assert!(
        fixture.frames.latest().is_none(),
        "too old to be the present"
    );
}

#[test]
fn the_list_says_what_each_camera_does() {
    let fixture = fixture();
    let switch = &fixture.switch;
    let front = switch.add_camera("front", "camera front".to_owned());
    let back = switch.add_camera("back", "camera back".to_owned());
    let row =
        |name: &str, is_selected, state, failures| (name.to_owned(), is_selected, state, failures);
    let closed = CameraState::Closed;
    assert_eq!(
        fixture.states(),
        [
            row("front", false, closed, 0),
            row("back", false, closed, 0)
        ]
    );
    switch.select_camera(front);
    switch.publish_source_signal(front, live("front", 4));
    switch.publish_source_signal(back, opening("camera back"));
    assert_eq!(
        fixture.states(),
        [
            row("front", true, CameraState::Live, 0),
            row("back", false, CameraState::Opening, 0)
        ]
    );
    fixture.frame_of(back, 6, Instant::now());
    for _ in 0..2 {
        switch.publish_source_signal(back, lost("camera back"));
    }
    assert_eq!(
        fixture.signal(),
        live("front", 4),
        "the other is undisturbed"
    );
    let failed = &switch.cameras()[1];
    assert_eq!((failed.state, failed.failures), (CameraState::Failed, 1));
    assert_eq!(failed.reason.as_deref(), Some("unplugged"));
    switch.select_camera(back);
    assert!(matches!(fixture.signal(), Signal::Lost { .. }));
    assert!(fixture.frames.latest().is_none(), "taken before it failed");
    switch.release(front);
    assert_eq!(fixture.states()[0], row("front", false, closed, 0));
}

#[test]
fn under_a_closed_shutter_no_frame_is_kept() {
    let fixture = fixture();
    let switch = &fixture.switch;
    let back = switch.add_camera("back", "camera back".to_owned());
    fixture.frame_of(back, 6, Instant::now());
    switch.close_shutter(None, Instant::now());
    fixture.frame_of(back, 6, Instant::now());
    switch.select_camera(back);
    switch.open_shutter();
    assert!(fixture.frames.latest().is_none());
    assert_eq!(fixture.signal(), opening("camera back"));
}
