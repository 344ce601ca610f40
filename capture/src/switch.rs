//! Which source is on the air: the configured one, or a guest that brings its own pictures.
//!
//! The house is what `--source` names. A guest (a phone, say) takes over with its first picture, and
//! the house is back with its own next one as soon as the guest pauses or leaves. The house stays
//! open meanwhile, so that it is back at once: opening a camera anew takes seconds. Its pictures are
//! not even decoded then, see [`crate::outlet::Outlet::unseen`].

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::frame::{Frame, Signal};
use crate::frame_rate::FrameRate;
use crate::pool::PooledPicture;
use crate::slot::Slot;

/// Where all pictures and signals pass on their way into the slots.
#[derive(Debug)]
pub struct SourceSwitch {
    frames: Arc<Slot<Frame>>,
    signal: Arc<Slot<Signal>>,
    state: Mutex<State>,
    /// As `State::on_air`, for a look without the lock.
    guest_on_air: AtomicBool,
}

#[derive(Debug)]
struct State {
    /// Goes on across sources, reconnects and guests.
    next_seq: u64,
    /// What the house last said, on the air or not.
    house: Option<Signal>,
    /// Only the newest guest may be on the air.
    newest_guest: u64,
    on_air: bool,
    closed: bool,
    /// Of whoever is on the air.
    rate: FrameRate,
}

impl SourceSwitch {
    /// A switch in front of the two slots, with the house on the air.
    #[must_use]
    pub fn new(frames: Arc<Slot<Frame>>, signal: Arc<Slot<Signal>>) -> Arc<Self> {
        let state = State {
            next_seq: 1,
            house: None,
            newest_guest: 0,
            on_air: false,
            closed: false,
            rate: FrameRate::default(),
        };
        Arc::new(Self {
            frames,
            signal,
            state: Mutex::new(state),
            guest_on_air: AtomicBool::new(false),
        })
    }

    /// Admits a guest, called `name` for viewers. An earlier one is heard no more.
    #[must_use]
    pub fn guest(self: &Arc<Self>, name: impl Into<String>) -> Guest {
        let mut state = self.lock();
        state.newest_guest += 1;
        let id = state.newest_guest;
        self.house_back(&mut state);
        drop(state);
        Guest {
            switch: Arc::clone(self),
            id,
            name: name.into(),
            size: None,
        }
    }

    /// How many frames a second whoever is on the air really brings; `None` where too few came of late.
    #[must_use]
    pub fn frame_rate(&self, now: Instant) -> Option<f32> {
        self.lock().rate.fps(now)
    }

    /// Whether a guest's pictures hide those of the configured source.
    #[must_use]
    pub fn guest_is_on_air(&self) -> bool {
        self.house_is_off_air()
    }

    /// Whether pictures of the house would be thrown away.
    pub(crate) fn house_is_off_air(&self) -> bool {
        self.guest_on_air.load(Ordering::Relaxed)
    }

    /// A picture of the house.
    pub(crate) fn house_frame(&self, make: impl FnOnce(u64) -> Frame) {
        let mut state = self.lock();
        if !state.on_air {
            self.publish(&mut state, make);
        }
    }

    /// How the house is doing; kept while a guest is on the air.
    pub(crate) fn house_signal(&self, signal: Signal) {
        let mut state = self.lock();
        if !state.on_air {
            self.signal.publish(signal.clone());
        }
        state.house = Some(signal);
    }

    /// Ends every reader's wait, and every guest's time.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.frames.close();
        self.signal.close();
    }

    fn publish(&self, state: &mut State, make: impl FnOnce(u64) -> Frame) {
        let seq = state.next_seq;
        state.next_seq += 1;
        let frame = make(seq);
        state.rate.frame(frame.captured_at);
        self.frames.publish(frame);
    }

    fn house_back(&self, state: &mut State) {
        if state.on_air {
            state.on_air = false;
            state.rate.reset();
            self.guest_on_air.store(false, Ordering::Relaxed);
            if let Some(house) = &state.house {
                self.signal.publish(house.clone());
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A guest's place at the switch. Dropped, the house is back.
#[derive(Debug)]
pub struct Guest {
    switch: Arc<SourceSwitch>,
    id: u64,
    name: String,
    /// Of the picture on the air, in pixels.
    size: Option<(u32, u32)>,
}

impl Guest {
    /// Puts a picture on the air. `false`: a newer guest has the place, or the capture is over.
    pub fn publish(&mut self, pixels: PooledPicture, captured_at: Instant) -> bool {
        let size = (pixels.width(), pixels.height());
        let mut state = self.switch.lock();
        if state.newest_guest != self.id || state.closed {
            return false;
        }
        if !state.on_air {
            state.rate.reset();
        }
        if !state.on_air || self.size != Some(size) {
            state.on_air = true;
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

    /// Gives the air back to the house until the guest's next picture.
    pub fn pause(&mut self) {
        let mut state = self.switch.lock();
        if state.newest_guest == self.id {
            self.switch.house_back(&mut state);
        }
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.pause();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pool::PicturePool;

    struct Studio {
        switch: Arc<SourceSwitch>,
        frames: Arc<Slot<Frame>>,
        signal: Arc<Slot<Signal>>,
        pool: PicturePool,
    }

    fn studio() -> Studio {
        let (frames, signal) = (Slot::new(), Slot::new());
        Studio {
            switch: SourceSwitch::new(Arc::clone(&frames), Arc::clone(&signal)),
            frames,
            signal,
            pool: PicturePool::new(2),
        }
    }

    impl Studio {
        fn house(&self) {
            let pixels = self.pool.take(4, 2).expect("even");
            self.switch
                .house_frame(|seq| Frame::new(pixels, seq, Instant::now()));
        }

        fn publish(&self, guest: &mut Guest, width: u32) -> bool {
            guest.publish(self.pool.take(width, 2).expect("even"), Instant::now())
        }

        /// Number and width of the newest frame.
        fn seen(&self) -> (u64, u32) {
            let frame = self.frames.latest().expect("published");
            (frame.seq, frame.pixels.width())
        }

        fn says(&self) -> Signal {
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
    fn a_guest_takes_over_with_its_first_picture_and_the_house_is_back_after() {
        let studio = studio();
        studio.switch.house_signal(opening("camera"));
        studio.house();
        let mut guest = studio.switch.guest("phone");
        studio.house();
        assert_eq!(studio.seen(), (2, 4), "admitted, but no picture yet");
        assert!(studio.publish(&mut guest, 8) && studio.switch.house_is_off_air());
        studio.house();
        assert_eq!((studio.seen(), studio.says()), ((3, 8), live("phone", 8)));
        assert!(studio.publish(&mut guest, 6), "turned");
        assert_eq!(studio.says(), live("phone", 6));
        studio.switch.house_signal(opening("another camera"));
        assert_eq!(studio.says(), live("phone", 6));
        drop(guest);
        assert_eq!(studio.says(), opening("another camera"));
        studio.house();
        assert_eq!(studio.seen(), (5, 4));
    }

    #[test]
    fn the_frame_rate_is_that_of_whoever_is_on_the_air() {
        let studio = studio();
        let begin = Instant::now();
        let at = |ms: u64| begin + std::time::Duration::from_millis(ms);
        let pixels = || studio.pool.take(4, 2).expect("even");
        for ms in [0, 100, 200] {
            studio
                .switch
                .house_frame(|seq| Frame::new(pixels(), seq, at(ms)));
        }
        let fps = |now| studio.switch.frame_rate(now).map(f32::round);
        assert_eq!(fps(at(200)), Some(10.0));
        let mut guest = studio.switch.guest("phone");
        assert!(guest.publish(pixels(), at(240)) && studio.switch.guest_is_on_air());
        assert_eq!(fps(at(240)), None, "too few to tell");
        for ms in [260, 280, 300] {
            guest.publish(pixels(), at(ms));
        }
        assert_eq!(fps(at(300)), Some(50.0));
        drop(guest);
        assert_eq!(fps(at(320)), None);
        assert!(!studio.switch.guest_is_on_air());
    }

    #[test]
    fn a_pause_lets_the_house_in_until_the_next_picture() {
        let studio = studio();
        studio.switch.house_signal(opening("camera"));
        let mut guest = studio.switch.guest("phone");
        studio.publish(&mut guest, 8);
        guest.pause();
        assert_eq!(studio.says(), opening("camera"));
        studio.house();
        assert_eq!(studio.seen(), (2, 4));
        studio.publish(&mut guest, 8);
        assert_eq!((studio.seen(), studio.says()), ((3, 8), live("phone", 8)));
    }

    #[test]
    fn of_two_guests_the_newer_is_heard_and_the_older_leaves_without_trace() {
        let studio = studio();
        let mut old = studio.switch.guest("old");
        studio.publish(&mut old, 8);
        let mut new = studio.switch.guest("new");
        assert!(!studio.publish(&mut old, 8));
        assert!(studio.publish(&mut new, 6));
        drop(old);
        assert_eq!((studio.seen(), studio.says()), ((2, 6), live("new", 6)));
        studio.switch.close();
        assert!(!studio.publish(&mut new, 6));
    }
}
