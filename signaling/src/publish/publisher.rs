//! The publishing thread: connects, streams, and retries.

use std::convert::Infallible;
use std::io;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use capture::{Heartbeat, TURN_MAX, Threads, lock};
use tokio::sync::{Notify, watch};

use super::feed_sender::SentFeed;
use super::lifecycle::{AttemptError, Lifecycle, PublishMetrics, PublishStatus};
use super::session::PublishSession;
use super::target::PublishTarget;
use super::whip_client::WhipClient;
use crate::encode::demand::Demand;
use crate::encode::encoder::Rendition;
use crate::encode::frame_queue::{FrameSink, FrameTap};

/// Queue length in frames while the connection is busy: one second.
const QUEUE_FRAMES: usize = 30;
/// Time limit to close a connection.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_millis(200);
const BEAT_INTERVAL: Duration = Duration::from_secs(1);

/// Handle of the publishing thread; clones refer to the same thread.
#[derive(Debug, Clone)]
pub struct Publisher {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    host: String,
    status: Mutex<PublishStatus>,
    stop: watch::Sender<bool>,
    reconnect: Notify,
    thread: Mutex<Option<JoinHandle<()>>>,
}

struct Worker {
    client: Arc<WhipClient>,
    server_is_local: bool,
    tap: FrameTap,
    renditions: Vec<Rendition>,
    demand: Arc<Demand>,
    metrics: Arc<PublishMetrics>,
    lifecycle: Lifecycle,
    shared: Arc<Shared>,
    stop: watch::Receiver<bool>,
}

impl Publisher {
    /// Starts publishing the frames sent through `sink`. `renditions`: largest first.
    pub fn start(
        target: PublishTarget,
        sink: &mut FrameSink,
        renditions: Vec<Rendition>,
        demand: Arc<Demand>,
        metrics: Arc<PublishMetrics>,
        threads: &Threads,
    ) -> io::Result<Self> {
        // Created here, so that the caller gets a failure; created again after a panic.
        let mut first = Some(runtime()?);
        let tap = sink.add_tap(
            Arc::clone(&demand),
            QUEUE_FRAMES,
            metrics.frames_dropped.clone(),
        );
        let (stop, stopped) = watch::channel(false);
        let lifecycle = Lifecycle::new(Instant::now());
        let shared = Arc::new(Shared {
            host: target.host(),
            status: Mutex::new(lifecycle.status.clone()),
            stop,
            reconnect: Notify::new(),
            thread: Mutex::new(None),
        });
        let mut worker = Worker {
            server_is_local: target.is_loopback(),
            client: Arc::new(WhipClient::new(target)),
            tap,
            renditions,
            demand,
            metrics,
            lifecycle,
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
            runtime.shutdown_timeout(SHUTDOWN_TIMEOUT);
        })?;
        *lock(&shared.thread) = Some(thread);
        Ok(Self { shared })
    }

    /// Scheme and host of the server, without path and token.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.shared.host
    }

    /// The current status.
    #[must_use]
    pub fn status(&self) -> PublishStatus {
        lock(&self.shared.status).clone()
    }

    /// Connects again. The new connection has no packet of before.
    pub fn reconnect(&self) {
        self.shared.reconnect.notify_one();
    }

    /// Deletes the session at the server and ends the thread; waits at most a few seconds.
    pub fn stop(&self) {
        self.shared.stop.send_replace(true);
        if let Some(thread) = lock(&self.shared.thread).take()
            && thread.join().is_err()
        {
            tracing::error!("the publishing thread had panicked");
        }
    }
}

/// How a connection ended.
enum Attempt {
    Failed(AttemptError),
    /// [`Publisher::reconnect`] was called.
    ToReconnect,
    Stopped,
}

impl Worker {
    async fn run(&mut self) {
        let mut stop = self.stop.clone();
        while !*stop.borrow() {
            self.lifecycle.begin(Instant::now());
            self.show();
            let failure = match self.attempt().await {
                Attempt::Failed(failure) => failure,
                Attempt::ToReconnect => continue,
                Attempt::Stopped => return,
            };
            self.lifecycle
                .failed(Instant::now(), &failure, rand::random());
            self.metrics.failed(failure.kind);
            self.show();
            let due = self.lifecycle.retry_at().unwrap_or_else(Instant::now);
            let (host, retry_in) = (&self.shared.host, due - Instant::now());
            tracing::warn!(%host, ?retry_in, "not publishing: {failure}");
            tokio::select! {
                () = tokio::time::sleep_until(due.into()) => {}
                () = stopped(&mut stop) => return,
            }
        }
    }

    /// Publishes until the connection ends.
    async fn attempt(&mut self) -> Attempt {
        let opened = tokio::select! {
            opened = PublishSession::open(&self.client, self.server_is_local) => opened,
            () = stopped(&mut self.stop) => return Attempt::Stopped,
        };
        let mut session = match opened {
            Ok(session) => session,
            Err(failure) => return Attempt::Failed(failure),
        };
        self.metrics.connects.inc();
        self.lifecycle.connected(Instant::now());
        self.show();
        tracing::info!(host = %self.shared.host, "publishing");
        let mut frames = self.tap.open();
        let (metrics, shared) = (&self.metrics, &self.shared);
        let show = |sent: SentFeed| {
            metrics.show_sent(Some(&sent));
            lock(&shared.status).sent = Some(sent);
        };
        let (renditions, demand) = (self.renditions.clone(), Arc::clone(&self.demand));
        let mut sender = session.sender(renditions, demand);
        let ended = tokio::select! {
            failure = session.stream(&mut frames, &mut sender, metrics, show) => Attempt::Failed(failure),
            () = self.shared.reconnect.notified() => Attempt::ToReconnect,
            () = stopped(&mut self.stop) => Attempt::Stopped,
        };
        // The encoders need not run during the shutdown.
        drop((frames, sender));
        self.metrics.show_sent(None);
        session.close().await;
        ended
    }

    fn show(&self) {
        self.metrics.show(self.lifecycle.status.state);
        *lock(&self.shared.status) = self.lifecycle.status.clone();
    }
}

fn runtime() -> io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
}

/// Beats for the watchdog as long as the runtime's thread is responsive.
async fn beat(heartbeat: &Heartbeat) -> Infallible {
    loop {
        heartbeat.beat(TURN_MAX);
        tokio::time::sleep(BEAT_INTERVAL).await;
    }
}

async fn stopped(stop: &mut watch::Receiver<bool>) {
    // The sender is owned by this thread's shared state, so that it cannot be dropped.
    let _ = stop.wait_for(|stop| *stop).await;
}
