//! Selects whose pictures are published: those of the selected source, or those of a guest that
//! sends its own (a phone that publishes by WHIP).
//!
//! One of several sources is selected: cameras with names, or one without. Frames and signals of the others are not
//! published; their last signals are remembered, so that another one is selected at once.
//!
//! A guest takes over with its first picture. When it pauses or leaves, the selected source takes
//! over again with its next picture. The source stays open meanwhile, because opening a camera takes
//! seconds, but its pictures are not decoded (`SourceOutput::skip_if_surplus`).

mod frame_rate;
mod inputs;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use crate::frame::{Frame, Signal, SourceNumber};
use crate::lock::lock;
use crate::picture::PooledPicture;
use crate::slot::Slot;
use crate::trace::{self, TraceSpan};
use frame_rate::FrameRate;
use inputs::{Input, Inputs};

pub(crate) use inputs::InputNumber;
pub use inputs::{CameraState, CameraStatus};

/// Numbers all frames and publishes them, and the signals, in their slots.
#[derive(Debug)]
pub struct SourceSwitch {
    frames: Arc<Slot<Frame>>,
    signal: Arc<Slot<Signal>>,
    state: Mutex<State>,
    /// Mirrors `State::guest_is_live`, to be read without the lock.
    guest_is_live: AtomicBool,
    /// Mirrors `Inputs::selected`, to be read without the lock.
    selected: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    /// Number of the newest frame; counts on across sources, reconnects and guests.
    last_seq: u64,
    last_number: SourceNumber,
    inputs: Inputs,
    /// Of the frames of what is selected.
    source: SourceNumber,
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

    /// Whether frames and signals of the selected source are published.
    fn source_is_shown(&self) -> bool {
        !self.guest_is_live && !self.is_shuttered
    }
}

impl SourceSwitch {
    /// A switch in front of the two slots, which publishes the selected source.
    #[must_use]
    pub fn new(frames: Arc<Slot<Frame>>, signal: Arc<Slot<Signal>>) -> Arc<Self> {
        Arc::new(Self {
            frames,
            signal,
            state: Mutex::default(),
            guest_is_live: AtomicBool::new(false),
            selected: AtomicU64::new(0),
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
        state.inputs.forget_kept();
        self.guest_is_live.store(false, Ordering::Relaxed);
        self.frames.clear();
        self.signal.publish(Signal::Closed { reason, since });
    }

    /// Opens the shutter: the source's next frame is published.
    pub fn open_shutter(&self) {
        let mut state = lock(&self.state);
        if std::mem::replace(&mut state.is_shuttered, false)
            && let Some(input) = state.inputs.selected()
        {
            self.signal.publish(input.signal());
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

    /// Whether a guest's pictures replace those of the selected source.
    #[must_use]
    pub fn guest_is_live(&self) -> bool {
        self.guest_is_live.load(Ordering::Relaxed)
    }

    /// The cameras that have names, in the order of the configuration.
    #[must_use]
    pub fn cameras(&self) -> Vec<CameraStatus> {
        lock(&self.state).inputs.cameras()
    }

    /// Adds a camera with a name. It is not selected.
    pub(crate) fn add_camera(&self, name: &str, title: String) -> InputNumber {
        let mut state = lock(&self.state);
        let number = state.next_number();
        state
            .inputs
            .add(number, Input::new(title, Some(name.into())));
        number
    }

    /// Selects a source without a name that is being opened, shown to viewers as `title`. On return no frame of
    /// the former source is in the slot, and none comes any more.
    pub(crate) fn begin_source(&self, title: String) -> InputNumber {
        let mut state = lock(&self.state);
        let number = state.next_number();
        state.inputs.remove_unnamed();
        state.inputs.add(number, Input::new(title, None));
        self.set_selected(&mut state, number);
        number
    }

    /// Selects a camera with a name, in whatever state it is. On return no frame of the former source is in
    /// the slot, and none comes any more.
    pub(crate) fn select_camera(&self, camera: InputNumber) {
        self.set_selected(&mut lock(&self.state), camera);
    }

    fn set_selected(&self, state: &mut State, number: InputNumber) {
        state.source = state.next_number();
        state.inputs.selected = number;
        self.selected.store(number, Ordering::Relaxed);
        let is_shown = state.source_is_shown();
        let Some(input) = state.inputs.selected() else {
            return;
        };
        let (signal, kept) = (input.signal(), input.take_kept(Instant::now()));
        if !is_shown {
            return;
        }
        state.rate.reset();
        self.frames.clear();
        self.signal.publish(signal);
        if let Some(kept) = kept {
            self.publish_selected(state, |seq| Frame { seq, ..kept });
        }
    }

    /// Whether this source is selected, also while a guest hides it.
    pub(crate) fn is_selected(&self, input: InputNumber) -> bool {
        self.selected.load(Ordering::Relaxed) == input
    }

    /// Publishes a frame of the selected source, unless a guest is live. The newest one of a camera that is not
    /// selected is kept.
    pub(crate) fn publish_source(&self, input: InputNumber, make: impl FnOnce(u64) -> Frame) {
        let mut state = lock(&self.state);
        if state.inputs.selected == input {
            if state.source_is_shown() {
                self.publish_selected(&mut state, make);
            }
        } else if !state.is_shuttered
            && let Some(input) = state.inputs.get_mut(input)
        {
            // overflow: newest-wins
            input.keep(make(0));
        }
    }

    /// The source gave a picture that nobody needs.
    pub(crate) fn count_source(&self, input: InputNumber, captured_at: Instant) {
        let mut state = lock(&self.state);
        if state.inputs.selected == input && state.source_is_shown() {
            state.rate.frame(captured_at);
        }
    }

    /// Publishes a signal of the selected source; while a guest is live, when it leaves.
    pub(crate) fn publish_source_signal(&self, input: InputNumber, signal: Signal) {
        let mut state = lock(&self.state);
        if state.inputs.selected == input && state.source_is_shown() {
            self.signal.publish(signal.clone());
        }
        if let Some(input) = state.inputs.get_mut(input) {
            input.set_signal(signal);
        }
    }

    /// The source is not to be open any more.
    pub(crate) fn release(&self, input: InputNumber) {
        lock(&self.state).inputs.release(input);
    }

    /// Closes both slots and refuses further frames of guests.
    pub(crate) fn close(&self) {
        lock(&self.state).is_closed = true;
        self.frames.close();
        self.signal.close();
    }

    fn publish_selected(&self, state: &mut State, make: impl FnOnce(u64) -> Frame) {
        let (number, input) = (state.source, state.inputs.selected());
        let camera = input.and_then(|input| input.camera.clone());
        self.publish(state, number, |seq| Frame {
            camera,
            ..make(seq)
        });
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
        if let Some(root) = trace::of_frame(frame.seq) {
            let times = (frame.captured_at, Instant::now());
            trace::record(TraceSpan::new(root, "carrier.capture", times));
        }
        self.frames.publish(frame);
    }

    fn return_to_source(&self, state: &mut State) {
        if state.guest_is_live {
            state.guest_is_live = false;
            state.rate.reset();
            self.guest_is_live.store(false, Ordering::Relaxed);
            if let Some(input) = state.inputs.selected() {
                self.signal.publish(input.signal());
            }
        }
    }
}

/// A guest's access to the switch. Dropping it publishes the selected source again.
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

    /// Publishes the selected source again until the guest's next picture.
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
