//! The socket of a test viewer.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};

use str0m::Candidate;
use str0m::net::{Protocol, TcpType};

pub(crate) enum Wire {
    Udp(UdpSocket),
    /// A connection to the media port, with the bytes read so far.
    Tcp(TcpStream, SocketAddr, Vec<u8>),
}

impl Wire {
    /// A UDP socket on a free port of this address.
    pub(crate) fn udp(ip: &str) -> Self {
        let socket = UdpSocket::bind((ip, 0)).expect("an address of this machine");
        // Many viewers share a thread, so that datagrams wait while others are served. The kernel may grant
        // less.
        let buffer = socket2::SockRef::from(&socket).set_recv_buffer_size(4 << 20);
        buffer.expect("a plain socket");
        socket.set_nonblocking(true).expect("a plain socket");
        Self::Udp(socket)
    }

    pub(crate) fn tcp(port: u16) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).expect("the port listens");
        stream.set_nonblocking(true).expect("a plain socket");
        stream.set_nodelay(true).expect("a plain socket");
        let peer = stream.peer_addr().expect("connected");
        Self::Tcp(stream, peer, Vec::new())
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        let addr = match self {
            Self::Udp(socket) => socket.local_addr(),
            Self::Tcp(stream, ..) => stream.local_addr(),
        };
        addr.expect("bound")
    }

    pub(crate) fn protocol(&self) -> Protocol {
        match self {
            Self::Udp(_) => Protocol::Udp,
            Self::Tcp(..) => Protocol::Tcp,
        }
    }

    pub(crate) fn candidate(&self) -> Candidate {
        match self {
            Self::Udp(_) => Candidate::host(self.addr(), "udp").expect("an address"),
            Self::Tcp(..) => Candidate::builder()
                .tcp()
                .host(self.addr())
                .tcptype(TcpType::Active)
                .build()
                .expect("an address"),
        }
    }

    /// Sends a datagram; it is lost if the engine is gone.
    pub(crate) fn send(&mut self, bytes: &[u8], to: SocketAddr) {
        match self {
            Self::Udp(socket) => {
                let _ = socket.send_to(bytes, to);
            }
            Self::Tcp(stream, ..) => {
                let length = u16::try_from(bytes.len()).expect("a datagram");
                let _ = stream.write_all(&[&length.to_be_bytes(), bytes].concat());
            }
        }
    }

    /// The next received datagram.
    pub(crate) fn receive(&mut self) -> Option<(Vec<u8>, SocketAddr)> {
        match self {
            Self::Udp(socket) => {
                let mut buffer = [0; 2000];
                match socket.recv_from(&mut buffer) {
                    Ok((length, from)) => Some((buffer[..length].to_vec(), from)),
                    Err(error) if error.kind() == ErrorKind::WouldBlock => None,
                    Err(error) => panic!("the viewer's socket: {error}"),
                }
            }
            Self::Tcp(stream, from, held) => {
                let mut buffer = [0; 8192];
                while let Ok(length) = stream.read(&mut buffer) {
                    if length == 0 {
                        break;
                    }
                    held.extend_from_slice(&buffer[..length]);
                }
                let (head, rest) = held.split_first_chunk()?;
                let length = usize::from(u16::from_be_bytes(*head));
                let datagram = rest.get(..length)?.to_vec();
                held.drain(..2 + length);
                Some((datagram, *from))
            }
        }
    }
}
