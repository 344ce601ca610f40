//! The relay: one socket for clients, and one to the station for each client.

use std::collections::HashMap;
use std::io::{self, ErrorKind, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, mpsc};
use std::time::Instant;

use lossy_link::Link;
use mio::net::UdpSocket;
use mio::{Events, Interest, Poll, Token, Waker};
use socket2::{Domain, Protocol, Socket, Type};

use crate::commands::{Command, PathWait, Setting, Totals, parse, totals_json};

const FRONT: Token = Token(usize::MAX);
const COMMANDS: Token = Token(usize::MAX - 1);
/// Maximum client addresses; a browser has a few per connection.
const PATHS_MAX: usize = 4096;
/// Requested kernel buffer; losses in it are not counted by a link.
const RECEIVE_BUFFER_BYTES: usize = 4 << 20;
/// Larger than any datagram. Without UDP_GRO the kernel returns the datagrams of an offloaded burst one by
/// one, as a link needs.
const BUFFER_BYTES: usize = 65_536;

/// The path between one client and the station.
struct ClientPath {
    client: SocketAddr,
    socket: UdpSocket,
    /// Index of its links, which clients may share.
    links: usize,
}

/// A datagram with the index of its path.
type PathDatagram = (usize, Vec<u8>);

/// Both directions.
struct Links {
    up: Link<PathDatagram>,
    down: Link<PathDatagram>,
}

pub(crate) struct Relay {
    poll: Poll,
    /// Kept alive, because dropping the last waker would discard a pending wake-up.
    waker: Arc<Waker>,
    front: UdpSocket,
    station: SocketAddr,
    seed: u64,
    /// Whether all clients share one bottleneck.
    shared: bool,
    up: Setting,
    down: Setting,
    paths: Vec<ClientPath>,
    links: Vec<Links>,
    by_client: HashMap<SocketAddr, usize>,
}

impl Relay {
    pub(crate) fn open(
        listen: SocketAddr,
        station: SocketAddr,
        seed: u64,
        shared: bool,
    ) -> io::Result<Self> {
        let poll = Poll::new()?;
        let mut front = socket(listen)?;
        poll.registry()
            .register(&mut front, FRONT, Interest::READABLE)?;
        let waker = Arc::new(Waker::new(poll.registry(), COMMANDS)?);
        Ok(Self {
            poll,
            waker,
            front,
            station,
            seed,
            shared,
            up: Setting::default(),
            down: Setting::default(),
            paths: Vec::new(),
            links: Vec::new(),
            by_client: HashMap::new(),
        })
    }

    pub(crate) fn port(&self) -> io::Result<u16> {
        Ok(self.front.local_addr()?.port())
    }

    /// Wakes the relay after a command.
    pub(crate) fn waker(&self) -> Arc<Waker> {
        Arc::clone(&self.waker)
    }

    /// Forwards datagrams until the command channel is closed.
    pub(crate) fn run(&mut self, commands: &mpsc::Receiver<String>) -> io::Result<()> {
        let mut events = Events::with_capacity(256);
        let mut buffer = vec![0; BUFFER_BYTES];
        loop {
            let now = Instant::now();
            let wait = self.due().map(|due| due.saturating_duration_since(now));
            match self.poll.poll(&mut events, wait) {
                Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
            for event in &events {
                match event.token() {
                    FRONT => self.read_clients(&mut buffer)?,
                    COMMANDS => {
                        if !self.run_commands(commands)? {
                            return Ok(());
                        }
                    }
                    Token(path) => self.read_station(path, &mut buffer),
                }
            }
            self.deliver(Instant::now());
        }
    }

    fn due(&self) -> Option<Instant> {
        let links = self.links.iter().flat_map(|links| [&links.up, &links.down]);
        links.filter_map(Link::due).min()
    }

    /// Runs the waiting commands. Returns `false` when the channel is closed.
    fn run_commands(&mut self, commands: &mpsc::Receiver<String>) -> io::Result<bool> {
        loop {
            let line = match commands.try_recv() {
                Ok(line) => line,
                Err(mpsc::TryRecvError::Empty) => return Ok(true),
                Err(mpsc::TryRecvError::Disconnected) => return Ok(false),
            };
            let answer = match parse(&line) {
                Ok(Command::Read) => self.read(),
                Ok(Command::Change { up, down, changes }) => {
                    if up {
                        self.up.change(&changes);
                    }
                    if down {
                        self.down.change(&changes);
                    }
                    self.apply_settings(Instant::now());
                    "{}".to_owned()
                }
                // Debug formatting quotes these plain messages as JSON does.
                Err(error) => format!("{{\"error\":{error:?}}}"),
            };
            writeln!(io::stdout(), "{answer}")?;
        }
    }

    fn apply_settings(&mut self, now: Instant) {
        let (up, down) = (self.up.conditions(), self.down.conditions());
        for links in &mut self.links {
            links.up.change(now, up);
            links.down.change(now, down);
        }
    }

    fn read(&self) -> String {
        let (mut up, mut down) = (Totals::default(), Totals::default());
        for links in &self.links {
            up.add(links.up.counters(), links.up.waiting_bytes());
            down.add(links.down.counters(), links.down.waiting_bytes());
        }
        let waiting = self.paths.iter().map(|path| PathWait {
            port: path.client.port(),
            waiting: self.links[path.links].down.waiting_time(),
        });
        totals_json(waiting, &up, &down)
    }

    /// Reads the edge-triggered socket until it is empty.
    fn read_clients(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        loop {
            match self.front.recv_from(buffer) {
                Ok((length, client)) => {
                    if let Some(path) = self.path_of(client)? {
                        let datagram = buffer[..length].to_vec();
                        let link = &mut self.links[self.paths[path].links].up;
                        link.offer(Instant::now(), length, (path, datagram));
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                // An ICMP error of an earlier send: the client is gone.
                Err(_) => {}
            }
        }
    }

    fn read_station(&mut self, path: usize, buffer: &mut [u8]) {
        let ClientPath { socket, links, .. } = &self.paths[path];
        let link = &mut self.links[*links].down;
        loop {
            match socket.recv(buffer) {
                Ok(length) => {
                    let datagram = buffer[..length].to_vec();
                    link.offer(Instant::now(), length, (path, datagram));
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                // The station is gone, and may return.
                Err(_) => {}
            }
        }
    }

    /// Finds or creates the path of a client; `None` at the limit.
    fn path_of(&mut self, client: SocketAddr) -> io::Result<Option<usize>> {
        if let Some(path) = self.by_client.get(&client) {
            return Ok(Some(*path));
        }
        let index = self.paths.len();
        if index >= PATHS_MAX {
            return Ok(None);
        }
        let mut socket = socket(SocketAddr::new(self.address_of(index)?, 0))?;
        socket.connect(self.station)?;
        self.poll
            .registry()
            .register(&mut socket, Token(index), Interest::READABLE)?;
        let links = if self.shared { 0 } else { index };
        if links == self.links.len() {
            self.open_links();
        }
        self.paths.push(ClientPath {
            client,
            socket,
            links,
        });
        self.by_client.insert(client, index);
        Ok(Some(index))
    }

    /// Where the station sees a client: each at an address of its own on the loopback, unless they have one bottleneck.
    fn address_of(&self, index: usize) -> io::Result<IpAddr> {
        let front = self.front.local_addr()?.ip();
        let offset = u32::try_from(index).unwrap_or(0) + 1;
        Ok(match front {
            IpAddr::V4(v4) if v4.is_loopback() && !self.shared => {
                IpAddr::V4(Ipv4Addr::from_bits(v4.to_bits() + offset))
            }
            _ => front,
        })
    }

    fn open_links(&mut self) {
        // Different seeds for the directions and for each pair.
        let seed = self.seed.wrapping_add(self.links.len() as u64 * 2);
        self.links.push(Links {
            up: Link::new(self.up.conditions(), seed),
            down: Link::new(self.down.conditions(), seed.wrapping_add(1)),
        });
    }

    fn deliver(&mut self, now: Instant) {
        for links in &mut self.links {
            while let Some((_, (path, datagram))) = links.up.take(now) {
                // What a full send buffer refuses is lost like on the wire.
                let _ = self.paths[path].socket.send(&datagram);
            }
            while let Some((_, (path, datagram))) = links.down.take(now) {
                let _ = self.front.send_to(&datagram, self.paths[path].client);
            }
        }
    }
}

fn socket(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::DGRAM,
        Some(Protocol::UDP),
    )?;
    socket.set_nonblocking(true)?;
    socket.set_recv_buffer_size(RECEIVE_BUFFER_BYTES)?;
    socket.bind(&address.into())?;
    Ok(UdpSocket::from_std(socket.into()))
}
