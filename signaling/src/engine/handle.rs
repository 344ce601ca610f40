//! What other threads ask of the engine's, and what they share with them.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use capture::{Guest, Threads};
use tokio::sync::oneshot;

use super::audience::ledger::Ledger;
use crate::congestion::Choice;
use crate::encode::encoder::{Rendition, RenditionId};
use crate::fanout::viewer::Arrival;
use crate::ingest::publisher::NewPublisher;
use crate::transport::announce::{ANNOUNCED_MAX, Announced, NameResolver};
use crate::transport::candidates::{Candidates, HostName, choose};
use crate::transport::demux::Shard;
use crate::transport::ice::IceTimeouts;
use crate::transport::interfaces::host_addresses;
use crate::transport::session::{Identity, Restart, SessionError, Trickle};

/// What a viewer's connection looks like; never where it comes from.
#[derive(Debug, Clone, PartialEq)]
pub struct ViewerSummary {
    /// Media can be sent to it.
    pub connected: bool,
    /// Since its offer.
    pub watched_for: Duration,
    /// Share of packets lost, by its last report, 0 to 1.
    pub loss: Option<f32>,
    /// Round trip by its last report.
    pub round_trip: Option<Duration>,
    /// What it watches.
    pub rendition: RenditionId,
    /// The most that its network carries, in bits a second; `None`: no limit is known.
    pub estimate_bps: Option<u32>,
    /// For how long in all its picture stood still: from each loss it reported, or frames dropped for
    /// it, to the next keyframe.
    pub frozen_for: Duration,
}

/// Who publishes is served by the thread that listens: what they send need not be handed over.
const PUBLISHERS: Shard = Shard(0);

/// A request to the engine's thread.
pub(crate) enum Command {
    Join(Box<Arrival>, oneshot::Sender<Result<(), SessionError>>),
    Trickle(Trickle, oneshot::Sender<Result<(), SessionError>>),
    Choose(String, Choice, oneshot::Sender<Result<(), SessionError>>),
    Restart(Box<Restart>, oneshot::Sender<Result<(), SessionError>>),
    Leave(String, oneshot::Sender<Result<(), SessionError>>),
    /// The answer is its place at the switch: the engine hands these out in order.
    Publish(
        Box<NewPublisher>,
        oneshot::Sender<Result<Guest, SessionError>>,
    ),
    Stop,
}

/// What threads share with the engine's own.
pub(crate) struct Shared {
    pub(crate) renditions: Vec<Rendition>,
    pub(crate) identity: Identity,
    pub(crate) port: u16,
    /// The one address that media is bound to, if not all are.
    pub(super) bound: Option<IpAddr>,
    pub(crate) ipv6: bool,
    pub(crate) tcp: bool,
    pub(super) announced: Vec<Announced>,
    pub(super) names: NameResolver,
    pub(crate) ice: IceTimeouts,
    pub(crate) viewers_max: usize,
    pub(super) ledger: Arc<Ledger>,
    /// One for each shard.
    pub(super) doors: Vec<Door>,
    pub(super) threads: Mutex<Vec<JoinHandle<()>>>,
    pub(crate) registered: Threads,
}

/// The thread of one shard, as everybody sees it.
pub(super) struct Door {
    pub(super) commands: mpsc::Sender<Command>,
    pub(super) waker: Arc<mio::Waker>,
    pub(super) summaries: Mutex<Vec<ViewerSummary>>,
}

/// Talks to the engine; clones talk to the same one.
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
    /// The UDP port that media uses.
    #[must_use]
    pub fn media_port(&self) -> u16 {
        self.shared.port
    }

    /// The media socket takes IPv6 too.
    #[must_use]
    pub fn ipv6(&self) -> bool {
        self.shared.ipv6
    }

    /// Who watches, as of at most a second ago.
    #[must_use]
    pub fn viewers(&self) -> Vec<ViewerSummary> {
        let doors = self.shared.doors.iter();
        doors
            .flat_map(|door| lock(&door.summaries).clone())
            .collect()
    }

    /// Says goodbye to all viewers and ends the engine's threads. Further requests are refused.
    pub fn stop(&self) {
        for shard in 0..self.shared.doors.len() {
            self.send(Shard(shard), Command::Stop);
        }
        for thread in std::mem::take(&mut *lock(&self.shared.threads)) {
            if thread.join().is_err() {
                tracing::error!("a thread of the media engine had panicked");
            }
        }
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }

    pub(crate) fn is_full(&self) -> bool {
        self.shared.ledger.viewers() >= self.shared.viewers_max
    }

    /// `None`: the engine has ended.
    pub(crate) async fn join(&self, arrival: Arrival) -> Option<Result<(), SessionError>> {
        let shard = self.shared.ledger.emptiest();
        self.ask(shard, |reply| Command::Join(Box::new(arrival), reply))
            .await
    }

    /// `None`: the engine has ended.
    pub(crate) async fn publish(
        &self,
        newcomer: NewPublisher,
    ) -> Option<Result<Guest, SessionError>> {
        self.ask(PUBLISHERS, |reply| {
            Command::Publish(Box::new(newcomer), reply)
        })
        .await
    }

    /// `None`: the engine has ended.
    pub(crate) async fn trickle(&self, trickle: Trickle) -> Option<Result<(), SessionError>> {
        let shard = self.shard_of(&trickle.id);
        self.ask(shard, |reply| Command::Trickle(trickle, reply))
            .await
    }

    /// `None`: the engine has ended.
    pub(crate) async fn choose(
        &self,
        id: String,
        choice: Choice,
    ) -> Option<Result<(), SessionError>> {
        let shard = self.shard_of(&id);
        self.ask(shard, |reply| Command::Choose(id, choice, reply))
            .await
    }

    /// `None`: the engine has ended.
    pub(crate) async fn restart(&self, restart: Restart) -> Option<Result<(), SessionError>> {
        let shard = self.shard_of(&restart.id);
        self.ask(shard, |reply| Command::Restart(Box::new(restart), reply))
            .await
    }

    /// `None`: the engine has ended.
    pub(crate) async fn leave(&self, id: String) -> Option<Result<(), SessionError>> {
        let shard = self.shard_of(&id);
        self.ask(shard, |reply| Command::Leave(id, reply)).await
    }

    /// The thread of this session. Any may answer for one that is not known.
    fn shard_of(&self, id: &str) -> Shard {
        let known = self.shared.ledger.directory().key_of(id);
        known.map_or(Shard(0), |key| key.shard)
    }

    async fn ask<T>(
        &self,
        shard: Shard,
        command: impl FnOnce(oneshot::Sender<Result<T, SessionError>>) -> Command,
    ) -> Option<Result<T, SessionError>> {
        let (reply, answer) = oneshot::channel();
        self.send(shard, command(reply));
        answer.await.ok()
    }

    /// This machine's addresses for an answer, asked of the system anew.
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
        let door = &self.shared.doors[shard.0];
        // A refused command drops its reply, which the caller sees.
        let _ = door.commands.send(command);
        wake(&door.waker);
    }
}

pub(super) fn wake(waker: &mio::Waker) {
    if let Err(error) = waker.wake() {
        tracing::error!(%error, "cannot wake the media engine");
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
