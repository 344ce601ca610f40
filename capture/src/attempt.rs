//! One attempt to read a source, on a thread of its own that can be left behind.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::clock::WallClock;
use crate::error::CaptureError;
use crate::metrics::{CaptureMetrics, SourceLabel};
use crate::mode::Wanted;
use crate::outlet::{Event, Gate, Opened, Outlet, Progress, Ticket};
use crate::patience::{Patience, StallCheck, Watch};
use crate::plan::Job;
use crate::pool::PicturePool;
use crate::threads::Threads;
use crate::{mjpeg_http, scene_source, spec::SourceSpec, video, webcam, y4m_pipe};

/// What every attempt needs.
#[derive(Debug, Clone)]
pub(crate) struct Surroundings {
    pub(crate) gate: Arc<Gate>,
    pub(crate) events: Sender<Event>,
    pub(crate) pool: PicturePool,
    pub(crate) metrics: Arc<CaptureMetrics>,
    pub(crate) wanted: Wanted,
    pub(crate) clock: WallClock,
    pub(crate) threads: Threads,
}

/// Tells the attempt's thread to stop when it is dropped, also by a panic of the supervisor: a thread
/// that nobody attends would keep its camera.
#[derive(Debug)]
struct Revoked(Arc<Progress>);

impl Drop for Revoked {
    fn drop(&mut self) {
        self.0.revoke();
    }
}

/// A running attempt.
#[derive(Debug)]
pub(crate) struct Attempt {
    pub(crate) ticket: Ticket,
    progress: Revoked,
    watch: Watch,
    thread: JoinHandle<()>,
}

impl Attempt {
    /// Starts a thread for `job`.
    pub(crate) fn start(
        ticket: Ticket,
        job: Job,
        around: &Surroundings,
    ) -> Result<Self, CaptureError> {
        let progress = Progress::new();
        let heartbeat = around.threads.enter("source");
        heartbeat.rest();
        let spec = job.spec();
        let patience = Patience::of(&spec);
        let mut outlet = Outlet {
            ticket,
            gate: Arc::clone(&around.gate),
            progress: Arc::clone(&progress),
            patience,
            events: around.events.clone(),
            pool: around.pool.clone(),
            metrics: Arc::clone(&around.metrics),
            label: SourceLabel {
                source: spec.kind(),
            },
            opened: Opened::default(),
            size: (0, 0),
            heartbeat,
        };
        let (wanted, clock) = (around.wanted, around.clock);
        let work = move || {
            let name = job.spec().plain_name();
            // A library's panic ends the attempt, not the program.
            let run = AssertUnwindSafe(|| run(&job, &wanted, clock, &mut outlet));
            let result = catch_unwind(run).unwrap_or(Err(CaptureError::Panicked { name }));
            outlet.progress.ended();
            // The receiver is gone only when the whole capture is.
            let _ = outlet.events.send(Event::Ended { ticket, result });
        };
        let name = format!("source-{}-{ticket}", spec.kind());
        let thread = std::thread::Builder::new().name(name).spawn(work);
        let thread = thread.map_err(CaptureError::Thread)?;
        let watch = Watch::new(patience, Instant::now());
        Ok(Self {
            ticket,
            progress: Revoked(progress),
            watch,
            thread,
        })
    }

    /// Pictures flow.
    pub(crate) fn flowing(&mut self) {
        self.watch.flowing();
    }

    /// Looks whether the attempt is silent.
    pub(crate) fn check(&mut self, now: Instant) -> StallCheck {
        self.watch.check(&self.progress.0.flow(), now)
    }

    /// Why no picture could be read, if some came.
    pub(crate) fn unreadable(&self) -> Option<String> {
        self.progress.0.unreadable()
    }

    /// When the last picture came.
    pub(crate) fn last_picture(&self) -> Option<Instant> {
        self.progress.0.last()
    }

    /// Asks to be told of the next picture.
    pub(crate) fn announce_next(&self) {
        self.progress.0.announce_next();
    }

    /// Ends the thread; gives it back when it does not end within `grace`.
    pub(crate) fn end(self, grace: Duration) -> Result<(), JoinHandle<()>> {
        self.progress.0.revoke();
        if !self.progress.0.wait_ended(grace) {
            return Err(self.thread);
        }
        // It cannot panic any more; all that is left of it is its return.
        let _ = self.thread.join();
        Ok(())
    }
}

impl Job {
    fn spec(&self) -> SourceSpec {
        match self {
            Self::Camera(_) => SourceSpec::Webcam { id: None },
            Self::File { path, .. } => SourceSpec::File(path.clone()),
            Self::Url(url) => SourceSpec::Url(url.clone()),
            Self::Mjpeg(url) => SourceSpec::MjpegUrl(url.clone()),
            Self::Y4m { input, .. } => SourceSpec::Y4m(input.clone()),
            Self::Scene => SourceSpec::Scene,
        }
    }
}

fn run(
    job: &Job,
    wanted: &Wanted,
    clock: WallClock,
    outlet: &mut Outlet,
) -> Result<(), CaptureError> {
    let name = job.spec().plain_name();
    match job {
        Job::Camera(choice) => webcam::run(choice, wanted, outlet),
        Job::File { path, again } => video::run_file(path, *again, outlet),
        Job::Url(url) => video::run_url(url, name, outlet),
        Job::Mjpeg(url) => mjpeg_http::run(url, name, outlet),
        Job::Y4m { input, again } => y4m_pipe::run(input, *again, outlet),
        Job::Scene => scene_source::run(clock, outlet),
    }
}
