//! How the engine is set up and started: what each thread is asked by, woken by and sends by.

use std::io;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZero;
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant, SystemTime};

use capture::Threads;
use rtc::crypto::RTCCryptoProvider;

use super::audience::ledger::Ledger;
use super::audience::{AudienceLimits, AudienceParts};
use super::handle::{Door, EngineHandle, Shared, lock, wake};
use super::ports::{Neighbour, Ports};
use super::worker::{WAKER, WorkerParts, spawn as spawn_worker};
use crate::encode::demand::Demand;
use crate::encode::encoder::{Rendition, default_renditions};
use crate::encode::frame_queue::{FrameSink, QUEUE_FRAMES};
use crate::metrics::EngineMetrics;
use crate::rtp::clock::ReportClock;
use crate::transport::announce::{Announced, NameResolver};
use crate::transport::demux::Shard;
use crate::transport::ice::IceTimeouts;
use crate::transport::session::Identity;

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

/// Starts the engine.
#[derive(Debug)]
pub struct Engine;

impl Engine {
    /// Opens the media port and starts the engine's threads. The sink takes encoded frames to them.
    pub fn start(
        config: EngineConfig,
        demand: Arc<Demand>,
        metrics: Arc<EngineMetrics>,
    ) -> Result<(EngineHandle, FrameSink), EngineError> {
        let (ip, port) = (config.media_ip, config.media_port);
        let ports =
            Ports::open(ip, port).map_err(|source| EngineError::Port { ip, port, source })?;
        let crypto = rtc::crypto::default_provider()
            .map_err(|error| EngineError::Certificate(error.to_string()))?;
        let identity =
            Identity::generate().map_err(|error| EngineError::Certificate(error.to_string()))?;
        let (port, ipv6, tcp) = (ports.udp.port(), ports.udp.ipv6(), ports.has_tcp());
        let threads = Plan::new(&config, demand, metrics, crypto).threads(ports)?;
        let shared = Arc::new(Shared {
            renditions: config.renditions.clone(),
            identity,
            port,
            bound: (!ip.is_unspecified()).then_some(ip),
            ipv6,
            tcp,
            names: NameResolver::start(announced_names(&config.announced), &config.registered)?,
            announced: config.announced.clone(),
            ice: IceTimeouts {
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
            let thread = spawn_worker(worker, Arc::downgrade(&shared))?;
            lock(&shared.threads).push(thread);
        }
        Ok((EngineHandle { shared }, threads.sink))
    }
}

/// All threads, the one that listens first.
struct StartedThreads {
    workers: Vec<WorkerParts>,
    doors: Vec<Door>,
    ledger: Arc<Ledger>,
    sink: FrameSink,
}

/// What the threads have in common before they run.
struct Plan<'a> {
    config: &'a EngineConfig,
    demand: Arc<Demand>,
    metrics: Arc<EngineMetrics>,
    ledger: Arc<Ledger>,
    crypto: Arc<dyn RTCCryptoProvider>,
    clock: ReportClock,
}

impl<'a> Plan<'a> {
    fn new(
        config: &'a EngineConfig,
        demand: Arc<Demand>,
        metrics: Arc<EngineMetrics>,
        crypto: Arc<dyn RTCCryptoProvider>,
    ) -> Self {
        Self {
            config,
            demand,
            metrics,
            ledger: Arc::new(Ledger::new(shards(config.threads))),
            crypto,
            clock: ReportClock::new(Instant::now(), SystemTime::now()),
        }
    }

    /// Makes what each thread is started with.
    fn threads(self, ports: Ports) -> io::Result<StartedThreads> {
        let others: io::Result<Vec<Ports>> = (1..self.ledger.shards())
            .map(|_| ports.for_sending())
            .collect();
        let mut sink = FrameSink::new(QUEUE_FRAMES);
        let (mut first, first_door, _) = self.thread(Shard(0), ports, &mut sink)?;
        let (mut workers, mut doors) = (Vec::new(), vec![first_door]);
        for (index, ports) in others?.into_iter().enumerate() {
            let shard = Shard(index + 1);
            let (worker, door, neighbour) = self.thread(shard, ports, &mut sink)?;
            first.neighbours.push((shard, neighbour));
            workers.push(worker);
            doors.push(door);
        }
        workers.insert(0, first);
        Ok(StartedThreads {
            workers,
            doors,
            ledger: self.ledger,
            sink,
        })
    }

    fn thread(
        &self,
        shard: Shard,
        ports: Ports,
        sink: &mut FrameSink,
    ) -> io::Result<(WorkerParts, Door, Neighbour)> {
        let poll = mio::Poll::new()?;
        let waker = Arc::new(mio::Waker::new(poll.registry(), WAKER)?);
        let frame_waker = Arc::clone(&waker);
        // overflow: awaited. Each command's sender waits for its answer, so that there are never more
        // of them than HTTP requests in flight.
        let (sender, commands) = mpsc::channel();
        let (neighbour, handed) = Neighbour::new(Arc::clone(&waker));
        let worker = WorkerParts {
            ports,
            poll,
            commands,
            frames: sink.add_receiver(Box::new(move || wake(&frame_waker))),
            audience: self.audience(shard),
            handed,
            neighbours: Vec::new(),
        };
        let door = Door {
            commands: sender,
            waker,
            summaries: Mutex::default(),
        };
        Ok((worker, door, neighbour))
    }

    fn audience(&self, shard: Shard) -> AudienceParts {
        AudienceParts {
            shard,
            ledger: Arc::clone(&self.ledger),
            crypto: Arc::clone(&self.crypto),
            clock: self.clock,
            limits: AudienceLimits {
                viewers_max: self.config.viewers_max,
                connect_within: self.config.connect_within,
            },
            demand: Arc::clone(&self.demand),
            metrics: Arc::clone(&self.metrics),
            renditions: self.config.renditions.clone(),
        }
    }
}

/// Threads that were asked for; 0: as many as the machine has cores.
fn shards(threads: usize) -> usize {
    match threads {
        0 => std::thread::available_parallelism().map_or(1, NonZero::get),
        some => some,
    }
}

fn announced_names(announced: &[Announced]) -> Vec<String> {
    let names = announced.iter().filter_map(Announced::name);
    names.map(str::to_owned).collect()
}
