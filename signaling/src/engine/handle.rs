//! The engine as other threads see it: requests, summaries, and what they share with the engine's threads.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use capture::{Guest, Threads, lock};
use tokio::sync::oneshot;
use tokio::sync::oneshot::error::TryRecvError;

use super::audience::peer_index::PeerIndex;
use super::audience::{Audience, Out};
use crate::encode::encoder::{Rendition, RenditionId};
use crate::fanout::viewer::NewViewer;
use crate::ingest::publisher::NewPublisher;
use crate::metrics::{EngineMetrics, RenditionChange};
use crate::transport::announce::{ANNOUNCED_MAX, Announced, NameResolver};
use crate::transport::candidates::{Candidates, HostName, choose};
use crate::transport::demux::Shard;
use crate::transport::ice::IceTimeouts;
use crate::transport::interfaces::host_addresses;
use crate::transport::session::{Identity, SessionError};

/// The state of a viewer's connection, without its address.
#[derive(Debug, Clone, PartialEq)]
pub struct ViewerSummary {
    /// Whether media can be sent to it.
    pub connected: bool,
    /// Since its offer.
    pub watched_for: Duration,
    /// Share of packets lost in its last report, 0 to 1.
    pub loss: Option<f32>,
    /// Round trip in its last report.
    pub round_trip: Option<Duration>,
    /// What it watches.
    pub rendition: RenditionId,
    /// Why that last changed; `None`: it has not changed yet.
    pub rendition_change: Option<RenditionChange>,
    /// The bandwidth estimate in bits a second; `None`: no limit is known.
    pub estimate_bps: Option<u32>,
    /// How long its picture stood still in all: from each loss that it reported, or frames dropped for it,
    /// to the next keyframe.
    pub frozen_for: Duration,
}

/// The publisher is served by the thread that reads the port: its packets need not be handed over.
const PUBLISHERS: Shard = Shard(0);

/// How long an engine thread may take to drop pictures; it takes microseconds.
const DISCARD_TIMEOUT: Duration = Duration::from_secs(1);

/// Runs on an engine thread, with its viewers and what sends their datagrams.
type Request = Box<dyn FnOnce(&mut Audience, Instant, &mut Out<'_>) + Send>;

/// A message to an engine thread.
pub(crate) enum Command {
    Request(Request),
    /// Drops every picture that has not been sent, and what is kept for retransmission.
    DiscardPictures(oneshot::Sender<()>),
    Stop,
}

/// What other threads share with the engine's threads.
pub(crate) struct Shared {
    pub(crate) renditions: Vec<Rendition>,
    pub(crate) identity: Identity,
    pub(crate) port: u16,
    /// The address that the port is bound to, unless it is bound to all.
    pub(super) bound: Option<IpAddr>,
    pub(crate) ipv6: bool,
    pub(crate) tcp: bool,
    pub(super) announced: Vec<Announced>,
    pub(super) names: NameResolver,
    pub(crate) ice: IceTimeouts,
    pub(crate) viewers_max: usize,
    pub(crate) metrics: Arc<EngineMetrics>,
    pub(super) peer_index: Arc<PeerIndex>,
    /// One for each shard.
    pub(super) shards: Vec<ShardHandle>,
    pub(super) threads: Mutex<Vec<JoinHandle<()>>>,
    pub(crate) registered: Threads,
}

/// How other threads reach the thread of one shard.
pub(super) struct ShardHandle {
    pub(super) commands: mpsc::Sender<Command>,
    pub(super) waker: Arc<mio::Waker>,
    pub(super) summaries: Mutex<Vec<ViewerSummary>>,
}

/// Sends requests to the engine. Clones share the same engine.
#[derive(Clone)]
pub struct EngineHandle {
    pub(super) shared: Arc<Shared>,
}

impl std::fmt::Debug for EngineHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EngineHandle")
            .field("media_port", &self.media_port())
            .finish_non_exhaustive()
    }
}

impl EngineHandle {
    /// The UDP port of all media.
    #[must_use]
    pub fn media_port(&self) -> u16 {
        self.shared.port
    }

    /// Whether the media socket takes IPv6, too.
    #[must_use]
    pub fn ipv6(&self) -> bool {
        self.shared.ipv6
    }

    /// All viewers, as of at most a second ago.
    #[must_use]
    pub fn viewers(&self) -> Vec<ViewerSummary> {
        let shards = self.shared.shards.iter();
        shards
            .flat_map(|handle| lock(&handle.summaries).clone())
            .collect()
    }

    /// Ends all sessions and the engine's threads. Later requests are refused.
    pub fn stop(&self) {
        for shard in 0..self.shared.shards.len() {
            self.send(Shard(shard), Command::Stop);
        }
        for thread in std::mem::take(&mut *lock(&self.shared.threads)) {
            if thread.join().is_err() {
                tracing::error!("a thread of the media engine had panicked");
            }
        }
    }

    /// Drops every picture that has not been sent to a viewer, and all that is kept for retransmission and for
    /// viewers that join. Blocks until all engine threads have done so, at most a second.
    pub fn discard_pictures(&self) {
        self.ask_all(Command::DiscardPictures, 0..self.shared.shards.len());
    }

    /// Ends the session of the publisher, if there is one. Blocks likewise.
    pub fn dismiss_publisher(&self) {
        let Shard(shard) = PUBLISHERS;
        let dismiss = |reply: oneshot::Sender<()>| {
            Command::Request(Box::new(move |audience, now, out| {
                audience.dismiss_publisher(now, "the camera was closed", out);
                let _ = reply.send(());
            }))
        };
        self.ask_all(dismiss, shard..shard + 1);
    }

    fn ask_all(
        &self,
        command: impl Fn(oneshot::Sender<()>) -> Command,
        shards: std::ops::Range<usize>,
    ) {
        let deadline = Instant::now() + DISCARD_TIMEOUT;
        let answers: Vec<oneshot::Receiver<()>> = shards
            .map(|shard| {
                let (reply, answer) = oneshot::channel();
                self.send(Shard(shard), command(reply));
                answer
            })
            .collect();
        for mut answer in answers {
            // Polled, since the caller may be on a thread of the runtime.
            while answer.try_recv() == Err(TryRecvError::Empty) {
                if Instant::now() >= deadline {
                    tracing::error!("an engine thread does not answer; it may be restarting");
                    return;
                }
                std::thread::sleep(Duration::from_micros(200));
            }
        }
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }

    pub(crate) fn is_full(&self) -> bool {
        self.shared.peer_index.viewers() >= self.shared.viewers_max
    }

    pub(crate) async fn join(&self, newcomer: NewViewer) -> Result<(), SessionError> {
        let shard = self.shared.peer_index.emptiest();
        self.ask(shard, |audience, now, _| audience.join(now, newcomer))
            .await
    }

    pub(crate) async fn publish(&self, newcomer: NewPublisher) -> Result<Guest, SessionError> {
        self.ask(PUBLISHERS, |audience, now, out| {
            audience.publish(now, newcomer, out)
        })
        .await
    }

    /// Runs `request` where the session with this id is.
    pub(crate) async fn ask_session(
        &self,
        id: &str,
        request: impl FnOnce(&mut Audience, Instant, &mut Out<'_>) -> Result<(), SessionError>
        + Send
        + 'static,
    ) -> Result<(), SessionError> {
        // Any shard answers for an unknown session.
        let known = self.shared.peer_index.directory().key_of(id);
        let shard = known.map_or(Shard(0), |key| key.shard);
        self.ask(shard, request).await
    }

    async fn ask<T: Send + 'static>(
        &self,
        shard: Shard,
        request: impl FnOnce(&mut Audience, Instant, &mut Out<'_>) -> Result<T, SessionError>
        + Send
        + 'static,
    ) -> Result<T, SessionError> {
        let (reply, answer) = oneshot::channel();
        let request = move |audience: &mut Audience, now: Instant, out: &mut Out<'_>| {
            // Fails only when nobody waits for the answer any more.
            let _ = reply.send(request(audience, now, out));
        };
        self.send(shard, Command::Request(Box::new(request)));
        answer.await.unwrap_or(Err(SessionError::EngineEnded))
    }

    /// The addresses of this machine for an answer, read from the system each time.
    pub(crate) fn candidates(&self, host: Option<&str>) -> Candidates {
        let host = HostName::parse(host);
        let shared = &self.shared;
        let mut hosts = host_addresses();
        hosts.retain(|address| shared.bound.is_none_or(|bound| bound == address.ip));
        let announced = shared.announced.iter().flat_map(|announced| {
            let found = announced.name().map(|name| shared.names.addresses(name));
            announced.addresses(shared.port, &found.unwrap_or_default())
        });
        let mut candidates = choose(&hosts, host, shared.ipv6);
        if let Some(bound) = shared.bound {
            candidates.local = vec![bound];
        }
        Candidates {
            announced: announced.take(ANNOUNCED_MAX).collect(),
            ..candidates
        }
    }

    fn send(&self, shard: Shard, command: Command) {
        let handle = &self.shared.shards[shard.0];
        // A command that cannot be sent drops its reply channel, which the caller notices.
        let _ = handle.commands.send(command);
        wake(&handle.waker);
    }
}

pub(super) fn wake(waker: &mio::Waker) {
    if let Err(error) = waker.wake() {
        tracing::error!(%error, "cannot wake the media engine");
    }
}
