//! Sockets around the links: one that clients see, and one to the station for each client.

use std::collections::HashMap;
use std::io::{self, ErrorKind, Write as _};
use std::net::SocketAddr;
use std::sync::{Arc, mpsc};
use std::time::Instant;

use lossy_link::Link;
use mio::net::UdpSocket;
use mio::{Events, Interest, Poll, Token, Waker};
use socket2::{Domain, Protocol, Socket, Type};

use crate::orders::{Order, Reading, Setting, parse, reading};

const FRONT: Token = Token(usize::MAX);
const ORDERS: Token = Token(usize::MAX - 1);
/// Client addresses; a browser has a few per connection.
const PATHS_MAX: usize = 4096;
/// Asked of the kernel, which gives what it allows: what is lost here is not counted by a link.
const RECEIVE_BUFFER_BYTES: usize = 4 << 20;
/// Larger than any datagram. Without UDP_GRO the kernel hands out an offloaded burst one datagram
/// at a time, which is what a link wants.
const BUFFER_BYTES: usize = 65_536;

/// One client's way to the station and back.
struct Path {
    client: SocketAddr,
    socket: UdpSocket,
    up: Link<Vec<u8>>,
    down: Link<Vec<u8>>,
}

pub(crate) struct Relay {
    poll: Poll,
    /// Held here too: the last one to go takes a wake-up with it that was not seen yet.
    waker: Arc<Waker>,
    front: UdpSocket,
    station: SocketAddr,
    seed: u64,
    up: Setting,
    down: Setting,
    paths: Vec<Path>,
    by_client: HashMap<SocketAddr, usize>,
}

impl Relay {
    pub(crate) fn open(listen: SocketAddr, station: SocketAddr, seed: u64) -> io::Result<Self> {
        let poll = Poll::new()?;
        let mut front = socket(listen)?;
        poll.registry()
            .register(&mut front, FRONT, Interest::READABLE)?;
        let waker = Arc::new(Waker::new(poll.registry(), ORDERS)?);
        Ok(Self {
            poll,
            waker,
            front,
            station,
            seed,
            up: Setting::default(),
            down: Setting::default(),
            paths: Vec::new(),
            by_client: HashMap::new(),
        })
    }

    pub(crate) fn port(&self) -> io::Result<u16> {
        Ok(self.front.local_addr()?.port())
    }

    /// Wakes the relay for an order.
    pub(crate) fn waker(&self) -> Arc<Waker> {
        Arc::clone(&self.waker)
    }

    /// Carries datagrams until there can be no more orders.
    pub(crate) fn run(&mut self, orders: &mpsc::Receiver<String>) -> io::Result<()> {
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
                    FRONT => self.hear_clients(&mut buffer)?,
                    ORDERS => {
                        if !self.obey(orders)? {
                            return Ok(());
                        }
                    }
                    Token(path) => self.hear_station(path, &mut buffer),
                }
            }
            self.deliver(Instant::now());
        }
    }

    fn due(&self) -> Option<Instant> {
        let links = self.paths.iter().flat_map(|path| [&path.up, &path.down]);
        links.filter_map(Link::due).min()
    }

    /// Does what was ordered. `false`: there will be no more.
    fn obey(&mut self, orders: &mpsc::Receiver<String>) -> io::Result<bool> {
        loop {
            let line = match orders.try_recv() {
                Ok(line) => line,
                Err(mpsc::TryRecvError::Empty) => return Ok(true),
                Err(mpsc::TryRecvError::Disconnected) => return Ok(false),
            };
            let answer = match parse(&line) {
                Ok(Order::Read) => self.read(),
                Ok(Order::Change { up, down, changes }) => {
                    if up {
                        self.up.change(&changes);
                    }
                    if down {
                        self.down.change(&changes);
                    }
                    self.spread(Instant::now());
                    "{}".to_owned()
                }
                // Debug quotes as JSON does, for the plain words that errors are.
                Err(error) => format!("{{\"error\":{error:?}}}"),
            };
            writeln!(io::stdout(), "{answer}")?;
        }
    }

    fn spread(&mut self, now: Instant) {
        let (up, down) = (self.up.conditions(), self.down.conditions());
        for path in &mut self.paths {
            path.up.change(now, up);
            path.down.change(now, down);
        }
    }

    fn read(&self) -> String {
        let (mut up, mut down) = (Reading::default(), Reading::default());
        for path in &self.paths {
            up.add(path.up.counters(), path.up.waiting_bytes());
            down.add(path.down.counters(), path.down.waiting_bytes());
        }
        reading(self.paths.len(), &up, &down)
    }

    /// Reads until the socket is empty, as its edge-triggered events demand.
    fn hear_clients(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        loop {
            match self.front.recv_from(buffer) {
                Ok((length, client)) => {
                    if let Some(path) = self.path_of(client)? {
                        let datagram = buffer[..length].to_vec();
                        let link = &mut self.paths[path].up;
                        link.offer(Instant::now(), length, datagram);
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                // ICMP errors of earlier sends surface here: that client is gone.
                Err(_) => {}
            }
        }
    }

    fn hear_station(&mut self, path: usize, buffer: &mut [u8]) {
        let path = &mut self.paths[path];
        loop {
            match path.socket.recv(buffer) {
                Ok(length) => {
                    let datagram = buffer[..length].to_vec();
                    path.down.offer(Instant::now(), length, datagram);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                // The station is gone; it may come back.
                Err(_) => {}
            }
        }
    }

    /// The path of a client, new if it was not heard before; `None` where there are too many.
    fn path_of(&mut self, client: SocketAddr) -> io::Result<Option<usize>> {
        if let Some(path) = self.by_client.get(&client) {
            return Ok(Some(*path));
        }
        let index = self.paths.len();
        if index >= PATHS_MAX {
            return Ok(None);
        }
        let local = SocketAddr::new(self.front.local_addr()?.ip(), 0);
        let mut socket = socket(local)?;
        socket.connect(self.station)?;
        self.poll
            .registry()
            .register(&mut socket, Token(index), Interest::READABLE)?;
        // The directions of a path and the paths are lucky apart from each other.
        let seed = self.seed.wrapping_add(index as u64 * 2);
        self.paths.push(Path {
            client,
            socket,
            up: Link::new(self.up.conditions(), seed),
            down: Link::new(self.down.conditions(), seed.wrapping_add(1)),
        });
        self.by_client.insert(client, index);
        Ok(Some(index))
    }

    fn deliver(&mut self, now: Instant) {
        for path in &mut self.paths {
            while let Some((_, datagram)) = path.up.take(now) {
                // What a full send buffer refuses is lost, as on the wire.
                let _ = path.socket.send(&datagram);
            }
            while let Some((_, datagram)) = path.down.take(now) {
                let _ = self.front.send_to(&datagram, path.client);
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
