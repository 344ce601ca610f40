//! Selects whose pictures are published: those of the configured source, or those of a guest that
//! sends its own (a phone that publishes by WHIP).
//!
//! A guest takes over with its first picture. When it pauses or leaves, the configured source takes
//! over again with its next picture. The source stays open meanwhile, because opening a camera takes
//! seconds, but its pictures are not decoded (`SourceOutput::skip_if_hidden`).

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::frame::{Frame, Signal};
use crate::lock::lock;
use crate::picture::PooledPicture;
use crate::slot::Slot;

/// Numbers all frames and publishes them, and the signals, in their slots.
#[derive(Debug)]
pub struct SourceSwitch {
    frames: Arc<Slot<Frame>>,
    signal: Arc<Slot<Signal>>,
    state: Mutex<State>,
    /// Mirrors `State::guest_on_air`, to be read without the lock.
    guest_on_air: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    /// Of the newest frame; counts on across sources, reconnects and guests.
    last_seq: u64,
    /// The last signal of the configured source, published or not.
    source_signal: Option<Signal>,
    /// Frames of older guests are refused.
    newest_guest: u64,
    guest_on_air: bool,
    is_closed: bool,
    /// Nothing is published while the shutter is closed.
    is_shuttered: bool,
    /// Of the frames that are published.
    rate: FrameRate,
}

impl SourceSwitch {
    /// A switch in front of the two slots, which publishes the configured source.
    #[must_use]
    pub fn new(frames: Arc<Slot<Frame>>, signal: Arc<Slot<Signal>>) -> Arc<Self> {
        Arc::new(Self {
            frames,
            signal,
            state: Mutex::default(),
            guest_on_air: AtomicBool::new(false),
        })
    }

    /// Admits a guest, shown to viewers as `name`. Frames of an earlier guest are refused from now on.
    #[must_use]
    pub fn guest(self: &Arc<Self>, name: impl Into<String>) -> Guest {
        let mut state = lock(&self.state);
        state.newest_guest += 1;
        let id = state.newest_guest;
        self.return_to_source(&mut state);
        drop(state);
        Guest {
            switch: Arc::clone(self),
            id,
            name: name.into(),
            size: None,
        }
    }

    /// Closes the shutter: on return no frame is in the slot, and none comes until it is opened. Guests of before
    /// are refused for good.
    pub fn close_shutter(&self, reason: Option<String>, since: Instant) {
        let mut state = lock(&self.state);
        state.is_shuttered = true;
        state.newest_guest += 1;
        state.guest_on_air = false;
        state.rate.reset();
        self.guest_on_air.store(false, Ordering::Relaxed);
        self.frames.clear();
        self.signal.publish(Signal::Closed { reason, since });
    }

    /// Opens the shutter: the source's next frame is published.
    pub fn open_shutter(&self) {
        let mut state = lock(&self.state);
        if std::mem::replace(&mut state.is_shuttered, false) {
            let opening = Signal::Opening {
                source: "the camera".to_owned(),
            };
            self.signal
                .publish(state.source_signal.clone().unwrap_or(opening));
        }
    }

    /// Whether the shutter is closed.
    #[must_use]
    pub fn is_shuttered(&self) -> bool {
        lock(&self.state).is_shuttered
    }

    /// The measured rate of the published frames per second; `None` when too few came recently.
    #[must_use]
    pub fn frame_rate(&self, now: Instant) -> Option<f32> {
        lock(&self.state).rate.fps(now)
    }

    /// Whether a guest's pictures replace those of the configured source.
    #[must_use]
    pub fn guest_is_on_air(&self) -> bool {
        self.guest_on_air.load(Ordering::Relaxed)
    }

    /// Publishes a frame of the configured source, unless a guest is on the air.
    pub(crate) fn publish_source(&self, make: impl FnOnce(u64) -> Frame) {
        let mut state = lock(&self.state);
        if !state.guest_on_air && !state.is_shuttered {
            self.publish(&mut state, make);
        }
    }

    /// Publishes a signal of the configured source; while a guest is on the air, when it leaves.
    pub(crate) fn publish_source_signal(&self, signal: Signal) {
        let mut state = lock(&self.state);
        if !state.guest_on_air && !state.is_shuttered {
            self.signal.publish(signal.clone());
        }
        state.source_signal = Some(signal);
    }

    /// Closes both slots and refuses further frames of guests.
    pub(crate) fn close(&self) {
        lock(&self.state).is_closed = true;
        self.frames.close();
        self.signal.close();
    }

    fn publish(&self, state: &mut State, make: impl FnOnce(u64) -> Frame) {
        state.last_seq += 1;
        let frame = make(state.last_seq);
        state.rate.frame(frame.captured_at);
        self.frames.publish(frame);
    }

    fn return_to_source(&self, state: &mut State) {
        if state.guest_on_air {
            state.guest_on_air = false;
            state.rate.reset();
            self.guest_on_air.store(false, Ordering::Relaxed);
            if let Some(signal) = &state.source_signal {
                self.signal.publish(signal.clone());
            }
        }
    }
}

/// A guest's access to the switch. Dropping it gives the air back to the configured source.
#[derive(Debug)]
pub struct Guest {
    switch: Arc<SourceSwitch>,
    id: u64,
    name: String,
    /// Of its last published picture, in pixels.
    size: Option<(u32, u32)>,
}

impl Guest {
    /// Publishes a picture. `false` when a newer guest was admitted, or the capture has ended.
    pub fn publish(&mut self, pixels: PooledPicture, captured_at: Instant) -> bool {
        let size = (pixels.width(), pixels.height());
        let mut state = lock(&self.switch.state);
        if state.newest_guest != self.id || state.is_closed || state.is_shuttered {
            return false;
        }
        if !state.guest_on_air {
            state.rate.reset();
        }
        if !state.guest_on_air || self.size != Some(size) {
            state.guest_on_air = true;
            self.switch.guest_on_air.store(true, Ordering::Relaxed);
            self.size = Some(size);
            self.switch.signal.publish(Signal::Live {
                source: self.name.clone(),
                note: None,
                width: size.0,
                height: size.1,
                fps: 0.0,
            });
        }
        self.switch
            .publish(&mut state, |seq| Frame::new(pixels, seq, captured_at));
        true
    }

    /// Gives the air back to the configured source until the guest's next picture.
    pub fn pause(&mut self) {
        let mut state = lock(&self.switch.state);
        if state.newest_guest == self.id {
            self.switch.return_to_source(&mut state);
        }
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.pause();
    }
}

/// The rate is measured over this many frames: a second of a fast source, a minute of a very slow one.
const FRAMES: usize = 32;
/// A source that is silent for this many of its own frame intervals has stopped.
const SILENT_FRAMES: f32 = 4.0;
/// The least silence after which a source has stopped.
const SILENT_LEAST: Duration = Frame::STALE_AFTER;

/// Capture times of the last frames of one source.
#[derive(Debug, Default)]
pub(crate) struct FrameRate {
    times: VecDeque<Instant>,
}

impl FrameRate {
    pub(crate) fn frame(&mut self, captured_at: Instant) {
        if self.times.len() == FRAMES {
            self.times.pop_front();
        }
        self.times.push_back(captured_at);
    }

    /// To be called when another source begins.
    pub(crate) fn reset(&mut self) {
        self.times.clear();
    }

    /// Frames per second; `None` after fewer than two frames, or when they have stopped coming.
    pub(crate) fn fps(&self, now: Instant) -> Option<f32> {
        let (first, last) = (self.times.front()?, self.times.back()?);
        let elapsed = last.saturating_duration_since(*first).as_secs_f32();
        if elapsed <= 0.0 {
            return None;
        }
        // At most FRAMES, so the conversion to a float is exact.
        let between = elapsed / f32::from(u8::try_from(self.times.len() - 1).ok()?);
        let silent = now.saturating_duration_since(*last);
        let allowed = SILENT_LEAST.max(Duration::from_secs_f32(between * SILENT_FRAMES));
        (silent <= allowed).then(|| 1.0 / between)
    }
}

#[cfg(test)]
mod tests {
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
                .publish_source(|seq| Frame::new(pixels, seq, Instant::now()));
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
        fixture.switch.publish_source_signal(opening("camera"));
        fixture.source_frame();
        let mut guest = fixture.switch.guest("phone");
        fixture.source_frame();
        assert_eq!(fixture.newest(), (2, 4), "admitted, but no picture yet");
        assert!(fixture.publish(&mut guest, 8) && fixture.switch.guest_is_on_air());
        fixture.source_frame();
        assert_eq!(fixture.newest(), (3, 8));
        assert_eq!(fixture.signal(), live("phone", 8));
        assert!(fixture.publish(&mut guest, 6), "turned");
        assert_eq!(fixture.signal(), live("phone", 6));
        fixture
            .switch
            .publish_source_signal(opening("another camera"));
        assert_eq!(fixture.signal(), live("phone", 6));
        drop(guest);
        assert_eq!(fixture.signal(), opening("another camera"));
        fixture.source_frame();
        assert_eq!(fixture.newest(), (5, 4));
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
                .publish_source(|seq| Frame::new(pixels(), seq, at(ms)));
        }
        let fps = |now| fixture.switch.frame_rate(now).map(f32::round);
        assert_eq!(fps(at(200)), Some(10.0));
        let mut guest = fixture.switch.guest("phone");
        assert!(guest.publish(pixels(), at(240)) && fixture.switch.guest_is_on_air());
        assert_eq!(fps(at(240)), None, "too few to tell");
        for ms in [260, 280, 300] {
            guest.publish(pixels(), at(ms));
        }
        assert_eq!(fps(at(300)), Some(50.0));
        drop(guest);
        assert_eq!(fps(at(320)), None);
        assert!(!fixture.switch.guest_is_on_air());
    }

    #[test]
    fn a_pause_lasts_until_the_next_picture_of_the_guest() {
        let fixture = fixture();
        fixture.switch.publish_source_signal(opening("camera"));
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
}
