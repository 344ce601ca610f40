//! One attempt to read a source, on a thread of its own that can be left behind.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::plan::Target;
use crate::camera_settings::CameraSettings;
use crate::device_claims::DeviceClaims;
use crate::error::CaptureError;
use crate::frame::WallClock;
use crate::metrics::{CaptureMetrics, SourceLabel};
use crate::picture::PicturePool;
use crate::sources::camera::Wanted;
use crate::sources::idle::{IdlePace, PictureDemand};
use crate::sources::kind::{Request, SourceKind};
use crate::sources::output::{
    AttemptId, AttemptState, Event, OpenedSource, PublishGate, SourceOutput,
};
use crate::sources::stall::{StallCheck, StallDetector};
use crate::threads::Threads;

/// What all attempts share.
#[derive(Debug, Clone)]
pub(crate) struct AttemptContext {
    pub(crate) gate: Arc<PublishGate>,
    pub(crate) events: Sender<Event>,
    pub(crate) pool: PicturePool,
    pub(crate) camera: Arc<CameraSettings>,
    /// The camera's name, if it was given one.
    pub(crate) owner: Option<Arc<str>>,
    pub(crate) claims: Arc<DeviceClaims>,
    pub(crate) demand: Option<Arc<dyn PictureDemand>>,
    pub(crate) metrics: Arc<CaptureMetrics>,
    pub(crate) wanted: Wanted,
    pub(crate) loop_file: bool,
    pub(crate) clock: WallClock,
    pub(crate) threads: Threads,
}

impl AttemptContext {
    /// What a camera is asked for now.
    fn limited(&self) -> Wanted {
        let limit = self.demand.as_ref().map(|demand| demand.limit());
        limit.map_or(self.wanted, |limit| limit.within(self.wanted))
    }
}

/// Cancels the attempt when it is dropped, also by a panic of the supervisor: a thread that nobody
/// cancels would keep its camera open.
#[derive(Debug)]
struct CancelOnDrop(Arc<AttemptState>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

#[derive(Debug)]
pub(crate) struct Attempt {
    pub(crate) id: AttemptId,
    kind: &'static SourceKind,
    /// What a camera was asked for.
    wanted: Wanted,
    state: CancelOnDrop,
    stall: StallDetector,
    thread: JoinHandle<()>,
}

impl Attempt {
    /// Starts a thread that reads `target`.
    pub(crate) fn start(
        id: AttemptId,
        target: Target,
        context: &AttemptContext,
    ) -> Result<Self, CaptureError> {
        let kind = target.kind;
        let wanted = context.limited();
        let state = AttemptState::new();
        let heartbeat = context.threads.enter("source");
        heartbeat.rest();
        let mut output = SourceOutput {
            attempt: id,
            gate: Arc::clone(&context.gate),
            state: Arc::clone(&state),
            limits: kind.limits,
            events: context.events.clone(),
            pool: context.pool.clone(),
            camera: Arc::clone(&context.camera),
            owner: context.owner.clone(),
            claims: Arc::clone(&context.claims),
            demand: context.demand.clone(),
            idle: IdlePace::default(),
            cap: None,
            metrics: Arc::clone(&context.metrics),
            label: SourceLabel { source: kind.label },
            opened: OpenedSource::default(),
            size: (0, 0),
            heartbeat,
        };
        let request = Request {
            name: (kind.plain_name)(&target.address),
            address: target.address,
            camera: target.camera,
            wanted,
            loop_file: context.loop_file,
            clock: context.clock,
        };
        let work = move || {
            // A panic in a library ends the attempt, not the program.
            let run = AssertUnwindSafe(|| (kind.run)(&request, &mut output));
            let name = request.name.clone();
            let result = catch_unwind(run).unwrap_or(Err(CaptureError::Panicked { name }));
            output.state.set_ended();
            // Fails only when the whole capture has ended.
            let _ = output.events.send(Event::Ended(id, result));
        };
        let name = format!("source-{}-{id}", kind.label);
        let thread = std::thread::Builder::new().name(name).spawn(work);
        let thread = thread.map_err(CaptureError::Thread)?;
        Ok(Self {
            id,
            kind,
            wanted,
            state: CancelOnDrop(state),
            stall: StallDetector::new(kind.limits, Instant::now()),
            thread,
        })
    }

    /// Whether a camera is open that would be asked for another size or rate now.
    pub(crate) fn is_outdated(&self, context: &AttemptContext) -> bool {
        self.kind.label == "webcam" && self.wanted != context.limited()
    }

    /// Whether the source has to be opened again after the machine was suspended: a camera has lost its controls or is
    /// gone, and connections are dead.
    pub(crate) fn is_lost_in_suspension(&self) -> bool {
        ["webcam", "url", "mjpeg"].contains(&self.kind.label)
    }

    /// Pictures arrive, for the first time or again.
    pub(crate) fn recovered(&mut self) {
        self.stall.recovered();
    }

    pub(crate) fn check(&mut self, now: Instant) -> StallCheck {
        self.stall.check(&self.state.0.arrivals(), now)
    }

    /// What its thread has reported so far.
    pub(crate) fn state(&self) -> &AttemptState {
        &self.state.0
    }

    /// Ends the thread. Returns its handle when it does not end within `grace`.
    pub(crate) fn end(self, grace: Duration) -> Result<(), JoinHandle<()>> {
        self.state.0.cancel();
        if !self.state.0.wait_ended(grace) {
            return Err(self.thread);
        }
        // The thread only has to return, so joining it neither waits nor fails.
        let _ = self.thread.join();
        Ok(())
    }
}
