//! The detector's thread.
//!
//! In: the newest frame of a slot, and changes of the model. Out: tracks in another slot, and the state of the
//! detector.

mod at_work;
mod detect;
mod faces;
mod gate;
mod model_change;
mod opening;
mod pace;
mod second;
mod state;
#[cfg(test)]
mod tests;
mod tuning;

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use capture::trace::{self, TraceSpan};
use capture::{Backoff, Frame, Heartbeat, Next, Slot, SlotReader, TURN_MAX, Threads};

use crate::config::DetectorConfig;
use crate::metrics::DetectorMetrics;
use crate::models::store::ModelChoice;
use crate::opening::{OpenError, open_all, open_for_faces};
use crate::privacy::Sightings;
use crate::tracks::Tracks;
use at_work::AtWork;
use detect::{BACKOFF, Detect};
use faces::FaceFinder;
use opening::{OpenModel, Opened, Opener};

pub use gate::MotionGate;
pub use model_change::{ModelChange, ModelChangeState, ModelControl};
pub use pace::{DetectWhen, Pace};
pub use state::{DetectorState, RunningDetails, SecondModel};
pub use tuning::{Tuning, TuningControl};

/// The longest wait for a frame, after which a stop is noticed.
const FRAME_WAIT: Duration = Duration::from_millis(200);
/// After this time without a detection, the rate is 0.
const SILENCE: Duration = Duration::from_secs(3);
/// The deadline for one detection by the largest model on the slowest processor.
const DETECTION_MAX: Duration = Duration::from_secs(120);
/// After this many failures in a row, the model is opened again.
const MOST_FAILURES: u32 = 3;
/// [`WorkerHandle::stop`] waits at most this long for the thread, then leaves it behind.
const LONGEST_STOP: Duration = Duration::from_secs(3);

/// The connections of the worker.
#[derive(Debug)]
pub struct WorkerParts {
    /// Frames come from here.
    pub frames: SlotReader<Frame>,
    pub tracks: Arc<Slot<Tracks>>,
    /// Published on every change.
    pub state: Arc<Slot<DetectorState>>,
    /// Limits how often frames are detected.
    pub pace: Arc<Pace>,
    /// Raw detections for the privacy filter.
    pub sightings: Sightings,
    /// Which objects are shown.
    pub tuning: Arc<TuningControl>,
    /// Changes the model.
    pub model: Arc<ModelControl>,
    pub metrics: Arc<DetectorMetrics>,
    /// Where the thread is registered.
    pub threads: Threads,
}

#[derive(Debug)]
pub struct WorkerHandle {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl WorkerHandle {
    /// Ends the thread. It also ends by itself when the slot of frames is closed.
    pub fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
        let deadline = Instant::now() + LONGEST_STOP;
        while !self.thread.is_finished() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
        if self.thread.is_finished() {
            // A panic was reported by the panic hook already.
            drop(self.thread.join());
        } else {
            tracing::warn!("the detector is still busy; its thread is left behind");
        }
    }
}

/// Starts the detector's thread with the model of `config`, which is opened on a thread of its own, so that opening
/// does not delay the feed. A missing or failing model is published as a state, and opened again with exponential
/// back-off.
pub fn spawn_worker(parts: WorkerParts, config: DetectorConfig) -> io::Result<WorkerHandle> {
    let metrics = Arc::clone(&parts.metrics);
    let for_faces = config.clone();
    let faces = FaceFinder::new(Box::new(move || open_for_faces(&for_faces)));
    parts.model.start(config.model.clone());
    let open = move |model: &ModelChoice| {
        let config = DetectorConfig {
            model: model.clone(),
            ..config.clone()
        };
        open_all(&config, &metrics)
    };
    spawn_with(parts, faces, Arc::new(open))
}

fn spawn_with<D: Detect + Send + 'static>(
    parts: WorkerParts,
    faces: FaceFinder<D>,
    open: OpenModel<D>,
) -> io::Result<WorkerHandle> {
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    let threads = parts.threads.clone();
    let mut worker = Worker {
        parts,
        opener: Opener::new(open),
        stopped,
        faces,
        at_work: None,
        is_off: false,
        backoff: BACKOFF,
        retry_at: None,
        next_track_id: 1,
    };
    let thread = threads.spawn("detect", move |heartbeat| {
        worker.run(heartbeat);
        publish(&worker.parts.state, DetectorState::Off);
    })?;
    Ok(WorkerHandle { stop, thread })
}

struct Worker<D> {
    parts: WorkerParts,
    opener: Opener<D>,
    stopped: Arc<AtomicBool>,
    faces: FaceFinder<D>,
    at_work: Option<AtWork<D>>,
    /// No detection is asked for.
    is_off: bool,
    backoff: Backoff,
    /// When to open the model again; `None`: at once.
    retry_at: Option<Instant>,
    /// Ids of tracks count on when another model comes.
    next_track_id: u64,
}

impl<D: Detect + Send + 'static> Worker<D> {
    fn run(&mut self, heartbeat: &Heartbeat) {
        // After a panic, the model may be inconsistent and is opened again.
        self.at_work = None;
        let mut overtaken = self.parts.frames.skipped();
        while !self.stopped.load(Ordering::Relaxed) {
            heartbeat.beat(TURN_MAX);
            self.manage_model(Instant::now());
            if self.at_work.is_none() && self.opener.is_busy() {
                // The newest frame stays in the slot until it can be detected.
                continue;
            }
            let frame = match self.parts.frames.wait(FRAME_WAIT) {
                Next::Newer(frame) => frame,
                Next::TimedOut => {
                    self.note_silence(Instant::now());
                    if self.parts.frames.latest().is_none() {
                        self.clear_tracks();
                    }
                    continue;
                }
                Next::Closed => return,
            };
            // overflow: newest-wins, counted
            let skipped = self.parts.frames.skipped();
            self.parts.metrics.overtaken.inc_by(skipped - overtaken);
            overtaken = skipped;
            heartbeat.beat(DETECTION_MAX);
            self.look_at(&frame);
        }
    }

    /// No frame comes. While nobody watches, one a second does.
    fn note_silence(&self, now: Instant) {
        let last = self.at_work.as_ref().and_then(|at_work| at_work.last);
        if last.is_none_or(|last| now.saturating_duration_since(last) >= SILENCE) {
            self.parts.metrics.rate_fps.set(0.0);
        }
    }

    fn is_retry_due(&self, now: Instant) -> bool {
        self.retry_at.is_none_or(|at| now >= at)
    }

    fn retry_later(&mut self, now: Instant) {
        self.retry_at = Some(now + self.backoff.failed(now));
    }

    /// Begins to open models, and takes those that are open into use. Detection goes on meanwhile.
    fn manage_model(&mut self, now: Instant) {
        let wait = match self.at_work {
            Some(_) => Duration::ZERO,
            None => FRAME_WAIT,
        };
        if let Some(opened) = self.opener.take(wait) {
            self.take_over(opened, now);
        }
        if self.opener.is_busy() {
            return;
        }
        let control = &self.parts.model;
        let (change, model) = match control.requested() {
            Some((number, model)) if model == control.in_use() => {
                control.settle(number, Ok(()));
                return;
            }
            Some((number, model)) => (Some(number), model),
            None if self.at_work.is_none() && !self.is_off && self.is_retry_due(now) => {
                (None, control.in_use())
            }
            None => return,
        };
        // Published only the first time: later attempts keep the previous state.
        if self.parts.state.latest().is_none() {
            publish(&self.parts.state, DetectorState::Warming);
        }
        // With the one for faces, there would be three models. Heads of persons are hidden meanwhile.
        self.faces.close();
        self.opener.begin(change, model, &self.parts.threads);
    }

    fn take_over(&mut self, opened: Opened<D>, now: Instant) {
        let Opened { change, result } = opened;
        let control = &self.parts.model;
        match (change, result) {
            // Nobody asks for a model that another change followed: it is dropped.
            (Some(number), Ok(detector)) if control.settle(number, Ok(())) => {
                self.exchange(detector)
            }
            (Some(_), Ok(_)) => {}
            (Some(number), Err(error)) => {
                let in_use = control.in_use();
                tracing::warn!(%in_use, fix = error.fix, "the model was not changed: {}", error.message);
                control.settle(number, Err(error));
            }
            (None, Ok(detector)) => self.exchange(detector),
            (
                None,
                Err(OpenError {
                    is_missing,
                    message,
                    fix,
                }),
            ) => {
                self.retry_later(now);
                let state = match is_missing {
                    true => DetectorState::Missing { message, fix },
                    false => DetectorState::Failed { message, fix },
                };
                publish(&self.parts.state, state);
            }
        }
    }

    /// Takes another detector into use; `None`: none.
    fn exchange(&mut self, detector: Option<D>) {
        let metrics = &self.parts.metrics;
        if let Some(former) = self.at_work.take() {
            let inference = metrics.recent_inference.get();
            self.parts
                .model
                .note_inference(former.detector.name(), inference);
        }
        metrics.recent_inference.set(0.0);
        metrics.recent_second.set(0.0);
        metrics.rate_fps.set(0.0);
        self.retry_at = None;
        self.is_off = detector.is_none();
        let state = detector.as_ref().map_or(DetectorState::Off, D::running);
        self.at_work = detector.map(|detector| AtWork::new(detector, self.next_track_id));
        self.clear_tracks();
        publish(&self.parts.state, state);
    }

    /// Ends all tracks.
    fn clear_tracks(&self) {
        let labels = self
            .at_work
            .as_ref()
            .map(|at_work| Arc::clone(&at_work.labels));
        let labels = labels.unwrap_or_default();
        let last = self.parts.tracks.latest();
        if let Some(last) = last.filter(|last| !last.items.is_empty() || last.labels != labels) {
            self.parts.tracks.publish(Tracks {
                labels,
                items: Vec::new(),
                ..(*last).clone()
            });
        }
    }

    fn look_at(&mut self, frame: &Frame) {
        let (now, metrics) = (Instant::now(), &self.parts.metrics);
        let Some(at_work) = &mut self.at_work else {
            return;
        };
        let sightings = &self.parts.sightings;
        let longest = sightings.longest_period();
        let (pace, tuning) = (&self.parts.pace, &self.parts.tuning);
        if !at_work.selects(frame, now, pace, longest, tuning, metrics) {
            return;
        }
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            at_work.tune(tuning);
            // Not while a model is opened, since there would be three.
            let faces = (!self.opener.is_busy()).then_some(&mut self.faces);
            at_work.follow(frame, metrics, sightings, faces)
        }));
        let problem = match outcome {
            Ok(Ok(tracks)) => {
                self.next_track_id = at_work.next_track_id();
                // Not after the source was replaced, or the shutter closed.
                let newest = self.parts.frames.latest();
                if newest.is_some_and(|newest| newest.source_number == frame.source_number) {
                    self.parts.tracks.publish(tracks);
                }
                let end = Instant::now();
                metrics.total.observe((end - now).as_secs_f64());
                if let Some(root) = trace::of_frame(frame.seq) {
                    trace::record(TraceSpan::part_of(root, "carrier.detect", (now, end)));
                }
                at_work.note_rate(now, metrics);
                self.backoff.reset();
                return;
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => "the detector panicked".to_owned(),
        };
        metrics.failures.inc();
        tracing::warn!(problem, frame_seq = frame.seq, "detection failed");
        at_work.failures += 1;
        if at_work.failures >= MOST_FAILURES {
            self.at_work = None;
            metrics.rate_fps.set(0.0);
            self.retry_later(Instant::now());
            let (message, fix) = (problem, None);
            publish(&self.parts.state, DetectorState::Failed { message, fix });
        }
    }
}

/// Publishes and logs a state, if it has changed.
fn publish(slot: &Slot<DetectorState>, state: DetectorState) {
    if slot.latest().as_deref() == Some(&state) {
        return;
    }
    match &state {
        DetectorState::Missing { message, fix } | DetectorState::Failed { message, fix } => {
            tracing::warn!(fix = fix.as_deref(), "no detection: {message}");
        }
        DetectorState::Running {
            model,
            provider,
            experimental,
            ..
        } => {
            tracing::info!(model, provider, experimental, "detection running");
        }
        DetectorState::Off | DetectorState::Warming => {}
    }
    slot.publish(state);
}
