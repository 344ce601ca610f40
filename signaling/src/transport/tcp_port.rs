//! The TCP side of the media port, for viewers whose network blocks UDP (RFC 6544): viewers connect, this
//! side never does. One thread listens; a connection that is authenticated moves to its viewer's thread.
//!
//! A connection is unauthenticated until a check with the right password arrives. Silent connections cannot
//! keep viewers out: beyond a limit each new one gets only a moment, and beyond a second limit the oldest of
//! the address with the most of them is closed. Because a check can be replayed, a connection belongs to
//! the viewer for good only after it has answered one of ours.

mod connection;

use std::cmp::Reverse;
use std::collections::HashMap;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use mio::event::Event;
use mio::net::{TcpListener, TcpStream};
use mio::{Interest, Registry, Token};
use socket2::{Domain, Protocol, SockRef, Socket, Type};

pub(crate) use self::connection::{Connection, Framed};
use self::connection::{Framer, Unframer};
use super::demux::ViewerKey;
use super::runs::{Path, Run, TransportProtocol};
use super::socket::SendCount;
use crate::fair_share::first_to_go;

/// Unauthenticated connections that get [`UNAUTHENTICATED_TIMEOUT`].
const UNAUTHENTICATED_MAX: usize = 64;
/// Time limit to authenticate, and then to answer a check.
const UNAUTHENTICATED_TIMEOUT: Duration = Duration::from_secs(5);
/// Further unauthenticated connections, and their shorter time limit: viewers send their first check together
/// with the end of the TCP handshake.
const SURPLUS_MAX: usize = 64;
const SURPLUS_TIMEOUT: Duration = Duration::from_millis(500);
/// Maximum connections of one viewer: a few of its addresses times a few of ours.
const PER_VIEWER_MAX: usize = 8;
/// After this long without a shortage the next one is logged again.
const WARN_INTERVAL: Duration = Duration::from_secs(600);
/// Kernel send buffer beyond [`Framer`]; only as much as keeps a fast network busy, because what is in it
/// adds delay.
const SEND_BUFFER: usize = 128 << 10;
const BACKLOG: i32 = 128;

/// Counts of accepted and closed connections.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct TcpCount {
    pub(crate) accepted: usize,
    /// Closed to make room, or not authenticated in time.
    pub(crate) refused: usize,
}

pub(crate) struct TcpPort {
    /// `None` on threads that do not listen.
    listener: Option<TcpListener>,
    connections: HashMap<Token, Connection>,
    by_remote: HashMap<SocketAddr, Token>,
    next_token: usize,
    ended: Vec<(ViewerKey, Path)>,
    count: TcpCount,
    short_at: Option<Instant>,
}

impl TcpPort {
    /// Drops what waits to be written.
    pub(crate) fn discard_queued(&mut self) {
        let connections = self.connections.values_mut();
        connections.for_each(|connection| connection.outgoing.discard());
    }

    /// Listens on the address of the UDP socket. Uses tokens from `first_token` on.
    pub(crate) fn bind(at: SocketAddr, first_token: usize) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(at), Type::STREAM, Some(Protocol::TCP))?;
        if at.is_ipv6() {
            socket.set_only_v6(!at.ip().is_unspecified())?;
        }
        socket.set_reuse_address(true)?;
        socket.bind(&at.into())?;
        socket.listen(BACKLOG)?;
        socket.set_nonblocking(true)?;
        Ok(Self {
            listener: Some(TcpListener::from_std(socket.into())),
            ..Self::without_listener(first_token)
        })
    }

    pub(crate) fn listens(&self) -> bool {
        self.listener.is_some()
    }

    /// Creates a port that only serves connections handed over by [`Self::release`].
    pub(crate) fn without_listener(first_token: usize) -> Self {
        Self {
            listener: None,
            connections: HashMap::new(),
            by_remote: HashMap::new(),
            next_token: first_token,
            ended: Vec::new(),
            count: TcpCount::default(),
            short_at: None,
        }
    }

    /// The listener to register for new connections.
    pub(crate) fn source(&mut self) -> Option<&mut TcpListener> {
        self.listener.as_mut()
    }

    /// Accepts all waiting connections.
    pub(crate) fn accept(&mut self, now: Instant, registry: &Registry) {
        loop {
            let Some(listener) = &self.listener else {
                return;
            };
            match listener.accept() {
                Ok((stream, remote)) => self.admit(now, registry, stream, remote),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if is_short(&error) => {
                    self.warn_shortage(now, "the process has no descriptors left");
                    // overflow: refused. With nothing to close, the next connection tries again.
                    if !self.close_unauthenticated(registry) {
                        return;
                    }
                }
                Err(error) if error.kind() == ErrorKind::ConnectionAborted => {}
                Err(error) => {
                    tracing::debug!(%error, "cannot accept a media connection");
                    return;
                }
            }
        }
    }

    fn admit(&mut self, now: Instant, registry: &Registry, stream: TcpStream, remote: SocketAddr) {
        let unauthenticated = self
            .connections
            .values()
            .filter(|known| known.is_unauthenticated());
        let timeout = match unauthenticated.count() {
            few if few < UNAUTHENTICATED_MAX => UNAUTHENTICATED_TIMEOUT,
            many => {
                self.warn_shortage(now, "too many are unauthenticated");
                // overflow: refused. The oldest is closed.
                if many >= UNAUTHENTICATED_MAX + SURPLUS_MAX {
                    self.close_unauthenticated(registry);
                }
                SURPLUS_TIMEOUT
            }
        };
        let Ok(local) = stream.local_addr() else {
            return;
        };
        // Send each packet at once.
        let _ = stream.set_nodelay(true);
        let _ = SockRef::from(&stream).set_send_buffer_size(SEND_BUFFER);
        let remote = SocketAddr::new(remote.ip().to_canonical(), remote.port());
        let path = Path {
            protocol: TransportProtocol::Tcp,
            local: local.ip().to_canonical(),
            remote,
        };
        let connection = Connection {
            stream,
            path,
            incoming: Unframer::default(),
            outgoing: Framer::default(),
            viewer: None,
            is_proven: false,
            deadline: now + timeout,
            heard_at: now,
            readable: true,
            broken: false,
        };
        self.count.accepted += usize::from(self.register(registry, connection).is_some());
    }

    /// Registers a connection; `None` if the system refuses, and the connection is closed.
    fn register(&mut self, registry: &Registry, mut connection: Connection) -> Option<Token> {
        let token = Token(self.next_token);
        self.next_token += 1;
        let both = Interest::READABLE | Interest::WRITABLE;
        if let Err(error) = registry.register(&mut connection.stream, token, both) {
            tracing::debug!(%error, "cannot register a media connection");
            return None;
        }
        self.by_remote.insert(connection.path.remote, token);
        self.connections.insert(token, connection);
        Some(token)
    }

    /// Closes the unauthenticated connection that has to make room first.
    fn close_unauthenticated(&mut self, registry: &Registry) -> bool {
        let all = self.connections.iter();
        let unauthenticated = all.filter(|(_, known)| known.is_unauthenticated());
        let waiting =
            unauthenticated.map(|(token, known)| (*token, known.address_group(), Reverse(token.0)));
        let Some((token, _)) = first_to_go(waiting) else {
            return false;
        };
        if let Some(known) = self.connections.remove(&token) {
            self.close(registry, token, known);
            self.count.refused += 1;
        }
        true
    }

    fn close(&mut self, registry: &Registry, token: Token, mut known: Connection) {
        // It is closed in any case.
        let _ = registry.deregister(&mut known.stream);
        if self.by_remote.get(&known.path.remote) == Some(&token) {
            self.by_remote.remove(&known.path.remote);
        }
        self.ended
            .extend(known.viewer.map(|viewer| (viewer, known.path)));
    }

    /// Logs a shortage once, and again after a while without one.
    fn warn_shortage(&mut self, now: Instant, why: &'static str) {
        let lately = |at| now.saturating_duration_since(at) < WARN_INTERVAL;
        if !self.short_at.is_some_and(lately) {
            tracing::warn!(
                why,
                "TCP connections to the media port are closed early to make room; viewers are \
                 served as before"
            );
        }
        self.short_at = Some(now);
    }

    /// Releases an unclaimed connection for the thread of its viewer.
    pub(crate) fn release(&mut self, registry: &Registry, token: Token) -> Option<Connection> {
        if self.connections.get(&token)?.viewer.is_some() {
            return None;
        }
        let mut connection = self.connections.remove(&token)?;
        self.by_remote.remove(&connection.path.remote);
        registry.deregister(&mut connection.stream).ok()?;
        Some(connection)
    }

    /// Takes a connection that another thread released.
    pub(crate) fn adopt(
        &mut self,
        now: Instant,
        registry: &Registry,
        mut connection: Connection,
        viewer: ViewerKey,
    ) {
        // Data that arrived before the registration makes no event.
        connection.readable = true;
        (connection.viewer, connection.deadline) = (Some(viewer), now + UNAUTHENTICATED_TIMEOUT);
        self.register(registry, connection);
        self.limit(viewer);
    }

    /// Handles a readiness event.
    pub(crate) fn note(&mut self, event: &Event) {
        let token = event.token();
        if let Some(connection) = self.connections.get_mut(&token) {
            connection.readable |= event.is_readable() || event.is_error();
            if event.is_writable() {
                connection.flush();
            }
        }
    }

    /// Whether there may be more to read.
    pub(crate) fn is_readable(&self) -> bool {
        self.connections.values().any(|known| known.readable)
    }

    /// Reads a fair share of each connection.
    pub(crate) fn receive(&mut self, now: Instant, out: &mut Vec<Framed>) {
        for (token, connection) in &mut self.connections {
            if connection.readable {
                connection.receive(now, *token, out);
            }
        }
    }

    /// Assigns a connection to the viewer whose authenticated check came over it.
    pub(crate) fn claim(&mut self, now: Instant, token: Token, viewer: ViewerKey) {
        let known = self.connections.get_mut(&token);
        if let Some(known) = known.filter(|known| known.is_unauthenticated()) {
            (known.viewer, known.deadline) = (Some(viewer), now + UNAUTHENTICATED_TIMEOUT);
            self.limit(viewer);
        }
    }

    /// The viewer has answered a check on this connection.
    pub(crate) fn prove(&mut self, remote: SocketAddr, viewer: ViewerKey) {
        let token = self.by_remote.get(&remote);
        if let Some(known) = token.and_then(|token| self.connections.get_mut(token)) {
            (known.viewer, known.is_proven) = (Some(viewer), true);
            self.limit(viewer);
        }
    }

    /// Closes surplus connections of one viewer: unproven ones first, then the longest idle.
    fn limit(&mut self, viewer: ViewerKey) {
        let all = self.connections.values_mut();
        let own = all.filter(|known| known.viewer == Some(viewer) && !known.broken);
        let mut own: Vec<&mut Connection> = own.collect();
        own.sort_by_key(|known| (!known.is_proven, Reverse(known.heard_at)));
        for known in own.into_iter().skip(PER_VIEWER_MAX) {
            // overflow: refused.
            known.broken = true;
            self.count.refused += 1;
        }
    }

    /// Sends datagrams in order, as far as the connection takes them.
    ///
    /// overflow: counted. What does not fit into a connection's buffer is lost like on the wire, and delays
    /// no other connection.
    pub(crate) fn send(&mut self, runs: &[Run], count: &mut SendCount) {
        let mut touched = None;
        for run in runs {
            let token = self.by_remote.get(&run.path.remote).copied();
            let connection = token.and_then(|token| self.connections.get_mut(&token));
            let Some(connection) = connection.filter(|known| !known.broken) else {
                count.failed += run.len();
                continue;
            };
            for datagram in run.datagrams() {
                if connection.outgoing.put(datagram) {
                    count.datagrams += 1;
                    count.bytes += datagram.len();
                } else {
                    count.blocked += 1;
                }
            }
            if touched.is_some() && touched != token {
                self.flush(touched);
            }
            touched = token;
        }
        self.flush(touched);
    }

    fn flush(&mut self, token: Option<Token>) {
        if let Some(connection) = token.and_then(|token| self.connections.get_mut(&token)) {
            connection.flush();
        }
    }

    /// Closes connections that ended, timed out, are idle, or whose viewer is gone.
    pub(crate) fn sweep(
        &mut self,
        now: Instant,
        registry: &Registry,
        is_there: impl Fn(ViewerKey) -> bool,
    ) {
        let over = |known: &Connection| {
            let gone = known.viewer.is_some_and(|viewer| !is_there(viewer));
            known.broken || known.is_overdue(now) || gone
        };
        let ended: Vec<_> = self
            .connections
            .extract_if(|_, known| over(known))
            .collect();
        for (token, known) in ended {
            self.count.refused += usize::from(!known.is_proven && known.is_overdue(now));
            self.close(registry, token, known);
        }
    }

    /// Takes the paths that ended since the last call.
    pub(crate) fn take_ended(&mut self) -> Vec<(ViewerKey, Path)> {
        std::mem::take(&mut self.ended)
    }

    /// Takes the counts since the last call.
    pub(crate) fn take_count(&mut self) -> TcpCount {
        std::mem::take(&mut self.count)
    }

    /// Number of open connections.
    pub(crate) fn connections(&self) -> usize {
        self.connections.len()
    }

    /// Whether [`Self::sweep`] has work to do at once.
    pub(crate) fn has_ended_connections(&self) -> bool {
        self.connections.values().any(|known| known.broken)
    }
}

/// Whether the process or the system has no descriptors left.
fn is_short(error: &io::Error) -> bool {
    const ENFILE: i32 = 23;
    const EMFILE: i32 = 24;
    matches!(error.raw_os_error(), Some(ENFILE | EMFILE))
}
