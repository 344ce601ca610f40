//! The TCP side of the media port, for viewers whose network lets no UDP through (RFC 6544): they
//! connect to us, we never to them. One thread listens; a connection that has shown whose it is goes to
//! the thread of that viewer.
//!
//! Whoever connects is a stranger until a check with the right password has come. Silent strangers keep
//! nobody out: beyond a number each new one has only a moment, and where even that is too many, the oldest
//! of the address with the most of them makes room. A check can be recorded and sent again, so that a
//! connection is the viewer's for good only once it has answered one of ours.

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
use super::runs::{Carriage, Path, Run};
use super::socket::SendCount;
use crate::fair_share::first_to_go;

/// Connections that have not shown whose they are, and are given some time for it.
const STRANGERS_MAX: usize = 64;
/// How long such a connection may stay, and one that was claimed and not proven.
const STRANGER_STAYS: Duration = Duration::from_secs(5);
/// How many more may come meanwhile, and how long each of them may stay: viewers send their first check
/// together with the end of the TCP handshake.
const STRANGERS_MORE: usize = 64;
const STRANGER_MORE_STAYS: Duration = Duration::from_millis(500);
/// Connections of one viewer: a few addresses of its own times a few of ours.
const PER_VIEWER_MAX: usize = 8;
/// After this long without a shortage the next one is told again.
const TELL_AGAIN: Duration = Duration::from_secs(600);
/// What the system holds beyond [`Framer`]; as little as keeps a fast network busy, because what is
/// in it is late.
const SEND_BUFFER: usize = 128 << 10;
const BACKLOG: i32 = 128;

/// What became of connections; all of them are counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct TcpCount {
    pub(crate) accepted: usize,
    /// Made room for others, or never showed whose they were.
    pub(crate) refused: usize,
}

pub(crate) struct TcpPort {
    /// `None`: another thread listens.
    listener: Option<TcpListener>,
    connections: HashMap<Token, Connection>,
    by_remote: HashMap<SocketAddr, Token>,
    next_token: usize,
    ended: Vec<(ViewerKey, Path)>,
    count: TcpCount,
    short_at: Option<Instant>,
}

impl TcpPort {
    /// Listens where the UDP socket of the same number does. Tokens from `first_token` on are its own.
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
            ..Self::deaf(first_token)
        })
    }

    /// Takes only connections that are handed over.
    pub(crate) fn deaf(first_token: usize) -> Self {
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

    /// What is to be watched for new connections.
    pub(crate) fn source(&mut self) -> Option<&mut TcpListener> {
        self.listener.as_mut()
    }

    /// Takes all connections that wait.
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
                    self.tell_shortage(now, "the process has no descriptors left");
                    // overflow: refused. Without a stranger to give up, the next connection tries again.
                    if !self.give_up_stranger(registry) {
                        return;
                    }
                }
                Err(error) if error.kind() == ErrorKind::ConnectionAborted => {}
                Err(error) => {
                    tracing::debug!(%error, "a media connection could not be taken");
                    return;
                }
            }
        }
    }

    fn admit(&mut self, now: Instant, registry: &Registry, stream: TcpStream, remote: SocketAddr) {
        let strangers = self
            .connections
            .values()
            .filter(|known| known.is_stranger());
        let stays = match strangers.count() {
            few if few < STRANGERS_MAX => STRANGER_STAYS,
            many => {
                self.tell_shortage(now, "many of them say nothing");
                // overflow: refused. The oldest goes.
                if many >= STRANGERS_MAX + STRANGERS_MORE {
                    self.give_up_stranger(registry);
                }
                STRANGER_MORE_STAYS
            }
        };
        let Ok(local) = stream.local_addr() else {
            return;
        };
        // Media must not wait for more of it.
        let _ = stream.set_nodelay(true);
        let _ = SockRef::from(&stream).set_send_buffer_size(SEND_BUFFER);
        let remote = SocketAddr::new(remote.ip().to_canonical(), remote.port());
        let path = Path {
            carriage: Carriage::Tcp,
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
            late_at: now + stays,
            heard_at: now,
            readable: true,
            broken: false,
        };
        self.count.accepted += usize::from(self.watch(registry, connection).is_some());
    }

    /// `None`: the system refuses, and the connection is closed.
    fn watch(&mut self, registry: &Registry, mut connection: Connection) -> Option<Token> {
        let token = Token(self.next_token);
        self.next_token += 1;
        let both = Interest::READABLE | Interest::WRITABLE;
        if let Err(error) = registry.register(&mut connection.stream, token, both) {
            tracing::debug!(%error, "a media connection could not be watched");
            return None;
        }
        self.by_remote.insert(connection.path.remote, token);
        self.connections.insert(token, connection);
        Some(token)
    }

    /// Closes the stranger that makes room first.
    fn give_up_stranger(&mut self, registry: &Registry) -> bool {
        let all = self.connections.iter();
        let strangers = all.filter(|(_, known)| known.is_stranger());
        let waiting =
            strangers.map(|(token, known)| (*token, known.address_group(), Reverse(token.0)));
        let Some((token, _)) = first_to_go(waiting) else {
            return false;
        };
        if let Some(known) = self.connections.remove(&token) {
            self.let_go(registry, token, known);
            self.count.refused += 1;
        }
        true
    }

    fn let_go(&mut self, registry: &Registry, token: Token, mut known: Connection) {
        // It is closed in any case.
        let _ = registry.deregister(&mut known.stream);
        if self.by_remote.get(&known.path.remote) == Some(&token) {
            self.by_remote.remove(&known.path.remote);
        }
        self.ended
            .extend(known.viewer.map(|viewer| (viewer, known.path)));
    }

    /// Says once that there is a shortage, and again when there was none for a while.
    fn tell_shortage(&mut self, now: Instant, why: &'static str) {
        let lately = |at| now.saturating_duration_since(at) < TELL_AGAIN;
        if !self.short_at.is_some_and(lately) {
            tracing::warn!(
                why,
                "TCP connections to the media port are closed early to make room; viewers are \
                 served as before"
            );
        }
        self.short_at = Some(now);
    }

    /// Lets go of a connection that nobody has claimed, for the thread of its viewer.
    pub(crate) fn release(&mut self, registry: &Registry, token: Token) -> Option<Connection> {
        if self.connections.get(&token)?.viewer.is_some() {
            return None;
        }
        let mut connection = self.connections.remove(&token)?;
        self.by_remote.remove(&connection.path.remote);
        registry.deregister(&mut connection.stream).ok()?;
        Some(connection)
    }

    /// Takes a connection that another thread let go of.
    pub(crate) fn adopt(
        &mut self,
        now: Instant,
        registry: &Registry,
        connection: Connection,
        viewer: ViewerKey,
    ) {
        let mut connection = connection;
        // What came before it was watched here makes no event.
        connection.readable = true;
        (connection.viewer, connection.late_at) = (Some(viewer), now + STRANGER_STAYS);
        self.watch(registry, connection);
        self.limit(viewer);
    }

    /// Follows what the system says of a connection.
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

    /// Reads what has come, a fair share of each connection.
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
        if let Some(known) = known.filter(|known| known.is_stranger()) {
            (known.viewer, known.late_at) = (Some(viewer), now + STRANGER_STAYS);
            self.limit(viewer);
        }
    }

    /// Notes that the viewer has shown a connection to be its own.
    pub(crate) fn prove(&mut self, remote: SocketAddr, viewer: ViewerKey) {
        let token = self.by_remote.get(&remote);
        if let Some(known) = token.and_then(|token| self.connections.get_mut(token)) {
            (known.viewer, known.is_proven) = (Some(viewer), true);
            self.limit(viewer);
        }
    }

    /// Closes what one viewer has too many of: what proves nothing first, then what is idle longest.
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

    /// Sends datagrams in their order, as far as the connection takes them.
    ///
    /// overflow: counted. What does not fit into a connection's share is lost like on the wire, and
    /// holds up nobody else.
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

    /// Lets go of connections that ended, that showed nothing in time, that are idle, or whose viewer is
    /// gone.
    pub(crate) fn sweep(
        &mut self,
        now: Instant,
        registry: &Registry,
        is_there: impl Fn(ViewerKey) -> bool,
    ) {
        let over = |known: &Connection| {
            let gone = known.viewer.is_some_and(|viewer| !is_there(viewer));
            known.broken || known.is_late(now) || gone
        };
        let ended: Vec<_> = self
            .connections
            .extract_if(|_, known| over(known))
            .collect();
        for (token, known) in ended {
            self.count.refused += usize::from(!known.is_proven && known.is_late(now));
            self.let_go(registry, token, known);
        }
    }

    /// Takes the paths that ended since this was last asked.
    pub(crate) fn take_ended(&mut self) -> Vec<(ViewerKey, Path)> {
        std::mem::take(&mut self.ended)
    }

    /// Takes the counts since this was last asked.
    pub(crate) fn take_count(&mut self) -> TcpCount {
        std::mem::take(&mut self.count)
    }

    /// Connections now.
    pub(crate) fn connections(&self) -> usize {
        self.connections.len()
    }

    /// Whether a sweep has something to do at once.
    pub(crate) fn has_broken(&self) -> bool {
        self.connections.values().any(|known| known.broken)
    }
}

/// Whether there are no descriptors left, of this process or of the system.
fn is_short(error: &io::Error) -> bool {
    const ENFILE: i32 = 23;
    const EMFILE: i32 = 24;
    matches!(error.raw_os_error(), Some(ENFILE | EMFILE))
}
