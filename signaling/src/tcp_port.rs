//! The TCP side of the media port, for viewers whose network lets no UDP through (RFC 6544): they
//! connect to us, we never to them. One thread listens; a connection that has shown whose it is goes to
//! the thread of that viewer.

use std::collections::HashMap;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::{Duration, Instant};

use mio::event::Event;
use mio::net::{TcpListener, TcpStream};
use mio::{Interest, Registry, Token};
use socket2::{Domain, Protocol, SockRef, Socket, Type};

use crate::demux::ViewerKey;
use crate::framing::{Framer, Unframer};
use crate::path::{Carriage, Path};
use crate::runs::Run;
use crate::socket::SendCount;

/// Connections that have not shown a name we gave out.
const STRANGERS_MAX: usize = 64;
/// How long such a connection may stay.
const STRANGER_STAYS: Duration = Duration::from_secs(5);
/// Connections of one viewer: a few addresses of its own times a few of ours.
const PER_VIEWER_MAX: usize = 8;
/// Reads in a row from one connection before the others get their turn.
const READS_MAX: usize = 8;
/// What the system holds beyond [`Framer`]; as little as keeps a fast network busy, because what is
/// in it is late.
const SEND_BUFFER: usize = 128 << 10;
const BACKLOG: i32 = 128;

/// A connection, of a viewer or of somebody who has not shown a name yet.
pub(crate) struct Connection {
    stream: TcpStream,
    path: Path,
    incoming: Unframer,
    outgoing: Framer,
    viewer: Option<ViewerKey>,
    since: Instant,
    readable: bool,
    broken: bool,
}

/// A datagram that came in by a connection.
pub(crate) struct Framed {
    pub(crate) token: Token,
    pub(crate) path: Path,
    pub(crate) bytes: bytes::BytesMut,
}

/// What became of connections; all of them are counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct TcpCount {
    pub(crate) accepted: usize,
    /// Beyond [`STRANGERS_MAX`] or [`PER_VIEWER_MAX`], or never showed a name.
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
}

impl TcpPort {
    /// Listens on every address, as the UDP socket of the same number does. Tokens from
    /// `first_token` on are its own.
    pub(crate) fn bind(port: u16, ipv6: bool, first_token: usize) -> io::Result<Self> {
        let (domain, any): (Domain, SocketAddr) = if ipv6 {
            (Domain::IPV6, (Ipv6Addr::UNSPECIFIED, port).into())
        } else {
            (Domain::IPV4, (Ipv4Addr::UNSPECIFIED, port).into())
        };
        let socket = Socket::new(domain, Type::STREAM, Some(Protocol::TCP))?;
        if ipv6 {
            socket.set_only_v6(false)?;
        }
        socket.set_reuse_address(true)?;
        socket.bind(&any.into())?;
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
                // A connection that ended before it was taken, or no descriptors left.
                Err(error) => {
                    tracing::debug!(%error, "a media connection could not be taken");
                    return;
                }
            }
        }
    }

    fn admit(&mut self, now: Instant, registry: &Registry, stream: TcpStream, remote: SocketAddr) {
        let strangers = self.connections.values();
        if strangers.filter(|known| known.viewer.is_none()).count() >= STRANGERS_MAX {
            // overflow: refused. It is closed at once; real viewers show their name within
            // milliseconds.
            self.count.refused += 1;
            return;
        }
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
            since: now,
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
    pub(crate) fn adopt(&mut self, registry: &Registry, connection: Connection, viewer: ViewerKey) {
        let mut connection = connection;
        // What came before it was watched here makes no event.
        connection.readable = true;
        if let Some(token) = self.watch(registry, connection) {
            self.claim(token, viewer);
        }
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
    pub(crate) fn receive(&mut self, out: &mut Vec<Framed>) {
        for (token, connection) in &mut self.connections {
            if connection.readable {
                connection.receive(*token, out);
            }
        }
    }

    /// Notes whose a connection is. Too many of one viewer's: it is closed.
    pub(crate) fn claim(&mut self, token: Token, viewer: ViewerKey) {
        let claimed = self
            .connections
            .get(&token)
            .is_none_or(|known| known.viewer.is_some());
        if claimed {
            return;
        }
        let all = self.connections.values();
        let of_viewer = all.filter(|known| known.viewer == Some(viewer)).count();
        if let Some(connection) = self.connections.get_mut(&token) {
            connection.viewer = Some(viewer);
            if of_viewer >= PER_VIEWER_MAX {
                // overflow: refused.
                connection.broken = true;
                self.count.refused += 1;
            }
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

    /// Lets go of connections that ended, that showed no name in time, or whose viewer is gone.
    pub(crate) fn sweep(
        &mut self,
        now: Instant,
        registry: &Registry,
        is_there: impl Fn(ViewerKey) -> bool,
    ) {
        let (ended, count) = (&mut self.ended, &mut self.count);
        let by_remote = &mut self.by_remote;
        self.connections.retain(|token, known| {
            let late = known.viewer.is_none()
                && now.saturating_duration_since(known.since) >= STRANGER_STAYS;
            let gone = known.viewer.is_some_and(|viewer| !is_there(viewer));
            if !(known.broken || late || gone) {
                return true;
            }
            count.refused += usize::from(late);
            let _ = registry.deregister(&mut known.stream);
            if by_remote.get(&known.path.remote) == Some(token) {
                by_remote.remove(&known.path.remote);
            }
            ended.extend(known.viewer.map(|viewer| (viewer, known.path)));
            false
        });
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

impl Connection {
    fn receive(&mut self, token: Token, out: &mut Vec<Framed>) {
        let mut buffer = [0; 8192];
        for _ in 0..READS_MAX {
            match self.stream.read(&mut buffer) {
                Ok(0) => return self.end(),
                Ok(length) => {
                    self.incoming.put(&buffer[..length]);
                    if !self.unframe(token, out) {
                        return self.end();
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.readable = false;
                    return;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return self.end(),
            }
        }
    }

    fn unframe(&mut self, token: Token, out: &mut Vec<Framed>) -> bool {
        let path = self.path;
        loop {
            match self.incoming.take() {
                Ok(Some(bytes)) => out.push(Framed { token, path, bytes }),
                Ok(None) => return true,
                Err(_) => return false,
            }
        }
    }

    fn flush(&mut self) {
        while !self.broken && !self.outgoing.waiting().is_empty() {
            match self.stream.write(self.outgoing.waiting()) {
                Ok(length) => self.outgoing.written(length),
                // overflow: awaited, by the bounded `Framer`; the system tells when there is room.
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => self.end(),
            }
        }
    }

    fn end(&mut self) {
        self.broken = true;
        self.readable = false;
    }
}
