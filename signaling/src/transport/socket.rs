//! The UDP socket: batched receiving, segmentation offload for sending, both with the local address. One
//! thread receives; any thread may send.

use std::io::{self, IoSliceMut};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};

use mio::net::UdpSocket;
use quinn_udp::{BATCH_SIZE, RecvMeta, Transmit, UdpSockRef, UdpSocketState};
use socket2::{Domain, Protocol, SockRef, Socket, Type};

use super::runs::{Path, Run};

/// A keyframe to two hundred viewers at once is some 8 MB; the system may grant less.
const SEND_BUFFER: usize = 8 << 20;
const RECEIVE_BUFFER: usize = 2 << 20;
/// Bytes per receive slot: the largest datagram times what the kernel may coalesce.
const SLOT_BYTES: usize = 64 << 10;
/// Slots per system call; each may hold many coalesced datagrams.
const SLOTS: usize = if BATCH_SIZE < 16 { BATCH_SIZE } else { 16 };

/// A received datagram.
#[derive(Debug)]
pub(crate) struct Datagram<'a> {
    pub(crate) from: SocketAddr,
    /// The local address it was sent to, where the system reports it.
    pub(crate) to: Option<IpAddr>,
    pub(crate) bytes: &'a [u8],
}

/// The result of [`MediaSocket::send`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct SendCount {
    pub(crate) datagrams: usize,
    pub(crate) bytes: usize,
    /// System calls that carried more than one datagram.
    pub(crate) offloaded: usize,
    /// The send buffer was full.
    pub(crate) blocked: usize,
    /// Rejected by the system: no route, or a local address that is gone.
    pub(crate) failed: usize,
}

/// The media port.
pub(crate) struct MediaSocket {
    socket: UdpSocket,
    state: UdpSocketState,
    port: u16,
    /// The address it is bound to.
    ip: IpAddr,
    /// Segmentation offload failed where single datagrams succeeded.
    offload_broken: bool,
    slots: Vec<u8>,
}

impl MediaSocket {
    /// Binds `port` on one address. The unspecified address means IPv6 and IPv4 with one socket, or IPv4 only
    /// where IPv6 is disabled.
    pub(crate) fn bind(ip: IpAddr, port: u16) -> io::Result<Self> {
        let bind = |ip: IpAddr| -> io::Result<Socket> {
            let at = SocketAddr::new(ip, port);
            let socket = Socket::new(Domain::for_address(at), Type::DGRAM, Some(Protocol::UDP))?;
            if ip.is_ipv6() {
                socket.set_only_v6(!ip.is_unspecified())?;
            }
            socket.bind(&at.into())?;
            Ok(socket)
        };
        let first = match ip {
            any if any.is_unspecified() => Ipv6Addr::UNSPECIFIED.into(),
            one => one,
        };
        let (socket, ip) = match bind(first) {
            Ok(socket) => (socket, first),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => return Err(error),
            Err(_) if ip.is_unspecified() => {
                let any = Ipv4Addr::UNSPECIFIED.into();
                (bind(any)?, any)
            }
            Err(error) => return Err(error),
        };
        socket.set_nonblocking(true)?;
        let socket = UdpSocket::from_std(socket.into());
        let state = UdpSocketState::new(UdpSockRef::from(&socket))?;
        // A smaller buffer only means more drops under buffer.
        let _ = state.set_send_buffer_size(UdpSockRef::from(&socket), SEND_BUFFER);
        let _ = state.set_recv_buffer_size(UdpSockRef::from(&socket), RECEIVE_BUFFER);
        Ok(Self {
            port: socket.local_addr()?.port(),
            socket,
            state,
            ip,
            offload_broken: false,
            slots: vec![0; SLOTS * SLOT_BYTES],
        })
    }

    /// Clones the socket for sending on another thread; only the original receives.
    pub(crate) fn for_sending(&self) -> io::Result<Self> {
        let socket = SockRef::from(&self.socket).try_clone()?;
        let socket = UdpSocket::from_std(socket.into());
        Ok(Self {
            state: UdpSocketState::new(UdpSockRef::from(&socket))?,
            socket,
            port: self.port,
            ip: self.ip,
            offload_broken: false,
            slots: Vec::new(),
        })
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The bound address.
    pub(crate) fn bound(&self) -> SocketAddr {
        SocketAddr::new(self.ip, self.port)
    }

    pub(crate) fn ipv6(&self) -> bool {
        self.ip.is_ipv6()
    }

    pub(crate) fn source(&mut self) -> &mut UdpSocket {
        &mut self.socket
    }

    /// Receives one batch; `WouldBlock` if there is none.
    pub(crate) fn receive(&mut self, mut each: impl FnMut(Datagram<'_>)) -> io::Result<()> {
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
                each(Datagram {
                    from: canonical(meta.addr),
                    to: meta.dst_ip.map(|ip| ip.to_canonical()),
                    bytes,
                });
            }
        }
        Ok(())
    }

    /// Sends runs in order, each in one system call where the system allows it.
    ///
    /// overflow: counted. What the full send buffer refuses is lost like on the wire, and viewers request
    /// its retransmission.
    pub(crate) fn send(&mut self, runs: &[Run], count: &mut SendCount) {
        for run in runs {
            if run.len() > self.segments() {
                self.send_singly(run, count);
                continue;
            }
            let segment = (run.len() > 1).then_some(run.each_bytes());
            match self.transmit(run.path, run.bytes(), segment) {
                Ok(()) => {
                    count.offloaded += usize::from(run.len() > 1);
                    count.datagrams += run.len();
                    count.bytes += run.bytes().len();
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    count.blocked += run.len();
                }
                Err(_) if run.len() > 1 => {
                    if self.send_singly(run, count) {
                        tracing::info!(
                            "the network path rejects segmentation offload; sending single datagrams"
                        );
                        self.offload_broken = true;
                    }
                }
                Err(error) => self.note_failure(&error, count),
            }
        }
    }

    fn segments(&self) -> usize {
        if self.offload_broken {
            1
        } else {
            self.state.max_gso_segments()
        }
    }

    /// Sends the datagrams of a run one by one. Returns whether any was sent; after the run was rejected,
    /// that means that this path does not support offload.
    fn send_singly(&mut self, run: &Run, count: &mut SendCount) -> bool {
        let before = count.datagrams;
        for datagram in run.datagrams() {
            match self.transmit(run.path, datagram, None) {
                Ok(()) => {
                    count.datagrams += 1;
                    count.bytes += datagram.len();
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => count.blocked += 1,
                Err(error) => self.note_failure(&error, count),
            }
        }
        count.datagrams > before
    }

    /// A failure that is not about offload (such as a local address that is gone) makes quinn-udp disable
    /// offload all the same; a new state probes it again.
    fn note_failure(&mut self, error: &io::Error, count: &mut SendCount) {
        tracing::debug!(%error, "cannot send a datagram");
        count.failed += 1;
        if let Ok(state) = UdpSocketState::new(UdpSockRef::from(&self.socket)) {
            self.state = state;
        }
    }

    fn transmit(&self, path: Path, contents: &[u8], segment: Option<usize>) -> io::Result<()> {
        let transmit = Transmit {
            destination: self.reachable(path.remote),
            ecn: None,
            contents,
            segment_size: segment,
            src_ip: Some(path.local),
        };
        // overflow: counted by the caller, see `send`.
        self.state
            .try_send(UdpSockRef::from(&self.socket), &transmit)
    }

    /// Maps IPv4 addresses for an IPv6 socket.
    fn reachable(&self, to: SocketAddr) -> SocketAddr {
        match to {
            SocketAddr::V4(v4) if self.ipv6() => {
                SocketAddrV6::new(v4.ip().to_ipv6_mapped(), v4.port(), 0, 0).into()
            }
            _ => to,
        }
    }
}

/// Unmaps IPv4 addresses and drops the IPv6 scope, so that addresses compare equal.
fn canonical(addr: SocketAddr) -> SocketAddr {
    SocketAddr::new(addr.ip().to_canonical(), addr.port())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::transport::runs::RunBuffer;
    use crate::transport::runs::TransportProtocol;

    #[test]
    fn a_lost_local_address_does_not_affect_other_paths() {
        let mut media = MediaSocket::bind(Ipv6Addr::UNSPECIFIED.into(), 0).expect("a free port");
        let viewer = std::net::UdpSocket::bind("127.0.0.1:0").expect("loopback");
        let timeout = Some(Duration::from_secs(2));
        viewer.set_read_timeout(timeout).expect("a plain socket");
        let remote = viewer.local_addr().expect("bound");
        let from = |local: [u8; 4], bytes: &[u8]| {
            let path = Path {
                protocol: TransportProtocol::Udp,
                local: local.into(),
                remote,
            };
            let mut buffer = RunBuffer::of(100);
            for byte in bytes {
                buffer.bytes_mut().extend_from_slice(&[*byte; 100]);
            }
            Run::new(path, buffer)
        };
        // 192.0.2.0/24 is reserved for documentation (RFC 5737).
        let (gone, here) = ([192, 0, 2, 99], [127, 0, 0, 1]);
        let runs = [
            from(gone, &[1, 1]),
            from(here, &[2]),
            from(gone, &[1]),
            from(here, &[3]),
        ];
        let mut count = SendCount::default();
        media.send(&runs, &mut count);
        assert_eq!((count.failed, count.datagrams, count.blocked), (3, 2, 0));
        let mut buffer = [0; 200];
        let got: Vec<u8> = (0..2)
            .map(|_| {
                viewer.recv(&mut buffer).expect("sent");
                buffer[0]
            })
            .collect();
        assert_eq!(got, [2, 3]);
        assert!(!media.offload_broken, "the failures are not about offload");
    }
}
