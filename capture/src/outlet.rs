//! What a source's thread hands its pictures to, and how it is told to stop.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::error::CaptureError;
use crate::frame::Frame;
use crate::metrics::{CaptureMetrics, SourceLabel};
use crate::patience::{Flow, Patience};
use crate::pool::{PicturePool, PooledPicture};
use crate::rhythm::Rhythm;
use crate::switch::SourceSwitch;
use crate::threads::Heartbeat;

/// Names an attempt to read a source. Each has its own, for ever.
pub(crate) type Ticket = u64;

/// What is open.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Opened {
    /// In plain words, with what was granted.
    pub(crate) source: String,
    /// Frames per second, 0 when the source does not tell.
    pub(crate) fps: f32,
    /// Which camera, by the id that survives renumbering, and its name.
    pub(crate) camera: Option<(String, String)>,
}

/// What a source's thread tells the supervisor.
#[derive(Debug)]
pub(crate) enum Event {
    /// Pictures flow: the first, the first after a silence, or the first of another size.
    Flowing {
        ticket: Ticket,
        opened: Opened,
        width: u32,
        height: u32,
    },
    /// The thread is over.
    Ended {
        ticket: Ticket,
        result: Result<(), CaptureError>,
    },
    /// The owner of the capture wants it to end.
    Stop,
}

/// Lets one attempt at a time through to the switch. An abandoned thread that wakes after an hour
/// finds the gate shut.
#[derive(Debug)]
pub(crate) struct Gate {
    switch: Arc<SourceSwitch>,
    admitted: Mutex<Ticket>,
}

impl Gate {
    pub(crate) fn new(switch: Arc<SourceSwitch>) -> Arc<Self> {
        let admitted = Mutex::new(0);
        Arc::new(Self { switch, admitted })
    }

    /// From now on only this attempt's frames are published.
    pub(crate) fn admit(&self, ticket: Ticket) {
        *lock(&self.admitted) = ticket;
    }

    fn publish(&self, ticket: Ticket, make: impl FnOnce(u64) -> Frame) {
        let admitted = lock(&self.admitted);
        if *admitted == ticket {
            self.switch.house_frame(make);
        }
    }
}

/// What supervisor and source thread share about one attempt.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    state: Mutex<ProgressState>,
    changed: Condvar,
    /// The next picture is worth an [`Event::Flowing`].
    announce: AtomicBool,
}

#[derive(Debug, Default)]
struct ProgressState {
    revoked: bool,
    ended: bool,
    last: Option<Instant>,
    rhythm: Rhythm,
    /// Why a picture could not be read that came since the last good one.
    unreadable: Option<String>,
    on_revoked: OnRevoked,
}

/// Wakes a thread that waits for something else than [`Progress`].
#[derive(Default)]
struct OnRevoked(Option<Box<dyn FnOnce() + Send>>);

impl std::fmt::Debug for OnRevoked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "OnRevoked({})", self.0.is_some())
    }
}

impl ProgressState {
    /// Notes a picture; how long it may stand for the present.
    fn picture(&mut self, now: Instant, patience: &Patience) -> Duration {
        self.last = Some(now);
        self.unreadable = None;
        self.rhythm.picture(now);
        patience.stall_after(self.rhythm.usual_gap())
    }
}

impl Progress {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            announce: AtomicBool::new(true),
            ..Self::default()
        })
    }

    /// When the last picture came.
    pub(crate) fn last(&self) -> Option<Instant> {
        lock(&self.state).last
    }

    /// How pictures have come so far.
    pub(crate) fn flow(&self) -> Flow {
        let state = lock(&self.state);
        Flow {
            last: state.last,
            usual_gap: state.rhythm.usual_gap(),
            is_unreadable: state.unreadable.is_some(),
        }
    }

    /// Why the pictures since the last good one could not be read; `None` when none came.
    pub(crate) fn unreadable(&self) -> Option<String> {
        lock(&self.state).unreadable.clone()
    }

    /// Asks for [`Event::Flowing`] at the next picture.
    pub(crate) fn announce_next(&self) {
        self.announce.store(true, Ordering::Relaxed);
    }

    /// Tells the thread to stop.
    pub(crate) fn revoke(&self) {
        let on_revoked = {
            let mut state = lock(&self.state);
            state.revoked = true;
            state.on_revoked.0.take()
        };
        self.changed.notify_all();
        if let Some(wake) = on_revoked {
            wake();
        }
    }

    fn on_revoked(&self, wake: Box<dyn FnOnce() + Send>) {
        let mut state = lock(&self.state);
        if state.revoked {
            drop(state);
            wake();
        } else {
            state.on_revoked = OnRevoked(Some(wake));
        }
    }

    /// Said by the thread when it is over.
    pub(crate) fn ended(&self) {
        lock(&self.state).ended = true;
        self.changed.notify_all();
    }

    /// Waits until the thread is over; `false` when it is not within `limit`.
    pub(crate) fn wait_ended(&self, limit: Duration) -> bool {
        let state = lock(&self.state);
        let waited = self
            .changed
            .wait_timeout_while(state, limit, |state| !state.ended);
        waited.unwrap_or_else(PoisonError::into_inner).0.ended
    }
}

/// A source thread's end of things.
#[derive(Debug)]
pub(crate) struct Outlet {
    pub(crate) ticket: Ticket,
    pub(crate) gate: Arc<Gate>,
    pub(crate) progress: Arc<Progress>,
    pub(crate) patience: Patience,
    pub(crate) events: Sender<Event>,
    pub(crate) pool: PicturePool,
    pub(crate) metrics: Arc<CaptureMetrics>,
    pub(crate) label: SourceLabel,
    pub(crate) opened: Opened,
    /// Of the last picture, in pixels.
    pub(crate) size: (u32, u32),
    /// Without a deadline: the supervisor watches the pictures, and a thread that hangs in a driver is
    /// no fault of the program.
    pub(crate) heartbeat: Heartbeat,
}

impl Outlet {
    /// Whether anybody still wants pictures of this attempt. Ask in every turn of a loop.
    pub(crate) fn wanted(&self) -> bool {
        !lock(&self.progress.state).revoked
    }

    /// Has `wake` called, once, when nobody wants pictures any more: for a thread that waits elsewhere.
    pub(crate) fn on_revoked(&self, wake: impl FnOnce() + Send + 'static) {
        self.progress.on_revoked(Box::new(wake));
    }

    /// Whether the picture that just came would be thrown away, because a guest is on the air: then
    /// it need not be decoded. It counts as a sign of life.
    pub(crate) fn unseen(&self) -> bool {
        let unseen = self.gate.switch.house_is_off_air();
        if unseen {
            lock(&self.progress.state).picture(Instant::now(), &self.patience);
        }
        unseen
    }

    /// Where pictures are taken from.
    pub(crate) fn pool(&self) -> &PicturePool {
        &self.pool
    }

    /// Says what is open and was granted. Before the first picture, and at each turn of a file.
    pub(crate) fn opened(&mut self, opened: Opened) {
        if self.opened == opened {
            return;
        }
        tracing::info!(source = %opened.source, fps = opened.fps, "source opened");
        self.opened = opened;
        self.progress.announce_next();
    }

    /// Hands a picture on.
    pub(crate) fn publish(&mut self, pixels: PooledPicture, captured_at: Instant) {
        let size = (pixels.width(), pixels.height());
        self.publish_frame(size, |seq| Frame::new(pixels, seq, captured_at));
    }

    /// As [`Outlet::publish`], for a source that knows more about its frame.
    pub(crate) fn publish_frame(&mut self, size: (u32, u32), make: impl FnOnce(u64) -> Frame) {
        self.heartbeat.beat(Duration::MAX);
        let stale_after = lock(&self.progress.state).picture(Instant::now(), &self.patience);
        let announced = self.progress.announce.swap(false, Ordering::Relaxed);
        if announced || size != self.size {
            self.size = size;
            let (width, height) = size;
            let opened = self.opened.clone();
            let event = Event::Flowing {
                ticket: self.ticket,
                opened,
                width,
                height,
            };
            // The receiver is gone only when the whole capture is.
            let _ = self.events.send(event);
        }
        let frames = &self.metrics.frames;
        self.gate.publish(self.ticket, |seq| {
            // Counted first: who sees the frame sees it counted.
            frames.inc();
            let mut frame = make(seq);
            frame.stale_after = stale_after;
            frame
        });
    }

    /// Waits until `at`, less when revoked. A planned wait is no stall.
    pub(crate) fn pause_until(&self, at: Instant) {
        let mut state = lock(&self.progress.state);
        while !state.revoked {
            let now = Instant::now();
            let left = at.saturating_duration_since(now);
            if left.is_zero() {
                return;
            }
            if state.last.is_some() {
                state.last = Some(now);
            }
            let slice = left.min(Duration::from_millis(500));
            let waited = self.progress.changed.wait_timeout(state, slice);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Times a conversion.
    pub(crate) fn timed<T>(&self, convert: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let result = convert();
        let histogram = self.metrics.convert_seconds.get_or_create(&self.label);
        histogram.observe(start.elapsed().as_secs_f64());
        result
    }

    /// Notes a picture that had to be thrown away.
    ///
    /// overflow: counted
    pub(crate) fn bad_picture(&self, why: &dyn std::fmt::Display) {
        let counter = self.metrics.bad_pictures.get_or_create(&self.label);
        // The first few are news, the ten-thousandth is not.
        let count = counter.inc() + 1;
        if count.is_power_of_two() {
            tracing::warn!(source = self.label.source, count, %why, "picture thrown away");
        }
        lock(&self.progress.state).unreadable = Some(why.to_string());
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, channel};

    use super::*;
    use crate::slot::Slot;
    use crate::spec::SourceSpec;

    /// An admitted outlet and its other ends.
    fn outlet() -> (Outlet, Receiver<Event>, Arc<Slot<Frame>>) {
        let frames = Slot::new();
        let gate = Gate::new(SourceSwitch::new(Arc::clone(&frames), Slot::new()));
        gate.admit(1);
        let (events, received) = channel();
        let outlet = Outlet {
            ticket: 1,
            gate,
            progress: Progress::new(),
            patience: Patience::of(&SourceSpec::Scene),
            events,
            pool: PicturePool::new(2),
            metrics: Arc::default(),
            label: SourceLabel { source: "test" },
            opened: Opened::default(),
            size: (0, 0),
            heartbeat: crate::threads::Threads::default().enter("source"),
        };
        (outlet, received, frames)
    }

    fn publish(outlet: &mut Outlet, width: u32) {
        let picture = outlet.pool().take(width, 2).expect("even");
        outlet.publish(picture, Instant::now());
    }

    #[test]
    fn frames_are_numbered_and_only_news_is_announced() {
        let (mut outlet, events, frames) = outlet();
        for width in [4, 4, 4, 8] {
            publish(&mut outlet, width);
        }
        assert_eq!(frames.latest().expect("published").seq, 4);
        let widths: Vec<u32> = events
            .try_iter()
            .map(|event| match event {
                Event::Flowing { width, .. } => width,
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(widths, [4, 8]);
        outlet.progress.announce_next();
        publish(&mut outlet, 8);
        assert_eq!(events.try_iter().count(), 1);
    }

    #[test]
    fn an_abandoned_thread_finds_the_gate_shut_and_the_numbers_go_on() {
        let (mut outlet, _events, frames) = outlet();
        publish(&mut outlet, 4);
        outlet.gate.admit(2);
        publish(&mut outlet, 4);
        assert_eq!(frames.latest().expect("published").seq, 1);
        outlet.ticket = 2;
        publish(&mut outlet, 4);
        assert_eq!(frames.latest().expect("published").seq, 2);
        assert_eq!(outlet.metrics.frames.get(), 2);
    }

    #[test]
    fn pictures_behind_a_guest_are_a_sign_of_life_and_nothing_else() {
        let (mut outlet, _events, frames) = outlet();
        assert!(!outlet.unseen());
        let switch = Arc::clone(&outlet.gate.switch);
        let mut guest = switch.guest("phone");
        guest.publish(outlet.pool().take(8, 2).expect("even"), Instant::now());
        assert!(outlet.unseen() && outlet.progress.last().is_some());
        publish(&mut outlet, 4);
        assert_eq!(frames.latest().expect("the guest's").pixels.width(), 8);
    }

    #[test]
    fn a_revoked_thread_does_not_sleep_on() {
        let (outlet, _events, _frames) = outlet();
        outlet.progress.revoke();
        let start = Instant::now();
        outlet.pause_until(start + Duration::from_secs(60));
        assert!(start.elapsed() < Duration::from_secs(5) && !outlet.wanted());
    }
}
