//! The detector's thread.
//!
//! In: the newest frame of a slot. Out: tracks in another slot, and the state of the detector.

mod detect;
mod faces;
mod pace;
mod state;
#[cfg(test)]
mod tests;
mod tuning;

use std::collections::BTreeMap;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use capture::{Backoff, Frame, Heartbeat, Next, Slot, SlotReader, TURN_MAX, Threads};

use crate::detector::{DetectError, DetectorConfig, OpenError, open, open_for_faces};
use crate::metrics::DetectorMetrics;
use crate::privacy::{SIGHTING_SCORE, Sighting, Sightings};
use crate::tracker::{Thresholds, Tracker, TrackerConfig};
use crate::tracks::Tracks;
use detect::{BACKOFF, Detect};
use faces::FaceFinder;
use pace::FrameSelector;

pub use pace::Pace;
pub use state::DetectorState;
pub use tuning::{Tuning, TuningControl};

/// The longest wait for a frame, after which a stop is noticed.
const FRAME_WAIT: Duration = Duration::from_millis(200);
/// The deadline for opening a model, which some providers compile.
const OPENING_MAX: Duration = Duration::from_secs(15 * 60);
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

/// Starts the detector's thread. The model is opened there, so that opening does not delay the feed. A
/// missing or failing model is published as a state, and opened again with exponential back-off.
pub fn spawn_worker(parts: WorkerParts, config: DetectorConfig) -> io::Result<WorkerHandle> {
    let metrics = Arc::clone(&parts.metrics);
    let for_faces = config.clone();
    let faces = FaceFinder::new(Box::new(move || open_for_faces(&for_faces)));
    spawn_with(parts, faces, move || open(&config, &metrics))
}

fn spawn_with<D, O>(parts: WorkerParts, faces: FaceFinder<D>, open: O) -> io::Result<WorkerHandle>
where
    D: Detect + Send + 'static,
    O: FnMut() -> Result<Option<D>, OpenError> + Send + 'static,
{
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    let threads = parts.threads.clone();
    let mut worker = Worker {
        parts,
        open,
        stopped,
        faces,
        at_work: None,
        backoff: BACKOFF,
        retry_at: None,
    };
    let thread = threads.spawn("detect", move |heartbeat| {
        worker.run(heartbeat);
        publish(&worker.parts.state, DetectorState::Off);
    })?;
    Ok(WorkerHandle { stop, thread })
}

struct Worker<D, O> {
    parts: WorkerParts,
    open: O,
    stopped: Arc<AtomicBool>,
    faces: FaceFinder<D>,
    at_work: Option<AtWork<D>>,
    backoff: Backoff,
    /// When to open the model again; `None`: at once.
    retry_at: Option<Instant>,
}

/// An open detector with its tracker.
struct AtWork<D> {
    detector: D,
    labels: Arc<[String]>,
    tracker: Tracker,
    /// The generation of the tuning in use.
    tuned: u64,
    /// For each class, whether it is shown.
    shown: Vec<bool>,
    thresholds: Thresholds,
    frame_size: (u32, u32),
    failures: u32,
    selector: FrameSelector,
    last: Option<Instant>,
}

impl<D, O> Worker<D, O>
where
    D: Detect,
    O: FnMut() -> Result<Option<D>, OpenError>,
{
    fn run(&mut self, heartbeat: &Heartbeat) {
        // After a panic, the model may be inconsistent and is opened again.
        self.at_work = None;
        let mut overtaken = self.parts.frames.skipped();
        while !self.stopped.load(Ordering::Relaxed) {
            if self.at_work.is_none() && self.is_retry_due(Instant::now()) {
                heartbeat.beat(OPENING_MAX);
                if !self.open() {
                    return;
                }
            }
            heartbeat.beat(TURN_MAX);
            let frame = match self.parts.frames.wait(FRAME_WAIT) {
                Next::Newer(frame) => frame,
                Next::TimedOut => {
                    self.parts.metrics.rate_fps.set(0.0);
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

    fn is_retry_due(&self, now: Instant) -> bool {
        self.retry_at.is_none_or(|at| now >= at)
    }

    fn retry_later(&mut self, now: Instant) {
        self.retry_at = Some(now + self.backoff.failed(now));
    }

    /// Opens the model. `false` when no detection was asked for.
    fn open(&mut self) -> bool {
        // Published only the first time: later attempts keep the previous state.
        if self.parts.state.latest().is_none() {
            publish(&self.parts.state, DetectorState::Warming);
        }
        let opened = catch_unwind(AssertUnwindSafe(|| (self.open)()));
        let state = match opened {
            Ok(Ok(None)) => return false,
            Ok(Ok(Some(detector))) => {
                let state = detector.running();
                self.at_work = Some(AtWork::new(detector));
                state
            }
            Ok(Err(problem)) => {
                self.retry_later(Instant::now());
                let OpenError { message, fix, .. } = problem;
                match problem.is_missing {
                    true => DetectorState::Missing { message, fix },
                    false => DetectorState::Failed { message, fix },
                }
            }
            Err(_) => {
                self.retry_later(Instant::now());
                let message = "the detector broke down while it opened the model".to_owned();
                DetectorState::Failed { message, fix: None }
            }
        };
        publish(&self.parts.state, state);
        true
    }

    fn look_at(&mut self, frame: &Frame) {
        let (now, metrics) = (Instant::now(), &self.parts.metrics);
        let Some(at_work) = &mut self.at_work else {
            return;
        };
        let sightings = &self.parts.sightings;
        let period = self.parts.pace.period_within(sightings.longest_period());
        if !at_work.selector.take(now, period) {
            // overflow: counted (frames that the pace skips)
            metrics.paced_out.inc();
            return;
        }
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            at_work.tune(&self.parts.tuning);
            at_work.follow(frame, metrics, sightings, &mut self.faces)
        }));
        let problem = match outcome {
            Ok(Ok(tracks)) => {
                self.parts.tracks.publish(tracks);
                metrics.total.observe(now.elapsed().as_secs_f64());
                at_work.note_rate(now, metrics);
                self.backoff.reset();
                return;
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => "the detector broke down".to_owned(),
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

impl<D: Detect> AtWork<D> {
    fn new(detector: D) -> Self {
        let config = TrackerConfig::for_score(detector.min_score());
        Self {
            labels: detector.labels(),
            detector,
            tracker: Tracker::new(config),
            tuned: 0,
            shown: Vec::new(),
            thresholds: Thresholds::new(config, BTreeMap::new()),
            frame_size: (0, 0),
            failures: 0,
            selector: FrameSelector::default(),
            last: None,
        }
    }

    /// Takes changed limits into use.
    fn tune(&mut self, control: &TuningControl) {
        let generation = control.generation();
        if generation == self.tuned {
            return;
        }
        self.tuned = generation;
        let tuning = control.tuning();
        self.thresholds = tuning.thresholds(self.detector.min_score(), &self.labels);
        self.tracker.configure(self.thresholds.clone());
        self.shown = tuning.shown(&self.labels);
    }

    fn follow(
        &mut self,
        frame: &Frame,
        metrics: &DetectorMetrics,
        sightings: &Sightings,
        faces: &mut FaceFinder<D>,
    ) -> Result<Tracks, DetectError> {
        let size = (frame.pixels.width(), frame.pixels.height());
        if self.frame_size != size {
            // Another source or mode, so that the old boxes do not apply.
            self.tracker.forget();
            self.frame_size = size;
        }
        // Weak detections are for the tracker, which continues known objects with them.
        let weak_score = self.thresholds.least_weak_score();
        let is_sighting_needed = sightings.are_needed();
        let least_score = match is_sighting_needed {
            true => weak_score.min(SIGHTING_SCORE),
            false => weak_score,
        };
        let mut detections = self.detector.detect(&frame.pixels, least_score)?;
        self.failures = 0;
        // Before the tracker and every limit on what is shown.
        if is_sighting_needed {
            let mut sighting = Sighting::new(frame, &self.labels, &detections);
            if sightings.need_face_model(&self.labels) {
                faces.add_to(&mut sighting, frame, Instant::now());
            } else {
                faces.close();
            }
            sightings.slot.publish(sighting);
        } else {
            faces.close();
        }
        let is_shown = |class_id: usize| self.shown.get(class_id).is_none_or(|shown| *shown);
        detections.retain(|found| self.thresholds.is_plausible(found) && is_shown(found.class_id));
        let started = Instant::now();
        let items = self.tracker.update(&detections, frame.captured_at);
        metrics.track.observe(started.elapsed().as_secs_f64());
        Ok(Tracks {
            captured_at: frame.captured_at,
            frame_seq: frame.seq,
            frame_width: size.0,
            frame_height: size.1,
            labels: Arc::clone(&self.labels),
            items,
        })
    }

    /// Updates the rate, smoothed over about ten detections.
    fn note_rate(&mut self, now: Instant, metrics: &DetectorMetrics) {
        let Some(last) = self.last.replace(now) else {
            return;
        };
        let period = now.saturating_duration_since(last).as_secs_f64().max(1e-4);
        let rate = metrics.rate_fps.get();
        let smoothed = if rate > 0.0 {
            1.0 / rate * 0.9 + period * 0.1
        } else {
            period
        };
        metrics.rate_fps.set(1.0 / smoothed);
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
        } => {
            tracing::info!(model, provider, experimental, "detection running");
        }
        DetectorState::Off | DetectorState::Warming => {}
    }
    slot.publish(state);
}
