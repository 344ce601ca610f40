//! Selects whose pictures are published: those of the configured source, or those of a guest that
//! sends its own (a phone that publishes by WHIP).
//!
//! A guest takes over with its first picture. When it pauses or leaves, the configured source takes
//! over again with its next picture. The source stays open meanwhile, because opening a camera takes
//! seconds, but its pictures are not decoded (`SourceOutput::skip_if_surplus`).

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::frame::{Frame, Signal, SourceNumber};
use crate::lock::lock;
use crate::picture::PooledPicture;
use crate::slot::Slot;

/// Numbers all frames and publishes them, and the signals, in their slots.
#[derive(Debug)]
pub struct SourceSwitch {
    frames: Arc<Slot<Frame>>,
    signal: Arc<Slot<Signal>>,
    state: Mutex<State>,
    /// Mirrors `State::guest_is_live`, to be read without the lock.
    guest_is_live: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    /// Number of the newest frame; counts on across sources, reconnects and guests.
    last_seq: u64,
    last_number: SourceNumber,
    /// The configured source. Frames and signals of former ones are refused.
    source: SourceNumber,
    /// The last signal of the configured source, published or not.
    source_signal: Option<Signal>,
    /// Frames of older guests are refused.
    newest_guest: SourceNumber,
    guest_is_live: bool,
    is_closed: bool,
    /// Nothing is published while the shutter is closed.
    is_shuttered: bool,
    /// Rate of the frames that are published.
    rate: FrameRate,
}

impl State {
    fn next_number(&mut self) -> SourceNumber {
        self.last_number += 1;
        self.last_number
    }

    /// Whether frames and signals of the configured source are published.
    fn source_is_shown(&self) -> bool {
        !self.guest_is_live && !self.is_shuttered
    }
}

impl SourceSwitch {
    /// A switch in front of the two slots, which publishes the configured source.
    #[must_use]
    pub fn new(frames: Arc<Slot<Frame>>, signal: Arc<Slot<Signal>>) -> Arc<Self> {
        Arc::new(Self {
            frames,
            signal,
            state: Mutex::default(),
            guest_is_live: AtomicBool::new(false),
        })
    }

    /// Admits a guest, shown to viewers as `name`. Frames of an earlier guest are refused from now on.
    #[must_use]
    pub fn guest(self: &Arc<Self>, name: impl Into<String>) -> Guest {
        let mut state = lock(&self.state);
        state.newest_guest = state.next_number();
        let number = state.newest_guest;
        self.return_to_source(&mut state);
        drop(state);
        Guest {
            switch: Arc::clone(self),
            number,
            name: name.into(),
            size: None,
        }
    }

    /// Closes the shutter: on return no frame is in the slot, and none comes until it is opened. Guests of before
    /// are refused for good.
    pub fn close_shutter(&self, reason: Option<String>, since: Instant) {
        let mut state = lock(&self.state);
        state.is_shuttered = true;
        state.newest_guest = state.next_number();
        state.guest_is_live = false;
        state.rate.reset();
        self.guest_is_live.store(false, Ordering::Relaxed);
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
    pub fn guest_is_live(&self) -> bool {
        self.guest_is_live.load(Ordering::Relaxed)
    }

    /// Replaces the configured source by one that is being opened, shown to viewers as `name`. On return no frame of
    /// the former one is in the slot, and none comes any more.
    pub(crate) fn begin_source(&self, name: String) -> SourceNumber {
        let mut state = lock(&self.state);
        state.source = state.next_number();
        let opening = Signal::Opening { source: name };
        if state.source_is_shown() {
            state.rate.reset();
            self.frames.clear();
            self.signal.publish(opening.clone());
        }
        state.source_signal = Some(opening);
        state.source
    }

    /// The number of the configured source.
    pub(crate) fn source_number(&self) -> SourceNumber {
        lock(&self.state).source
    }

    /// Publishes a frame of the configured source, unless a guest is live.
    pub(crate) fn publish_source(&self, source: SourceNumber, make: impl FnOnce(u64) -> Frame) {
        let mut state = lock(&self.state);
        if state.source == source && state.source_is_shown() {
            self.publish(&mut state, source, make);
        }
    }

    /// The configured source gave a picture that nobody needs.
    pub(crate) fn count_source(&self, source: SourceNumber, captured_at: Instant) {
        let mut state = lock(&self.state);
        if state.source == source && state.source_is_shown() {
            state.rate.frame(captured_at);
        }
    }

    /// Publishes a signal of the configured source; while a guest is live, when it leaves.
    pub(crate) fn publish_source_signal(&self, source: SourceNumber, signal: Signal) {
        let mut state = lock(&self.state);
        if state.source != source {
            return;
        }
        if state.source_is_shown() {
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

    fn publish(
        &self,
        state: &mut State,
        source_number: SourceNumber,
        make: impl FnOnce(u64) -> Frame,
    ) {
        state.last_seq += 1;
        let mut frame = make(state.last_seq);
        frame.source_number = source_number;
        state.rate.frame(frame.captured_at);
        self.frames.publish(frame);
    }

    fn return_to_source(&self, state: &mut State) {
        if state.guest_is_live {
            state.guest_is_live = false;
            state.rate.reset();
            self.guest_is_live.store(false, Ordering::Relaxed);
            if let Some(signal) = &state.source_signal {
                self.signal.publish(signal.clone());
            }
        }
    }
}

/// A guest's access to the switch. Dropping it publishes the configured source again.
#[derive(Debug)]
pub struct Guest {
    switch: Arc<SourceSwitch>,
    number: SourceNumber,
    name: String,
    /// Width and height of its last published picture, in pixels.
    size: Option<(u32, u32)>,
}

impl Guest {
    /// Publishes a picture. `false` when a newer guest was admitted, or the capture has ended.
    pub fn publish(&mut self, pixels: PooledPicture, captured_at: Instant) -> bool {
        let size = (pixels.width(), pixels.height());
        let mut state = lock(&self.switch.state);
        if state.newest_guest != self.number || state.is_closed || state.is_shuttered {
            return false;
        }
        if !state.guest_is_live {
            state.rate.reset();
        }
        if !state.guest_is_live || self.size != Some(size) {
            state.guest_is_live = true;
            self.switch.guest_is_live.store(true, Ordering::Relaxed);
            self.size = Some(size);
            self.switch.signal.publish(Signal::Live {
                source: self.name.clone(),
                note: None,
                width: size.0,
                height: size.1,
                fps: 0.0,
            });
        }
        self.switch.publish(&mut state, self.number, |seq| {
            Frame::new(pixels, seq, captured_at)
        });
        true
    }

    /// Publishes the configured source again until the guest's next picture.
    pub fn pause(&mut self) {
        let mut state = lock(&self.switch.state);
        if state.newest_guest == self.number {
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
