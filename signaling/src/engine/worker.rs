//! An engine thread: one loop between the socket, the frames and the requests of one shard.

#[cfg(test)]
mod tests;

use std::io;
use std::sync::{Arc, Weak, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use capture::trace::{self, TraceSpan};
use capture::{Heartbeat, TURN_MAX, lock};
use mio::{Events, Poll, Token};

use super::audience::{Audience, Out};
use super::handle::{Command, Shared, ViewerSummary};
use super::ports::{Handed, OtherThread, Ports};
use crate::encode::frame_queue::FrameReceiver;
use crate::fanout::media_sender::Phase;
use crate::metrics::{EngineMetrics, IgnoredCause, count};
use crate::transport::demux::{Shard, ViewerKey};
use crate::transport::peer::PacketSource;
use crate::transport::runs::TransportProtocol;
use crate::transport::tcp_port::Framed;

pub(super) const WAKER: Token = Token(0);
/// Receive calls in a row before frames and requests are served.
const RECEIVES_MAX: usize = 16;
/// Handed-over items that are taken in a row, likewise.
const HANDED_MAX: usize = 512;
/// How often the viewers' summaries are updated.
const SUMMARY_INTERVAL: Duration = Duration::from_secs(1);

pub(super) struct Worker {
    pub(super) ports: Ports,
    pub(super) poll: Poll,
    pub(super) commands: mpsc::Receiver<Command>,
    pub(super) frames: FrameReceiver,
    pub(super) shard: Shard,
    pub(super) audience: Audience,
    pub(super) metrics: Arc<EngineMetrics>,
    /// What the thread that reads the port hands over.
    pub(super) handed: mpsc::Receiver<Handed>,
    /// More than [`HANDED_MAX`] items were waiting.
    pub(super) more_handed: bool,
    /// The other threads, by shard, if this is the thread that reads the port.
    pub(super) others: Vec<(Shard, OtherThread)>,
    pub(super) next_summary: Instant,
    pub(super) pause: OwnPause,
}

/// A received datagram, kept until the receive call has returned.
struct Incoming {
    way: PacketSource,
    bytes: Vec<u8>,
}

pub(super) fn spawn(mut worker: Worker, shared: &Arc<Shared>) -> io::Result<JoinHandle<()>> {
    worker.ports.register(worker.poll.registry())?;
    let name = match worker.shard {
        Shard(0) => "media-engine".to_owned(),
        Shard(other) => format!("media-engine-{other}"),
    };
    let weak = Arc::downgrade(shared);
    let threads = &shared.registered;
    threads.spawn(name, move |heartbeat| worker.run(&weak, heartbeat))
}

impl Worker {
    fn run(&mut self, shared: &Weak<Shared>, heartbeat: &Heartbeat) {
        self.recover(heartbeat.panics_in_a_row());
        let mut events = Events::with_capacity(8);
        loop {
            heartbeat.beat(TURN_MAX);
            let wait = if self.ports.is_readable() || self.more_handed {
                Duration::ZERO
            } else {
                self.time_to_next_timer(Instant::now())
            };
            match self.poll.poll(&mut events, Some(wait)) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    tracing::error!(%error, "the media engine cannot wait for events");
                    std::thread::sleep(Duration::from_millis(10));
                }
            }
            let now = Instant::now();
            self.notice_pause(now, wait);
            for event in events.iter().filter(|event| event.token() != WAKER) {
                self.ports.note(now, event, self.poll.registry());
            }
            // Requests first: a viewer's session must exist when its first ICE check is handled.
            if !self.serve_commands() {
                break;
            }
            self.fan_out();
            self.more_handed = self.take_handed();
            if self.ports.udp_readable {
                self.ports.udp_readable = self.receive();
            }
            self.receive_tcp();
            self.others.iter_mut().for_each(|(_, next)| next.wake());
            let now = Instant::now();
            self.notice_pause(now, Duration::ZERO);
            self.sweep(now);
            self.audience.tick(now, &mut |runs| self.ports.send(runs));
            self.publish(now, shared);
        }
        let now = Instant::now();
        self.audience.close(now, &mut |runs| self.ports.send(runs));
        self.publish(self.next_summary, shared);
    }

    /// After one panic the viewers are kept, since the cause is most likely one viewer's datagram. After a
    /// second one in a row all sessions are closed, and viewers connect again by themselves.
    fn recover(&mut self, panics_in_a_row: u32) {
        if panics_in_a_row > 0 {
            // The panic may have come after an edge-triggered event and before the socket was read.
            (self.ports.udp_readable, self.more_handed) = (true, true);
        }
        if panics_in_a_row > 1 {
            let out: &mut Out<'_> = &mut |runs| self.ports.send(runs);
            self.audience.close(Instant::now(), out);
        }
    }

    /// To be called before timers: a pause of the whole process is no timeout of a viewer.
    fn notice_pause(&mut self, now: Instant, waited: Duration) {
        if let Some(pause) = self.pause.check(now, waited) {
            tracing::info!(
                pause_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX),
                "this process did not run for a while; viewers go on"
            );
            self.audience.resume(now, pause);
        }
    }

    fn time_to_next_timer(&self, now: Instant) -> Duration {
        let due = self.audience.due().into_iter().chain([self.next_summary]);
        due.min()
            .map_or(SUMMARY_INTERVAL, |due| due.saturating_duration_since(now))
    }

    /// Serves requests. `false`: the engine must end.
    fn serve_commands(&mut self) -> bool {
        loop {
            let command = match self.commands.try_recv() {
                Ok(command) => command,
                Err(mpsc::TryRecvError::Empty) => return true,
                // Every handle is gone; no request can come any more.
                Err(mpsc::TryRecvError::Disconnected) => return false,
            };
            match command {
                Command::Request(request) => {
                    let out: &mut Out<'_> = &mut |runs| self.ports.send(runs);
                    request(&mut self.audience, Instant::now(), out);
                }
                Command::DiscardPictures(reply) => {
                    self.frames.clear();
                    self.audience.discard_pictures(Instant::now());
                    self.ports.tcp.discard_queued();
                    let _ = reply.send(());
                }
                Command::Stop => return false,
            }
        }
    }

    fn fan_out(&mut self) {
        while let Some(frame) = self.frames.try_recv() {
            let now = Instant::now();
            let trace = frame.trace;
            self.audience
                .frame(now, frame, &mut |runs| self.ports.send(runs));
            let end = Instant::now();
            self.metrics.fanout.observe((end - now).as_secs_f64());
            if let Some(root) = trace {
                let send = TraceSpan::part_of(root, "carrier.send", (now, end));
                let thread = self.shard.0 as u64;
                trace::record(send.with("carrier.engine_thread", thread));
            }
        }
    }

    /// Receives waiting datagrams. `true`: there may be more.
    fn receive(&mut self) -> bool {
        let mut incoming = Vec::new();
        for _ in 0..RECEIVES_MAX {
            let received = self.ports.udp.receive(|datagram| {
                incoming.push(Incoming {
                    way: PacketSource {
                        protocol: TransportProtocol::Udp,
                        from: datagram.from,
                        to: datagram.to,
                    },
                    bytes: datagram.bytes.to_vec(),
                });
            });
            let drained = match received {
                Ok(()) => false,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => true,
                // ICMP errors of earlier sends are reported here; the next call goes on.
                Err(error) => {
                    tracing::debug!(%error, "receiving media feedback failed");
                    false
                }
            };
            let now = Instant::now();
            for Incoming { way, bytes } in incoming.drain(..) {
                match self.audience.whose(way, &bytes) {
                    Some(key) if key.shard == self.shard => self.take(now, key, way, &bytes),
                    Some(key) => self.hand_datagram(key, way, &bytes),
                    None => {}
                }
            }
            if drained {
                return false;
            }
        }
        true
    }

    fn receive_tcp(&mut self) {
        let now = Instant::now();
        let mut received = Vec::new();
        self.ports.tcp.receive(now, &mut received);
        for framed in received {
            let way = PacketSource {
                protocol: TransportProtocol::Tcp,
                from: framed.path.remote,
                to: Some(framed.path.local),
            };
            match self.audience.whose(way, &framed.bytes) {
                Some(key) if key.shard == self.shard => {
                    self.ports.tcp.claim(now, framed.token, key);
                    self.take(now, key, way, &framed.bytes);
                }
                Some(key) => self.hand_framed(key, way, &framed),
                None => {}
            }
        }
    }

    /// Takes a datagram of a viewer of this shard.
    fn take(&mut self, now: Instant, key: ViewerKey, way: PacketSource, bytes: &[u8]) {
        let out: &mut Out<'_> = &mut |runs| self.ports.send(runs);
        let proven = self.audience.receive(now, key, way, bytes, out);
        if proven && way.protocol == TransportProtocol::Tcp {
            self.ports.tcp.prove(way.from, key);
        }
    }

    /// Takes what the thread that reads the port has handed over. `true`: there may be more.
    fn take_handed(&mut self) -> bool {
        for _ in 0..HANDED_MAX {
            let Ok(handed) = self.handed.try_recv() else {
                return false;
            };
            match handed {
                Handed::Datagram { key, way, bytes } => {
                    self.take(Instant::now(), key, way, &bytes);
                }
                Handed::Connection(key, connection) => {
                    let registry = self.poll.registry();
                    let (now, tcp) = (Instant::now(), &mut self.ports.tcp);
                    tcp.adopt(now, registry, *connection, key);
                }
            }
        }
        true
    }

    /// Hands over the connection before the datagram, so that answers can be sent through it.
    fn hand_framed(&mut self, key: ViewerKey, way: PacketSource, framed: &Framed) {
        let registry = self.poll.registry();
        if let Some(connection) = self.ports.tcp.release(registry, framed.token) {
            self.hand(key, Handed::Connection(key, Box::new(connection)));
        }
        self.hand_datagram(key, way, &framed.bytes);
    }

    fn hand_datagram(&mut self, key: ViewerKey, way: PacketSource, bytes: &[u8]) {
        let bytes = bytes.into();
        self.hand(key, Handed::Datagram { key, way, bytes });
    }

    /// overflow: counted. A connection that is dropped is closed, and its viewer opens another one.
    fn hand(&mut self, key: ViewerKey, handed: Handed) {
        let mut others = self.others.iter_mut();
        let next = others.find(|(shard, _)| *shard == key.shard);
        let taken = next.is_some_and(|(_, next)| next.hand(handed));
        self.metrics.handed.inc_by(u64::from(taken));
        count(
            &self.metrics.ignored,
            IgnoredCause::Behind,
            usize::from(!taken),
        );
    }

    /// Removes connections: those that ended at once, since their viewers wait, and useless ones each
    /// second.
    fn sweep(&mut self, now: Instant) {
        if now < self.next_summary && !self.ports.tcp.has_ended_connections() {
            return;
        }
        let registry = self.poll.registry();
        let ended = self
            .ports
            .sweep(now, registry, |key| self.audience.has(key));
        for (viewer, path) in ended {
            let out: &mut Out<'_> = &mut |runs| self.ports.send(runs);
            self.audience.close_path(now, viewer, path, out);
        }
    }

    fn publish(&mut self, now: Instant, shared: &Weak<Shared>) {
        if now < self.next_summary {
            return;
        }
        self.next_summary = now + SUMMARY_INTERVAL;
        let summaries = self
            .audience
            .viewers()
            .map(|viewer| ViewerSummary {
                connected: matches!(viewer.media.phase, Phase::Awaiting | Phase::Live),
                watched_for: now.saturating_duration_since(viewer.steps.offered_at),
                loss: viewer.media.loss,
                round_trip: viewer.media.round_trip,
                rendition: viewer.media.rendition,
                rendition_change: viewer.media.rendition_change,
                estimate_bps: viewer.media.control.estimate_bps(),
                frozen_for: viewer.media.freeze.total(now),
            })
            .collect();
        if let Some(shared) = shared.upgrade() {
            *lock(&shared.shards[self.shard.0].summaries) = summaries;
        }
    }
}

/// Shorter pauses are normal on a busy machine.
const LEAST: Duration = Duration::from_secs(1);

/// Detects pauses of the process: gaps between the times at which one loop reads the monotonic clock.
#[derive(Debug)]
pub(crate) struct OwnPause {
    checked_at: Instant,
}

impl OwnPause {
    pub(crate) fn new(now: Instant) -> Self {
        Self { checked_at: now }
    }

    /// To be called in each turn of the loop. `waited`: the longest intended wait since the last call.
    /// Returns how long the process did not run, if it paused.
    pub(crate) fn check(&mut self, now: Instant, waited: Duration) -> Option<Duration> {
        let since = now.saturating_duration_since(self.checked_at);
        self.checked_at = now;
        (since > waited + LEAST).then_some(since)
    }
}
