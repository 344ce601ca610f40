//! The media engine's front: started once, asked from any thread.

mod handover;
mod names;
mod ports;
mod start;
mod worker;

use std::io;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use capture::{Guest, Threads};
use tokio::sync::oneshot;

use crate::announce::{ANNOUNCED_MAX, Announced};
use crate::audience::Ledger;
use crate::candidates::Candidates;
use crate::congestion::Choice;
use crate::demand::Demand;
use crate::demux::Shard;
use crate::encoded::FrameSink;
use crate::engine_metrics::EngineMetrics;
use crate::ice::IceTimes;
use crate::identity::Identity;
use crate::rendition::{Rendition, RenditionId, default_renditions};
use crate::session::{Refused, Restart, Trickle};
use crate::viewer::Arrival;
use crate::whip::Newcomer;

/// How the engine is set up.
#[derive(Debug, Clone, PartialEq)]
pub struct EngineConfig {
    /// What viewers can get, largest first: the same list that the compose thread has.
    pub renditions: Vec<Rendition>,
    /// The address that media comes and goes by; the unspecified one: all there are.
    pub media_ip: IpAddr,
    /// The UDP port of all media; 0 takes any free one.
    pub media_port: u16,
    /// Threads that send, each to a share of the viewers; 0: as many as there are processor cores.
    pub threads: usize,
    /// Where they are registered.
    pub registered: Threads,
    /// Addresses that are told to viewers before this machine's own.
    pub announced: Vec<Announced>,
    /// More viewers than this are asked to come back later. By default there is no such number.
    pub viewers_max: usize,
    /// Silence after which nothing is sent to a viewer until it is heard again.
    pub silent_after: Duration,
    /// Further silence after which a viewer is given up (RFC 7675: 30 s in all at most).
    pub lost_after: Duration,
    /// A viewer that has not connected by then is given up.
    pub connect_within: Duration,
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self {
            renditions: default_renditions(),
            media_ip: Ipv6Addr::UNSPECIFIED.into(),
            media_port: 8189,
            threads: 1,
            registered: Threads::default(),
            announced: Vec::new(),
            viewers_max: usize::MAX,
            // More than two intervals at which browsers check, and than one at which we do.
            silent_after: Duration::from_secs(7),
            lost_after: Duration::from_secs(20),
            connect_within: Duration::from_secs(20),
        }
    }
}

/// Why the engine does not start.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The port is taken or forbidden.
    #[error(
        "cannot open UDP port {port} for media on {ip}: {source}; is another carrier running? \
         choose another port with --media-port, or another address with network.media_listen"
    )]
    Port {
        /// The address asked for.
        ip: IpAddr,
        /// The port asked for.
        port: u16,
        /// What the system said.
        source: io::Error,
    },
    /// No thread, no poll, no waker.
    #[error("cannot start the media engine: {0}")]
    System(#[from] io::Error),
    /// No certificate.
    #[error("cannot make the certificate for encrypted media: {0}")]
    Certificate(String),
}

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

/// Starts the engine.
#[derive(Debug)]
pub struct Engine;

/// A request to the engine's thread.
pub(crate) enum Command {
    Join(Box<Arrival>, oneshot::Sender<Result<(), Refused>>),
    Trickle(Trickle, oneshot::Sender<Result<(), Refused>>),
    Choose(String, Choice, oneshot::Sender<Result<(), Refused>>),
    Restart(Box<Restart>, oneshot::Sender<Result<(), Refused>>),
    Leave(String, oneshot::Sender<Result<(), Refused>>),
    /// The answer is its place at the switch: the engine hands these out in order.
    Publish(Box<Newcomer>, oneshot::Sender<Result<Guest, Refused>>),
    Stop,
}

/// What threads share with the engine's own.
pub(crate) struct Shared {
    pub(crate) renditions: Vec<Rendition>,
    pub(crate) identity: Identity,
    pub(crate) port: u16,
    /// The one address that media is bound to, if not all are.
    bound: Option<IpAddr>,
    pub(crate) ipv6: bool,
    pub(crate) tcp: bool,
    announced: Vec<Announced>,
    names: names::Names,
    pub(crate) ice: IceTimes,
    pub(crate) viewers_max: usize,
    ledger: Arc<Ledger>,
    /// One for each shard.
    doors: Vec<Door>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    pub(crate) registered: Threads,
}

/// The thread of one shard, as everybody sees it.
struct Door {
    commands: mpsc::Sender<Command>,
    waker: Arc<mio::Waker>,
    summaries: Mutex<Vec<ViewerSummary>>,
}

/// Talks to the engine; clones talk to the same one.
#[derive(Clone)]
pub struct EngineHandle {
    shared: Arc<Shared>,
}

impl std::fmt::Debug for EngineHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EngineHandle")
            .field("media_port", &self.media_port())
            .finish_non_exhaustive()
    }
}

impl Engine {
    /// Opens the media port and starts the engine's threads. The sink takes encoded frames to them.
    pub fn start(
        config: EngineConfig,
        demand: Arc<Demand>,
        metrics: Arc<EngineMetrics>,
    ) -> Result<(EngineHandle, FrameSink), EngineError> {
        let (ip, port) = (config.media_ip, config.media_port);
        let ports = ports::Ports::open(ip, port).map_err(|source| EngineError::Port {
            ip,
            port,
            source,
        })?;
        let crypto = rtc::crypto::default_provider()
            .map_err(|error| EngineError::Certificate(error.to_string()))?;
        let identity =
            Identity::generate().map_err(|error| EngineError::Certificate(error.to_string()))?;
        let (port, ipv6, tcp) = (ports.udp.port(), ports.udp.ipv6(), ports.has_tcp());
        let threads = start::Plan::new(&config, demand, metrics, crypto).threads(ports)?;
        let shared = Arc::new(Shared {
            renditions: config.renditions.clone(),
            identity,
            port,
            bound: (!ip.is_unspecified()).then_some(ip),
            ipv6,
            tcp,
            names: names::Names::watch(announced_names(&config.announced), &config.registered)?,
            announced: config.announced.clone(),
            ice: IceTimes {
                disconnected: config.silent_after,
                failed: config.lost_after,
            },
            viewers_max: config.viewers_max,
            ledger: threads.ledger,
            doors: threads.doors,
            threads: Mutex::default(),
            registered: config.registered.clone(),
        });
        for worker in threads.workers {
            let thread = worker::spawn(worker, Arc::downgrade(&shared))?;
            lock(&shared.threads).push(thread);
        }
        Ok((EngineHandle { shared }, threads.sink))
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
    pub(crate) async fn join(&self, arrival: Arrival) -> Option<Result<(), Refused>> {
        let shard = self.shared.ledger.emptiest();
        self.ask(shard, |reply| Command::Join(Box::new(arrival), reply))
            .await
    }

    /// `None`: the engine has ended.
    pub(crate) async fn publish(&self, newcomer: Newcomer) -> Option<Result<Guest, Refused>> {
        self.ask(PUBLISHERS, |reply| {
            Command::Publish(Box::new(newcomer), reply)
        })
        .await
    }

    /// `None`: the engine has ended.
    pub(crate) async fn trickle(&self, trickle: Trickle) -> Option<Result<(), Refused>> {
        let shard = self.shard_of(&trickle.id);
        self.ask(shard, |reply| Command::Trickle(trickle, reply))
            .await
    }

    /// `None`: the engine has ended.
    pub(crate) async fn choose(&self, id: String, choice: Choice) -> Option<Result<(), Refused>> {
        let shard = self.shard_of(&id);
        self.ask(shard, |reply| Command::Choose(id, choice, reply))
            .await
    }

    /// `None`: the engine has ended.
    pub(crate) async fn restart(&self, restart: Restart) -> Option<Result<(), Refused>> {
        let shard = self.shard_of(&restart.id);
        self.ask(shard, |reply| Command::Restart(Box::new(restart), reply))
            .await
    }

    /// `None`: the engine has ended.
    pub(crate) async fn leave(&self, id: String) -> Option<Result<(), Refused>> {
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
        command: impl FnOnce(oneshot::Sender<Result<T, Refused>>) -> Command,
    ) -> Option<Result<T, Refused>> {
        let (reply, answer) = oneshot::channel();
        self.send(shard, command(reply));
        answer.await.ok()
    }

    /// This machine's addresses for an answer, asked of the system anew.
    pub(crate) fn candidates(&self, host: Option<&str>) -> Candidates {
        let host = crate::candidates::HostName::parse(host);
        let shared = &self.shared;
        let mut hosts = crate::interfaces::host_addresses();
        hosts.retain(|address| shared.bound.is_none_or(|bound| bound == address.ip));
        let announced = shared.announced.iter().flat_map(|announced| {
            let found = announced.name().map(|name| shared.names.addresses(name));
            announced.addresses(shared.port, &found.unwrap_or_default())
        });
        let mut candidates = crate::candidates::choose(&hosts, host, shared.ipv6);
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

fn announced_names(announced: &[Announced]) -> Vec<String> {
    let names = announced.iter().filter_map(Announced::name);
    names.map(str::to_owned).collect()
}

fn wake(waker: &mio::Waker) {
    if let Err(error) = waker.wake() {
        tracing::error!(%error, "cannot wake the media engine");
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
