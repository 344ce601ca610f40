//! The one UDP socket: batches in, segmentation offload out, both with this machine's own address.
//! One thread receives; any may send, since a datagram goes out whole.

use std::io::{self, IoSliceMut};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};

use mio::net::UdpSocket;
use quinn_udp::{BATCH_SIZE, RecvMeta, Transmit, UdpSockRef, UdpSocketState};
use socket2::{Domain, Protocol, SockRef, Socket, Type};

use crate::runs::{self, Datagram};

/// A keyframe to two hundred viewers at once is some 8 MB; what the system grants may be less.
const SEND_BUFFER: usize = 8 << 20;
const RECEIVE_BUFFER: usize = 2 << 20;
/// Bytes per received slot: the largest datagram we take, times what the kernel may coalesce.
const SLOT_BYTES: usize = 64 << 10;
/// Slots per system call; each may hold many coalesced datagrams.
const SLOTS: usize = if BATCH_SIZE < 16 { BATCH_SIZE } else { 16 };

/// A datagram that came in.
#[derive(Debug)]
pub(crate) struct Received<'a> {
    pub(crate) from: SocketAddr,
    /// The address of this machine it was sent to, where the system tells.
    pub(crate) to: Option<IpAddr>,
    pub(crate) bytes: &'a [u8],
}

/// What became of datagrams given to [`MediaSocket::send`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct SendCount {
    pub(crate) datagrams: usize,
    pub(crate) bytes: usize,
    /// System calls that carried more than one datagram.
    pub(crate) offloaded: usize,
    /// The send buffer was full.
    pub(crate) blocked: usize,
    /// Refused by the system: no route, an address that went away.
    pub(crate) failed: usize,
}

/// The media port.
pub(crate) struct MediaSocket {
    socket: UdpSocket,
    state: UdpSocketState,
    port: u16,
    ipv6: bool,
    /// Sending in segments failed where single datagrams went: this path cannot do it.
    offload_broken: bool,
    slots: Vec<u8>,
    scratch: Vec<u8>,
}

impl MediaSocket {
    /// Binds `port` on every address: IPv6 and IPv4 by one socket, or IPv4 where IPv6 is off.
    pub(crate) fn bind(port: u16) -> io::Result<Self> {
        let dual = || -> io::Result<Socket> {
            let socket = Socket::new(Domain::IPV6, Type::DGRAM, Some(Protocol::UDP))?;
            socket.set_only_v6(false)?;
            socket.bind(&SocketAddr::from((Ipv6Addr::UNSPECIFIED, port)).into())?;
            Ok(socket)
        };
        let v4 = || -> io::Result<Socket> {
            let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
            socket.bind(&SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)).into())?;
            Ok(socket)
        };
        let (socket, ipv6) = match dual() {
            Ok(socket) => (socket, true),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => return Err(error),
            Err(_) => (v4()?, false),
        };
        socket.set_nonblocking(true)?;
        let socket = UdpSocket::from_std(socket.into());
        let state = UdpSocketState::new(UdpSockRef::from(&socket))?;
        // A smaller buffer than asked for only means more drops under load.
        let _ = state.set_send_buffer_size(UdpSockRef::from(&socket), SEND_BUFFER);
        let _ = state.set_recv_buffer_size(UdpSockRef::from(&socket), RECEIVE_BUFFER);
        Ok(Self {
            port: socket.local_addr()?.port(),
            socket,
            state,
            ipv6,
            offload_broken: false,
            slots: vec![0; SLOTS * SLOT_BYTES],
            scratch: Vec::with_capacity(SLOT_BYTES),
        })
    }

    /// The same socket for another thread to send by; this one alone receives.
    pub(crate) fn for_sending(&self) -> io::Result<Self> {
        let socket = SockRef::from(&self.socket).try_clone()?;
        let socket = UdpSocket::from_std(socket.into());
        Ok(Self {
            state: UdpSocketState::new(UdpSockRef::from(&socket))?,
            socket,
            port: self.port,
            ipv6: self.ipv6,
            offload_broken: false,
            slots: Vec::new(),
            scratch: Vec::with_capacity(SLOT_BYTES),
        })
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn ipv6(&self) -> bool {
        self.ipv6
    }

    pub(crate) fn source(&mut self) -> &mut UdpSocket {
        &mut self.socket
    }

    /// Receives one batch. `WouldBlock`: there is none.
    pub(crate) fn receive(&mut self, mut each: impl FnMut(Received<'_>)) -> io::Result<()> {
        let mut metas = [RecvMeta::default(); SLOTS];
        let count = {
            let mut slots: Vec<IoSliceMut<'_>> = self
                .slots
                .chunks_mut(SLOT_BYTES)
                .map(IoSliceMut::new)
                .collect();
            self.state
                .recv(UdpSockRef::from(&self.socket), &mut slots, &mut metas)?
        };
        for (slot, meta) in self.slots.chunks(SLOT_BYTES).zip(&metas).take(count) {
            let filled = &slot[..meta.len.min(slot.len())];
            for bytes in filled.chunks(meta.stride.max(1)) {
                each(Received {
                    from: canonical(meta.addr),
                    to: meta.dst_ip.map(|ip| ip.to_canonical()),
                    bytes,
                });
            }
        }
        Ok(())
    }

    /// Sends datagrams in their order, in as few system calls as the system allows.
    ///
    /// overflow: counted. What the full send buffer refuses is lost like on the wire, and asked for
    /// again by the viewers.
    pub(crate) fn send(&mut self, datagrams: &[Datagram]) -> SendCount {
        let mut count = SendCount::default();
        let mut first = 0;
        while first < datagrams.len() {
            let run = runs::run_at(datagrams, first, self.segments());
            first = run.end;
            let run = &datagrams[run];
            match self.send_run(run) {
                Ok(()) if run.len() > 1 => {
                    count.offloaded += 1;
                    count.datagrams += run.len();
                    count.bytes += run.iter().map(|d| d.bytes.len()).sum::<usize>();
                }
                Ok(()) => count.add_one(&run[0]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    count.blocked += run.len();
                }
                Err(_) if run.len() > 1 => self.send_singly(run, &mut count),
                Err(error) => self.note_failure(&error, &mut count),
            }
        }
        count
    }

    fn segments(&self) -> usize {
        if self.offload_broken {
            1
        } else {
            self.state.max_gso_segments().min(runs::SEGMENTS_MAX)
        }
    }

    /// After a run was refused: if its datagrams go one by one, offload is what this path cannot
    /// do.
    fn send_singly(&mut self, run: &[Datagram], count: &mut SendCount) {
        let before = count.datagrams;
        for datagram in run {
            match self.send_run(std::slice::from_ref(datagram)) {
                Ok(()) => count.add_one(datagram),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => count.blocked += 1,
                Err(error) => self.note_failure(&error, count),
            }
        }
        if count.datagrams > before {
            tracing::info!("the network path refuses segmentation offload; sending singly");
            self.offload_broken = true;
        }
    }

    /// A failure that is not about offload (an address that went away) makes the socket layer give
    /// up offload all the same; a fresh state probes it anew.
    fn note_failure(&mut self, error: &io::Error, count: &mut SendCount) {
        tracing::debug!(%error, "a datagram could not be sent");
        count.failed += 1;
        if let Ok(state) = UdpSocketState::new(UdpSockRef::from(&self.socket)) {
            self.state = state;
        }
    }

    fn send_run(&mut self, run: &[Datagram]) -> io::Result<()> {
        let head = &run[0];
        self.scratch.clear();
        let contents = if run.len() == 1 {
            &head.bytes[..]
        } else {
            for datagram in run {
                self.scratch.extend_from_slice(&datagram.bytes);
            }
            &self.scratch[..]
        };
        let transmit = Transmit {
            destination: self.reachable(head.path.remote),
            ecn: None,
            contents,
            segment_size: (run.len() > 1).then_some(head.bytes.len()),
            src_ip: Some(head.path.local),
        };
        // overflow: counted by the caller, see `send`.
        self.state
            .try_send(UdpSockRef::from(&self.socket), &transmit)
    }

    /// An IPv6 socket takes IPv4 addresses in their mapped form.
    fn reachable(&self, to: SocketAddr) -> SocketAddr {
        match to {
            SocketAddr::V4(v4) if self.ipv6 => {
                SocketAddrV6::new(v4.ip().to_ipv6_mapped(), v4.port(), 0, 0).into()
            }
            _ => to,
        }
    }
}

impl std::ops::AddAssign for SendCount {
    fn add_assign(&mut self, other: Self) {
        self.datagrams += other.datagrams;
        self.bytes += other.bytes;
        self.offloaded += other.offloaded;
        self.blocked += other.blocked;
        self.failed += other.failed;
    }
}

impl SendCount {
    fn add_one(&mut self, datagram: &Datagram) {
        self.datagrams += 1;
        self.bytes += datagram.bytes.len();
    }
}

/// IPv4 as IPv4, however the socket shows it, and without the scope that comparisons would trip
/// over.
fn canonical(addr: SocketAddr) -> SocketAddr {
    SocketAddr::new(addr.ip().to_canonical(), addr.port())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::BytesMut;

    use super::*;
    use crate::path::{Carriage, Path};

    #[test]
    fn an_address_that_went_away_is_no_trouble_to_others() {
        let mut media = MediaSocket::bind(0).expect("a free port");
        let viewer = std::net::UdpSocket::bind("127.0.0.1:0").expect("loopback");
        let timeout = Some(Duration::from_secs(2));
        viewer.set_read_timeout(timeout).expect("a plain socket");
        let remote = viewer.local_addr().expect("bound");
        let from = |local: [u8; 4], byte: u8| Datagram {
            path: Path {
                carriage: Carriage::Udp,
                local: local.into(),
                remote,
            },
            bytes: BytesMut::from(&[byte; 100][..]),
        };
        // 192.0.2.0/24 is nobody's (RFC 5737).
        let (gone, here) = ([192, 0, 2, 99], [127, 0, 0, 1]);
        let datagrams = [
            from(gone, 1),
            from(gone, 1),
            from(here, 2),
            from(gone, 1),
            from(here, 3),
        ];
        let count = media.send(&datagrams);
        assert_eq!((count.failed, count.datagrams, count.blocked), (3, 2, 0));
        let mut buffer = [0; 200];
        let got: Vec<u8> = (0..2)
            .map(|_| {
                viewer.recv(&mut buffer).expect("sent");
                buffer[0]
            })
            .collect();
        assert_eq!(got, [2, 3]);
        assert!(!media.offload_broken, "offload had no part in it");
    }
}
