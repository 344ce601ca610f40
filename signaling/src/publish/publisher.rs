//! The publishing thread: from one attempt to the next.

use std::convert::Infallible;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use capture::{Heartbeat, TURN_MAX, Threads};
use tokio::sync::watch;

use super::course::{Course, Failure, PublishMetrics, PublishState};
use super::session::Session;
use super::target::PublishTarget;
use super::whip_client::WhipClient;
use crate::encode::demand::Demand;
use crate::encode::encoder::RenditionId;
use crate::encode::frame_queue::{FrameSink, FrameTap};

/// Frames that wait while the connection is busy: one second.
const TAP_FRAMES: usize = 30;
/// What is left of a connection after its goodbye is cut off.
const DRAIN: Duration = Duration::from_millis(200);
const BEAT_EVERY: Duration = Duration::from_secs(1);

/// How publishing is doing, for anybody to see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishStatus {
    /// Where it stands.
    pub state: PublishState,
    /// Since when.
    pub since: Instant,
    /// Why it is not live, in plain words.
    pub reason: Option<String>,
}

/// The running publisher; clones are the same one.
#[derive(Debug, Clone)]
pub struct Publisher {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    host: String,
    status: Mutex<PublishStatus>,
    stop: watch::Sender<bool>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

struct Worker {
    client: Arc<WhipClient>,
    server_is_here: bool,
    tap: FrameTap,
    demand: Arc<Demand>,
    metrics: Arc<PublishMetrics>,
    course: Course,
    shared: Arc<Shared>,
    stop: watch::Receiver<bool>,
}

impl Publisher {
    /// Starts to publish what is sent through `sink`.
    pub fn start(
        target: PublishTarget,
        sink: &mut FrameSink,
        demand: Arc<Demand>,
        metrics: Arc<PublishMetrics>,
        threads: &Threads,
    ) -> io::Result<Self> {
        // Made here, so that a failure is the caller's; made anew after a panic.
        let mut first = Some(runtime()?);
        let tap = sink.add_tap(
            Arc::clone(&demand),
            RenditionId::MAIN,
            TAP_FRAMES,
            metrics.frames_dropped.clone(),
        );
        let (stop, stopped) = watch::channel(false);
        let course = Course::new(Instant::now());
        let shared = Arc::new(Shared {
            host: target.host(),
            status: Mutex::new(status_of(&course)),
            stop,
            thread: Mutex::new(None),
        });
        let mut worker = Worker {
            server_is_here: target.is_loopback(),
            client: Arc::new(WhipClient::new(target)),
            tap,
            demand,
            metrics,
            course,
            shared: Arc::clone(&shared),
            stop: stopped,
        };
        let thread = threads.spawn("publish", move |heartbeat| {
            let made = first.take().map_or_else(runtime, Ok);
            let runtime = made.expect("a runtime could be made before");
            runtime.block_on(async {
                tokio::select! {
                    () = worker.run() => {}
                    never = beat(heartbeat) => match never {},
                }
            });
            runtime.shutdown_timeout(DRAIN);
        })?;
        *lock(&shared.thread) = Some(thread);
        Ok(Self { shared })
    }

    /// Scheme and host of the server, without path or token.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.shared.host
    }

    /// How it is doing.
    #[must_use]
    pub fn status(&self) -> PublishStatus {
        lock(&self.shared.status).clone()
    }

    /// Takes the session down at the server and ends the thread; waits at most a few seconds.
    pub fn stop(&self) {
        self.shared.stop.send_replace(true);
        if let Some(thread) = lock(&self.shared.thread).take()
            && thread.join().is_err()
        {
            tracing::error!("the publishing thread had panicked");
        }
    }
}

impl Worker {
    async fn run(&mut self) {
        let mut stop = self.stop.clone();
        while !*stop.borrow() {
            self.course.begin(Instant::now());
            self.show();
            let Some(failure) = self.attempt().await else {
                return;
            };
            self.course.failed(Instant::now(), &failure, rand::random());
            self.metrics.failed(failure.kind);
            self.show();
            let due = self.course.retry_at().unwrap_or_else(Instant::now);
            let (host, retry_in) = (&self.shared.host, due - Instant::now());
            tracing::warn!(%host, ?retry_in, "not publishing: {failure}");
            tokio::select! {
                () = tokio::time::sleep_until(due.into()) => {}
                () = stopped(&mut stop) => return,
            }
        }
    }

    /// Publishes until that ends. `None`: as asked.
    async fn attempt(&mut self) -> Option<Failure> {
        let (demand, metrics) = (Arc::clone(&self.demand), Arc::clone(&self.metrics));
        let keyframe_wanted = Box::new(move || {
            metrics.keyframe_requests.inc();
            demand.request_keyframe(RenditionId::MAIN);
        });
        let opened = tokio::select! {
            opened = Session::open(&self.client, self.server_is_here, keyframe_wanted) => opened,
            () = stopped(&mut self.stop) => return None,
        };
        let mut session = match opened {
            Ok(session) => session,
            Err(failure) => return Some(failure),
        };
        self.metrics.connects.inc();
        self.course.connected(Instant::now());
        self.show();
        tracing::info!(host = %self.shared.host, "publishing");
        let mut frames = self.tap.open();
        let ended = tokio::select! {
            failure = session.stream(&mut frames, &self.metrics) => Some(failure),
            () = stopped(&mut self.stop) => None,
        };
        // Nobody is to encode for a goodbye.
        drop(frames);
        session.close().await;
        ended
    }

    fn show(&self) {
        self.metrics.show(self.course.state);
        *lock(&self.shared.status) = status_of(&self.course);
    }
}

fn runtime() -> io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
}

/// Shows that the runtime's one thread goes on.
async fn beat(heartbeat: &Heartbeat) -> Infallible {
    loop {
        heartbeat.beat(TURN_MAX);
        tokio::time::sleep(BEAT_EVERY).await;
    }
}

fn status_of(course: &Course) -> PublishStatus {
    PublishStatus {
        state: course.state,
        since: course.since,
        reason: course.reason.clone(),
    }
}

async fn stopped(stop: &mut watch::Receiver<bool>) {
    // The other end is held by the thread's own state, so that it cannot be gone.
    let _ = stop.wait_for(|stop| *stop).await;
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
