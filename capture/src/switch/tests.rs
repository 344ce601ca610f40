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
    assert_eq!((newest.seq, newest.source_number), (2, second));
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

fn after(frames: u32, every: Duration) -> (FrameRate, Instant) {
    let begin = Instant::now();
    let mut rate = FrameRate::default();
    for frame in 0..frames {
        rate.frame(begin + every * frame);
    }
    (rate, begin + every * frames.saturating_sub(1))
}

#[test]
fn the_rate_is_measured_over_the_last_frames() {
    for (every_ms, fps) in [(33, 30.3), (100, 10.0), (2500, 0.4)] {
        let (rate, last) = after(70, Duration::from_millis(every_ms));
        let fps_now = rate.fps(last).expect("frames come");
        assert!((fps_now - fps).abs() < 0.05, "{fps_now} for {fps}");
    }
    let (mut changed, last) = after(70, Duration::from_millis(33));
    for frame in 1..=32 {
        changed.frame(last + Duration::from_millis(100) * frame);
    }
    let fps_now = changed
        .fps(last + Duration::from_millis(3200))
        .expect("frames come");
    assert!((fps_now - 10.0).abs() < 0.1, "{fps_now}");
}

#[test]
fn there_is_no_rate_of_one_frame_or_of_a_source_that_stopped() {
    let now = Instant::now();
    assert_eq!(FrameRate::default().fps(now), None);
    let (one, at) = after(1, Duration::from_millis(33));
    assert_eq!(one.fps(at), None);
    let (mut quick, last) = after(40, Duration::from_millis(33));
    assert!(quick.fps(last + Duration::from_secs(1)).is_some());
    assert_eq!(quick.fps(last + Duration::from_secs(2)), None);
    let (slow, last) = after(4, Duration::from_secs(3));
    assert!(
        slow.fps(last + Duration::from_secs(10)).is_some(),
        "three seconds apart"
    );
    assert_eq!(slow.fps(last + Duration::from_secs(13)), None);
    quick.reset();
    assert_eq!(quick.fps(last), None);
}
