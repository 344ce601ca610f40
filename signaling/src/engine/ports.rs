//! The media port as each engine thread uses it: UDP, and TCP with the same number; and what the thread that
//! reads the port hands over to the thread that serves the viewer.
//!
//! One thread reads the socket and accepts connections: viewers send little (a few reports and checks a
//! second) compared with what they are sent (some hundred packets). With `SO_REUSEPORT`, which would let
//! each thread read, a second program could take the port unnoticed.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Instant;

use bytes::BytesMut;
use mio::event::Event;
use mio::{Interest, Registry, Token};

use super::handle::wake;
use crate::metrics::{ConnectionFate, DropCause, EngineMetrics, count};
use crate::transport::demux::ViewerKey;
use crate::transport::peer::PacketSource;
use crate::transport::runs::{Path, Run, TransportProtocol};
use crate::transport::socket::{MediaSocket, SendCount};
use crate::transport::tcp_port::{Connection, TcpPort};

const MEDIA: Token = Token(1);
const LISTENER: Token = Token(2);
/// The token of the first connection; others follow.
const FIRST_CONNECTION: usize = 3;

/// Free UDP ports that are tried until one is free for TCP, too; after that one without TCP is used.
const TRIES: usize = 8;

pub(super) struct Ports {
    pub(super) udp: MediaSocket,
    /// Without a listener on threads that do not read the port, and where the port could not be opened.
    pub(super) tcp: TcpPort,
    metrics: Arc<EngineMetrics>,
    /// This is the thread that reads the port.
    listens: bool,
    /// UDP is edge-triggered: it must be read until it is empty.
    pub(super) udp_readable: bool,
    /// Open connections that the metrics count.
    open: i64,
}

impl Ports {
    /// Opens `port` on one address, or on all; 0: any port that is free for both. If another program has the
    /// TCP port, media goes over UDP only.
    pub(super) fn open(ip: IpAddr, port: u16, metrics: Arc<EngineMetrics>) -> io::Result<Self> {
        let (mut udp, mut tcp) = open_both(ip, port)?;
        for _ in 0..TRIES {
            if port != 0 || tcp.is_ok() {
                break;
            }
            (udp, tcp) = open_both(ip, port)?;
        }
        let tcp = tcp.unwrap_or_else(|error| {
            let port = udp.port();
            tracing::warn!(%error, port, "no media over TCP: the port cannot be opened");
            TcpPort::without_listener(FIRST_CONNECTION)
        });
        Ok(Self {
            udp,
            tcp,
            metrics,
            listens: true,
            udp_readable: true,
            open: 0,
        })
    }

    /// The same port for another thread, which sends through it and has its viewers' TCP connections.
    pub(super) fn for_sending(&self) -> io::Result<Self> {
        Ok(Self {
            udp: self.udp.for_sending()?,
            tcp: TcpPort::without_listener(FIRST_CONNECTION),
            metrics: Arc::clone(&self.metrics),
            listens: false,
            udp_readable: false,
            open: 0,
        })
    }

    pub(super) fn register(&mut self, registry: &Registry) -> io::Result<()> {
        if self.listens {
            registry.register(self.udp.source(), MEDIA, Interest::READABLE)?;
        }
        match self.tcp.source() {
            Some(listener) => registry.register(listener, LISTENER, Interest::READABLE),
            None => Ok(()),
        }
    }

    /// Handles an event of the system.
    pub(super) fn note(&mut self, now: Instant, event: &Event, registry: &Registry) {
        match event.token() {
            MEDIA => self.udp_readable = true,
            LISTENER => self.tcp.accept(now, registry),
            _ => self.tcp.note(event),
        }
    }

    /// Whether there may be more to read.
    pub(super) fn is_readable(&self) -> bool {
        self.udp_readable || self.tcp.is_readable()
    }

    pub(super) fn send(&mut self, runs: &[Run]) {
        let mut sent = SendCount::default();
        for alike in runs.chunk_by(|a, b| a.path.protocol == b.path.protocol) {
            match alike[0].path.protocol {
                TransportProtocol::Udp => self.udp.send(alike, &mut sent),
                TransportProtocol::Tcp => self.tcp.send(alike, &mut sent),
            }
        }
        self.metrics.packets.inc_by(sent.datagrams as u64);
        self.metrics.bytes.inc_by(sent.bytes as u64);
        self.metrics.offloads.inc_by(sent.offloaded as u64);
        count(&self.metrics.drops, DropCause::Blocked, sent.blocked);
        count(&self.metrics.drops, DropCause::Failed, sent.failed);
    }

    /// Closes connections of no use, and returns the paths that have ended.
    pub(super) fn sweep(
        &mut self,
        now: Instant,
        registry: &Registry,
        is_there: impl Fn(ViewerKey) -> bool,
    ) -> Vec<(ViewerKey, Path)> {
        self.tcp.sweep(now, registry, is_there);
        let (counted, connections) = (self.tcp.take_count(), &self.metrics.connections);
        count(connections, ConnectionFate::Accepted, counted.accepted);
        count(connections, ConnectionFate::Refused, counted.refused);
        let open = i64::try_from(self.tcp.connections()).unwrap_or(i64::MAX);
        self.metrics.connections_open.inc_by(open - self.open);
        self.open = open;
        self.tcp.take_ended()
    }
}

fn open_both(ip: IpAddr, port: u16) -> io::Result<(MediaSocket, io::Result<TcpPort>)> {
    let udp = MediaSocket::bind(ip, port)?;
    let tcp = TcpPort::bind(udp.bound(), FIRST_CONNECTION);
    Ok((udp, tcp))
}

/// The capacity of a thread's queue: the reports of a thousand viewers in a second.
const WAITING_MAX: usize = 4096;

/// What is handed over to the thread that serves the viewer.
pub(super) enum Handed {
    Datagram {
        key: ViewerKey,
        way: PacketSource,
        bytes: BytesMut,
    },
    /// A TCP connection with its viewer; the ICE check that named the viewer follows as a datagram.
    Connection(ViewerKey, Box<Connection>),
}

/// Hands datagrams and connections over to the thread of one other shard.
pub(super) struct OtherThread {
    sender: SyncSender<Handed>,
    waker: Arc<mio::Waker>,
    to_wake: bool,
}

impl OtherThread {
    pub(super) fn new(waker: Arc<mio::Waker>) -> (Self, Receiver<Handed>) {
        // overflow: counted, by the caller of `hand`.
        let (sender, receiver) = sync_channel(WAITING_MAX);
        let other = Self {
            sender,
            waker,
            to_wake: false,
        };
        (other, receiver)
    }

    /// Hands something over; [`Self::wake`] then wakes the thread. `false`: the queue is full or the thread
    /// has ended, and the datagram is lost.
    pub(super) fn hand(&mut self, handed: Handed) -> bool {
        self.to_wake = true;
        // overflow: counted by the caller.
        self.sender.try_send(handed).is_ok()
    }

    /// Wakes the thread if anything was handed over: once for a whole batch.
    pub(super) fn wake(&mut self) {
        if std::mem::take(&mut self.to_wake) {
            wake(&self.waker);
        }
    }
}
