//! Configures and starts the engine: its ports, threads and the channels between them.

use std::io;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZero;
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant, SystemTime};

use capture::{Threads, lock};
use rtc::crypto::RTCCryptoProvider;

use super::audience::peer_index::PeerIndex;
use super::audience::{Audience, AudienceLimits, AudienceParts};
use super::handle::{EngineHandle, ShardHandle, Shared, wake};
use super::ports::{OtherThread, Ports};
use super::worker::{self, OwnPause, WAKER, Worker};
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
    /// What viewers can get, largest first: the same list as the compose thread's.
    pub renditions: Vec<Rendition>,
    /// The address of the media port; the unspecified one: all addresses.
    pub media_ip: IpAddr,
    /// The UDP port of all media; 0 takes any free one.
    pub media_port: u16,
    /// Engine threads, each with a share of the viewers; 0: as many as there are processor cores.
    pub threads: usize,
    /// Supervises the threads.
    pub registered: Threads,
    /// Addresses that viewers are given before this machine's own.
    pub announced: Vec<Announced>,
    /// Viewers beyond this number are told to come back later. By default there is no limit.
    pub viewers_max: usize,
    /// After this long without a datagram of a viewer nothing is sent to it until one comes.
    pub silent_after: Duration,
    /// After this long again the viewer is removed (RFC 7675: at most 30 s in all).
    pub lost_after: Duration,
    /// A viewer that has not connected by then is removed.
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
            // More than two intervals of the browsers' ICE checks, and more than one of ours.
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
        /// The system's error.
        source: io::Error,
    },
    /// The system refused a thread, a poll or a waker.
    #[error("cannot start the media engine: {0}")]
    System(#[from] io::Error),
    /// The certificate for DTLS could not be made.
    #[error("cannot make the certificate for encrypted media: {0}")]
    Certificate(String),
}

/// The media engine.
#[derive(Debug)]
pub struct Engine;

impl Engine {
    /// Opens the media port and starts the engine's threads. Encoded frames go into the sink.
    pub fn start(
        config: EngineConfig,
        demand: Arc<Demand>,
        metrics: Arc<EngineMetrics>,
    ) -> Result<(EngineHandle, FrameSink), EngineError> {
        let (ip, port) = (config.media_ip, config.media_port);
        let ports = Ports::open(ip, port, Arc::clone(&metrics))
            .map_err(|source| EngineError::Port { ip, port, source })?;
        let crypto = rtc::crypto::default_provider()
            .map_err(|error| EngineError::Certificate(error.to_string()))?;
        let identity =
            Identity::generate().map_err(|error| EngineError::Certificate(error.to_string()))?;
        let (port, ipv6, tcp) = (ports.udp.port(), ports.udp.ipv6(), ports.tcp.listens());
        let builder = ThreadBuilder {
            config: &config,
            demand,
            metrics: Arc::clone(&metrics),
            peer_index: Arc::new(PeerIndex::new(shards(config.threads))),
            crypto,
            clock: ReportClock::new(Instant::now(), SystemTime::now()),
        };
        let threads = builder.threads(ports)?;
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
            metrics,
            peer_index: threads.peer_index,
            shards: threads.shards,
            threads: Mutex::default(),
            registered: config.registered.clone(),
        });
        for worker in threads.workers {
            let thread = worker::spawn(worker, &shared)?;
            lock(&shared.threads).push(thread);
        }
        Ok((EngineHandle { shared }, threads.sink))
    }
}

/// All threads; the first one reads the port.
struct StartedThreads {
    workers: Vec<Worker>,
    shards: Vec<ShardHandle>,
    peer_index: Arc<PeerIndex>,
    sink: FrameSink,
}

/// Makes the parts of each thread.
struct ThreadBuilder<'a> {
    config: &'a EngineConfig,
    demand: Arc<Demand>,
    metrics: Arc<EngineMetrics>,
    peer_index: Arc<PeerIndex>,
    crypto: Arc<dyn RTCCryptoProvider>,
    clock: ReportClock,
}

impl ThreadBuilder<'_> {
    /// Makes the parts of all threads.
    fn threads(self, ports: Ports) -> io::Result<StartedThreads> {
        let others: io::Result<Vec<Ports>> = (1..self.peer_index.shards())
            .map(|_| ports.for_sending())
            .collect();
        let mut sink = FrameSink::new(QUEUE_FRAMES);
        let (mut first, first_door, _) = self.thread(Shard(0), ports, &mut sink)?;
        let (mut workers, mut shards) = (Vec::new(), vec![first_door]);
        for (index, ports) in others?.into_iter().enumerate() {
            let shard = Shard(index + 1);
            let (worker, handle, other) = self.thread(shard, ports, &mut sink)?;
            first.others.push((shard, other));
            workers.push(worker);
            shards.push(handle);
        }
        workers.insert(0, first);
        Ok(StartedThreads {
            workers,
            shards,
            peer_index: self.peer_index,
            sink,
        })
    }

    fn thread(
        &self,
        shard: Shard,
        ports: Ports,
        sink: &mut FrameSink,
    ) -> io::Result<(Worker, ShardHandle, OtherThread)> {
        let poll = mio::Poll::new()?;
        let waker = Arc::new(mio::Waker::new(poll.registry(), WAKER)?);
        let frame_waker = Arc::clone(&waker);
        // overflow: awaited. Each sender of a command waits for its answer, so that there are never more
        // commands than HTTP requests in flight.
        let (sender, commands) = mpsc::channel();
        let (other, handed) = OtherThread::new(Arc::clone(&waker));
        let worker = Worker {
            ports,
            poll,
            commands,
            frames: sink.add_receiver(Box::new(move || wake(&frame_waker))),
            shard,
            audience: Audience::new(self.audience(shard)),
            metrics: Arc::clone(&self.metrics),
            handed,
            more_handed: false,
            others: Vec::new(),
            next_summary: Instant::now(),
            pause: OwnPause::new(Instant::now()),
        };
        let handle = ShardHandle {
            commands: sender,
            waker,
            summaries: Mutex::default(),
        };
        Ok((worker, handle, other))
    }

    fn audience(&self, shard: Shard) -> AudienceParts {
        AudienceParts {
            shard,
            peer_index: Arc::clone(&self.peer_index),
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

/// The configured number of threads; 0: as many as the machine has cores.
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
