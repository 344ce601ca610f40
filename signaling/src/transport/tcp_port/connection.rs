//! One TCP connection to the media port, and the datagrams in its byte stream: each after its length in
//! two bytes (RFC 4571), as ICE over TCP has them (RFC 6544). What is held of a connection is bounded
//! both ways.

#[cfg(test)]
mod tests;

use std::io::{ErrorKind, Read, Write};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use bytes::{Buf, BufMut, BytesMut};
use mio::Token;
use mio::net::TcpStream;

use crate::fair_share::address_group;
use crate::transport::demux::ViewerKey;
use crate::transport::runs::Path;

/// Reads in a row from one connection before the others get their turn.
const READS_MAX: usize = 8;
/// A viewer's connection over which nothing has come for so long is of no use to it.
const IDLE_STAYS: Duration = Duration::from_secs(60);

/// A datagram that came in by a connection.
pub(crate) struct Framed {
    pub(crate) token: Token,
    pub(crate) path: Path,
    pub(crate) bytes: bytes::BytesMut,
}

/// A connection, of a viewer or of somebody who has not shown a name yet.
pub(crate) struct Connection {
    pub(super) stream: TcpStream,
    pub(super) path: Path,
    pub(super) incoming: Unframer,
    pub(super) outgoing: Framer,
    pub(super) viewer: Option<ViewerKey>,
    /// The viewer has answered a check of ours here.
    pub(super) is_proven: bool,
    /// When it goes unless it is proven.
    pub(super) late_at: Instant,
    pub(super) heard_at: Instant,
    pub(super) readable: bool,
    pub(super) broken: bool,
}

impl Connection {
    pub(super) fn address_group(&self) -> IpAddr {
        address_group(self.path.remote.ip())
    }

    pub(super) fn is_late(&self, now: Instant) -> bool {
        let late_at = match self.is_proven {
            true => self.heard_at + IDLE_STAYS,
            false => self.late_at,
        };
        now >= late_at
    }

    pub(super) fn is_stranger(&self) -> bool {
        self.viewer.is_none()
    }

    pub(super) fn receive(&mut self, now: Instant, token: Token, out: &mut Vec<Framed>) {
        let mut buffer = [0; 8192];
        for _ in 0..READS_MAX {
            match self.stream.read(&mut buffer) {
                Ok(0) => return self.end(),
                Ok(length) => {
                    self.heard_at = now;
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

    pub(super) fn flush(&mut self) {
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

const LENGTH_BYTES: usize = 2;
/// The largest datagram taken from a viewer; checks, handshakes and reports fit into an Ethernet
/// frame.
const DATAGRAM_BYTES_MAX: usize = 4096;
/// Most bytes that wait for a slow connection: three seconds at 1.5 Mbit/s, or a large keyframe and
/// some frames after it.
const WAITING_BYTES_MAX: usize = 512 << 10;

/// What came in and is not a whole datagram yet.
#[derive(Debug, Default)]
pub(crate) struct Unframer {
    buffer: BytesMut,
}

/// A length no viewer has reason to send: the connection is not what it seems.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Oversized;

impl Unframer {
    /// Takes bytes in the order they came. The caller takes out all datagrams before it puts in
    /// more, so that no more than one incomplete datagram is ever held.
    pub(crate) fn put(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole datagram.
    pub(crate) fn take(&mut self) -> Result<Option<BytesMut>, Oversized> {
        let Some((length, rest)) = self.buffer.split_first_chunk::<LENGTH_BYTES>() else {
            return Ok(None);
        };
        let length = usize::from(u16::from_be_bytes(*length));
        if length > DATAGRAM_BYTES_MAX {
            return Err(Oversized);
        }
        if rest.len() < length {
            return Ok(None);
        }
        self.buffer.advance(LENGTH_BYTES);
        Ok(Some(self.buffer.split_to(length)))
    }
}

/// What waits to go out.
#[derive(Debug, Default)]
pub(crate) struct Framer {
    buffer: BytesMut,
}

impl Framer {
    /// Takes a datagram. `false`: there is no room, and it is lost.
    pub(crate) fn put(&mut self, datagram: &[u8]) -> bool {
        let Ok(length) = u16::try_from(datagram.len()) else {
            return false;
        };
        if self.buffer.len() + LENGTH_BYTES + datagram.len() > WAITING_BYTES_MAX {
            // overflow: counted by the caller. Lost as on the wire; whole datagrams only, so that
            // the stream stays readable.
            return false;
        }
        self.buffer.put_u16(length);
        self.buffer.put_slice(datagram);
        true
    }

    /// The bytes to be written next; empty: nothing waits.
    pub(crate) fn waiting(&self) -> &[u8] {
        &self.buffer
    }

    /// Notes that so many bytes were written.
    pub(crate) fn written(&mut self, bytes: usize) {
        self.buffer.advance(bytes.min(self.buffer.len()));
    }
}
