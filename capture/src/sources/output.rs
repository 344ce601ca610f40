//! What a source's thread gives its pictures to, and how it is told to stop.

#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::idle::{IdlePace, PictureDemand, is_fast};
use super::stall::{Arrivals, Intervals, StallLimits};
use crate::camera_settings::{CameraLease, CameraSettings};
use crate::device_claims::{DeviceClaim, DeviceClaims};
use crate::error::CaptureError;
use crate::frame::Frame;
use crate::lock::lock;
use crate::metrics::{CaptureMetrics, SourceLabel};
use crate::picture::{PicturePool, PooledPicture};
use crate::rate_cap::RateCap;
use crate::switch::{InputNumber, SourceSwitch};
use crate::threads::Heartbeat;

/// Identifies an attempt to read a source. Never used twice.
pub(crate) type AttemptId = u64;

#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct OpenedSource {
    /// In plain words, with the granted mode.
    pub(crate) source: String,
    /// Frames per second, 0 when the source does not tell.
    pub(crate) fps: f32,
    /// Stable id and name of the camera, if it is one.
    pub(crate) camera: Option<(String, String)>,
}

/// What is live, with the width and height of its pictures in pixels.
pub(crate) type LiveSource = (OpenedSource, u32, u32);

/// What a source's thread tells the supervisor.
#[derive(Debug)]
pub(crate) enum Event {
    /// The first picture, the first after a silence, or the first of another size.
    Live(AttemptId, LiveSource),
    /// The source returned or panicked.
    Ended(AttemptId, Result<(), CaptureError>),
    /// The source is to be released, or to be opened again.
    Release { is_released: bool },
    /// Another source is to be opened instead.
    SourceReplaced,
    /// [`PictureDemand::limit`] is another one.
    LimitChanged,
    /// The machine was suspended.
    Resumed,
    /// [`crate::CaptureHandle::stop`] was called.
    Stop,
}

/// Publishes the frames of one attempt at a time. An abandoned thread that resumes later
/// publishes nothing.
#[derive(Debug)]
pub(crate) struct PublishGate {
    switch: Arc<SourceSwitch>,
    /// The attempt whose frames are published, and the source that it reads.
    active: Mutex<(AttemptId, InputNumber)>,
}

impl PublishGate {
    pub(crate) fn new(switch: Arc<SourceSwitch>) -> Arc<Self> {
        let active = Mutex::default();
        Arc::new(Self { switch, active })
    }

    /// From now on only frames of this attempt, which reads `source`, are published.
    pub(crate) fn set_active(&self, attempt: AttemptId, source: InputNumber) {
        *lock(&self.active) = (attempt, source);
    }

    /// Whether another source is selected.
    fn is_on_standby(&self) -> bool {
        !self.switch.is_selected(lock(&self.active).1)
    }

    /// A picture that nobody needs.
    fn count(&self, attempt: AttemptId, captured_at: Instant) {
        let active = lock(&self.active);
        if active.0 == attempt {
            self.switch.count_source(active.1, captured_at);
        }
    }

    fn publish(&self, attempt: AttemptId, make: impl FnOnce(u64) -> Frame) {
        let active = lock(&self.active);
        if active.0 == attempt {
            self.switch.publish_source(active.1, make);
        }
    }
}

/// The state of one attempt, shared by the supervisor and the source's thread.
#[derive(Debug, Default)]
pub(crate) struct AttemptState {
    state: Mutex<State>,
    changed: Condvar,
    /// The next picture is reported by [`Event::Live`].
    announce: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    is_cancelled: bool,
    has_ended: bool,
    last: Option<Instant>,
    intervals: Intervals,
    /// Why the pictures since the last good one could not be decoded.
    unreadable: Option<String>,
    on_cancel: OnCancel,
}

/// Wakes a thread that waits for something other than [`AttemptState`].
#[derive(Default)]
struct OnCancel(Option<Box<dyn FnOnce() + Send>>);

impl std::fmt::Debug for OnCancel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "OnCancel({})", self.0.is_some())
    }
}

impl State {
    /// Notes a picture and returns how long it may be shown as the present.
    fn add_picture(&mut self, now: Instant, limits: &StallLimits) -> Duration {
        self.last = Some(now);
        self.unreadable = None;
        self.intervals.add(now);
        limits.stall_after(self.intervals.median())
    }
}

impl AttemptState {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            announce: AtomicBool::new(true),
            ..Self::default()
        })
    }

    pub(crate) fn arrivals(&self) -> Arrivals {
        let state = lock(&self.state);
        Arrivals {
            last: state.last,
            median_interval: state.intervals.median(),
            is_unreadable: state.unreadable.is_some(),
        }
    }

    /// Why the pictures since the last good one could not be decoded; `None` when none came.
    pub(crate) fn unreadable(&self) -> Option<String> {
        lock(&self.state).unreadable.clone()
    }

    /// Requests [`Event::Live`] at the next picture.
    pub(crate) fn announce_next(&self) {
        self.announce.store(true, Ordering::Relaxed);
    }

    /// Tells the thread to stop.
    pub(crate) fn cancel(&self) {
        let on_cancel = {
            let mut state = lock(&self.state);
            state.is_cancelled = true;
            state.on_cancel.0.take()
        };
        self.changed.notify_all();
        if let Some(wake) = on_cancel {
            wake();
        }
    }

    fn on_cancel(&self, wake: Box<dyn FnOnce() + Send>) {
        let mut state = lock(&self.state);
        if state.is_cancelled {
            drop(state);
            wake();
        } else {
            state.on_cancel = OnCancel(Some(wake));
        }
    }

    /// Called by the thread as its last action.
    pub(crate) fn set_ended(&self) {
        lock(&self.state).has_ended = true;
        self.changed.notify_all();
    }

    /// Waits until the thread has ended; `false` when it has not within `limit`.
    pub(crate) fn wait_ended(&self, limit: Duration) -> bool {
        let state = lock(&self.state);
        let waited = self
            .changed
            .wait_timeout_while(state, limit, |state| !state.has_ended);
        waited.unwrap_or_else(PoisonError::into_inner).0.has_ended
    }
}

/// The output of a source: a source's `run` function calls it from its loop.
///
/// ```ignore
/// output.announce(OpenedSource { source: "camera".into(), fps: 30.0, camera: None });
/// while output.is_wanted() {
///     let bytes = camera.read()?;
///     let captured_at = Instant::now();
///     match output.timed(|| decode(&bytes, output.pool())) {
///         Ok(picture) => output.publish(picture, captured_at),
///         Err(error) => output.count_bad_picture(&error),
///     }
/// }
/// ```
#[derive(Debug)]
pub(crate) struct SourceOutput {
    pub(crate) attempt: AttemptId,
    pub(crate) gate: Arc<PublishGate>,
    pub(crate) state: Arc<AttemptState>,
    pub(crate) limits: StallLimits,
    pub(crate) events: Sender<Event>,
    pub(crate) pool: PicturePool,
    pub(crate) camera: Arc<CameraSettings>,
    /// The camera's name, if it was given one.
    pub(crate) owner: Option<Arc<str>>,
    pub(crate) claims: Arc<DeviceClaims>,
    /// `None`: every picture is wanted.
    pub(crate) demand: Option<Arc<dyn PictureDemand>>,
    pub(crate) idle: IdlePace,
    /// While the demand limits the rate of pictures.
    pub(crate) cap: Option<RateCap>,
    pub(crate) metrics: Arc<CaptureMetrics>,
    pub(crate) label: SourceLabel,
    pub(crate) opened: OpenedSource,
    /// Width and height of the last picture, in pixels.
    pub(crate) size: (u32, u32),
    /// Has no deadline: the supervisor watches the pictures, and a thread that hangs in a driver is
    /// not a fault of the program.
    pub(crate) heartbeat: Heartbeat,
}

impl SourceOutput {
    /// Whether the attempt goes on. To be asked in every turn of a source's loop.
    pub(crate) fn is_wanted(&self) -> bool {
        !lock(&self.state.state).is_cancelled
    }

    /// Calls `wake` once, from another thread, when the attempt is cancelled: for a source that
    /// blocks elsewhere.
    pub(crate) fn on_cancel(&self, wake: impl FnOnce() + Send + 'static) {
        self.state.on_cancel(Box::new(wake));
    }

    /// Returns `true` when the picture that just came need not be converted, because a guest's
    /// pictures replace it, because it is a standby camera's and the next one is soon there, or because more came than
    /// are wanted. Counts it as an arrival then.
    ///
    /// overflow: counted
    pub(crate) fn skip_if_surplus(&mut self, captured_at: Instant) -> bool {
        if self.gate.switch.guest_is_live() || self.is_spare() {
            lock(&self.state.state).add_picture(Instant::now(), &self.limits);
            return true;
        }
        let most_fps = self.demand.as_ref().and_then(|demand| demand.most_fps());
        let Some(fps) = most_fps else {
            self.cap = None;
            return false;
        };
        let cap = self.cap.get_or_insert_with(|| RateCap::new(fps));
        cap.set_fps(fps);
        if cap.admits(captured_at) || self.is_awaited() {
            return false;
        }
        self.count_skipped(captured_at);
        true
    }

    /// Whether another source is selected, and the next picture comes so soon that this one need not be kept for a switch.
    fn is_spare(&self) -> bool {
        let interval = || lock(&self.state.state).intervals.median();
        self.gate.is_on_standby() && is_fast(interval()) && !self.is_awaited()
    }

    /// Whether the supervisor waits for a picture, or has to know whether the next one can be read.
    fn is_awaited(&self) -> bool {
        let is_announced = self.state.announce.load(Ordering::Relaxed);
        is_announced || lock(&self.state.state).unreadable.is_some()
    }

    /// Counts a picture that nobody needs as an arrival.
    fn count_skipped(&mut self, captured_at: Instant) {
        lock(&self.state.state).add_picture(Instant::now(), &self.limits);
        self.heartbeat.beat(Duration::MAX);
        self.metrics.frames.inc();
        self.metrics.undecoded.inc();
        self.gate.count(self.attempt, captured_at);
    }

    /// Like [`SourceOutput::skip_if_surplus`], for pictures that can be decoded without those before: also `true` when
    /// nobody watches, for all but about one a second.
    ///
    /// overflow: counted
    pub(crate) fn skip_if_unneeded(&mut self, captured_at: Instant) -> bool {
        if self.skip_if_surplus(captured_at) {
            return true;
        }
        let is_unwatched = self
            .demand
            .as_ref()
            .is_some_and(|demand| !demand.somebody_watches());
        let now = Instant::now();
        let interval = lock(&self.state.state).intervals.median();
        let may_skip = self.idle.may_skip(now, interval);
        if !is_unwatched || !may_skip || self.is_awaited() {
            self.idle.decoded(now);
            return false;
        }
        self.count_skipped(captured_at);
        true
    }

    /// Reserves a camera of this machine. To be held while it is open. Refused, with the other one's name, while
    /// another source has it.
    pub(crate) fn claim_device(&self, id: &str) -> Result<DeviceClaim, String> {
        self.claims.claim(id, self.owner.as_ref())
    }

    /// A webcam was opened. To be held while it is: its controls change meanwhile.
    pub(crate) fn camera_opened(&self, path: PathBuf, name: String) -> CameraLease {
        self.camera.opened(path, name)
    }

    /// Where pictures are taken from.
    pub(crate) fn pool(&self) -> &PicturePool {
        &self.pool
    }

    /// Tells what is open. To be called before the first picture, and at each repetition of a file.
    pub(crate) fn announce(&mut self, opened: OpenedSource) {
        if self.opened == opened {
            return;
        }
        tracing::info!(source = %opened.source, fps = opened.fps, "source opened");
        self.opened = opened;
        self.state.announce_next();
    }

    pub(crate) fn publish(&mut self, pixels: PooledPicture, captured_at: Instant) {
        self.publish_frame(Frame::new(pixels, 0, captured_at));
    }

    /// As [`SourceOutput::publish`], for a source that sets more fields of its frame. Its number is set here.
    pub(crate) fn publish_frame(&mut self, frame: Frame) {
        self.heartbeat.beat(Duration::MAX);
        let mut frame = match frame.mounted(self.camera.mounting(), &self.pool) {
            Ok(frame) => frame,
            Err(error) => return self.count_bad_picture(&error),
        };
        let size = (frame.pixels.width(), frame.pixels.height());
        let stale_after = lock(&self.state.state).add_picture(Instant::now(), &self.limits);
        let announce = self.state.announce.swap(false, Ordering::Relaxed);
        if announce || size != self.size {
            self.size = size;
            let live = (self.opened.clone(), size.0, size.1);
            // Fails only when the whole capture has ended.
            let _ = self.events.send(Event::Live(self.attempt, live));
        }
        let frames = &self.metrics.frames;
        self.gate.publish(self.attempt, |seq| {
            // Counted before it is published, so that nobody sees a frame that is not counted.
            frames.inc();
            (frame.seq, frame.stale_after) = (seq, stale_after);
            frame
        });
    }

    /// Waits until `at`, or until the attempt is cancelled. A planned wait does not count as a stall.
    pub(crate) fn pause_until(&self, at: Instant) {
        let mut state = lock(&self.state.state);
        while !state.is_cancelled {
            let now = Instant::now();
            let left = at.saturating_duration_since(now);
            if left.is_zero() {
                return;
            }
            if state.last.is_some() {
                state.last = Some(now);
            }
            let slice = left.min(Duration::from_millis(500));
            let waited = self.state.changed.wait_timeout(state, slice);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Measures the duration of a conversion.
    pub(crate) fn timed<T>(&self, convert: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let result = convert();
        let histogram = self.metrics.convert_seconds.get_or_create(&self.label);
        histogram.observe(start.elapsed().as_secs_f64());
        result
    }

    /// Counts a picture that could not be decoded, and remembers why.
    ///
    /// overflow: counted
    pub(crate) fn count_bad_picture(&self, why: &dyn std::fmt::Display) {
        let counter = self.metrics.bad_pictures.get_or_create(&self.label);
        // Logged for the 1st, 2nd, 4th, 8th ... picture: a broken source must not fill the log.
        let count = counter.inc() + 1;
        if count.is_power_of_two() {
            tracing::warn!(source = self.label.source, count, %why, "picture discarded");
        }
        lock(&self.state.state).unreadable = Some(why.to_string());
    }
}
