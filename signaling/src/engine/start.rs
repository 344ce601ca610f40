//! The engine's threads before they run: what each is asked by, woken by and sends by.

use std::io;
use std::num::NonZero;
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Instant, SystemTime};

use rtc::crypto::RTCCryptoProvider;

use super::handover::Neighbour;
use super::ports::Ports;
use super::worker::{WAKER, WorkerParts};
use super::{Door, EngineConfig, wake};
use crate::audience::{AudienceLimits, AudienceParts, Ledger};
use crate::demand::Demand;
use crate::demux::Shard;
use crate::encoded::{FrameSink, QUEUE_FRAMES};
use crate::engine_metrics::EngineMetrics;
use crate::reports::ReportClock;

/// All threads, the one that listens first.
pub(super) struct Threads {
    pub(super) workers: Vec<WorkerParts>,
    pub(super) doors: Vec<Door>,
    pub(super) ledger: Arc<Ledger>,
    pub(super) sink: FrameSink,
}

/// What the threads have in common before they run.
pub(super) struct Plan<'a> {
    config: &'a EngineConfig,
    demand: Arc<Demand>,
    metrics: Arc<EngineMetrics>,
    ledger: Arc<Ledger>,
    crypto: Arc<dyn RTCCryptoProvider>,
    clock: ReportClock,
}

impl<'a> Plan<'a> {
    pub(super) fn new(
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
    pub(super) fn threads(self, ports: Ports) -> io::Result<Threads> {
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
        Ok(Threads {
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
