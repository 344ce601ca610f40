//! One TCP connection to the media port, and its framing: each datagram follows its length in two bytes (RFC
//! 4571, RFC 6544). Buffers are bounded in both directions.

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

/// Consecutive reads from one connection before the others get their turn (round robin).
const READS_MAX: usize = 8;
/// Time without received data after which a viewer's connection is closed.
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);

/// A datagram received over a connection.
pub(crate) struct Framed {
    pub(crate) token: Token,
    pub(crate) path: Path,
    pub(crate) bytes: bytes::BytesMut,
}

/// A connection of a viewer, or one that is not authenticated yet.
pub(crate) struct Connection {
    pub(super) stream: TcpStream,
    pub(super) path: Path,
    pub(super) incoming: Unframer,
    pub(super) outgoing: Framer,
    pub(super) viewer: Option<ViewerKey>,
    /// The viewer has answered one of our checks here.
    pub(super) is_proven: bool,
    /// When it is closed unless it is proven.
    pub(super) deadline: Instant,
    pub(super) heard_at: Instant,
    pub(super) readable: bool,
    pub(super) broken: bool,
}

impl Connection {
    pub(super) fn address_group(&self) -> IpAddr {
        address_group(self.path.remote.ip())
    }

    pub(super) fn is_overdue(&self, now: Instant) -> bool {
        let deadline = match self.is_proven {
            true => self.heard_at + IDLE_TIMEOUT,
            false => self.deadline,
        };
        now >= deadline
    }

    pub(super) fn is_unauthenticated(&self) -> bool {
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
                // overflow: awaited, by the bounded `Framer`; a readiness event follows.
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
/// Largest datagram accepted from a viewer; checks, handshakes and reports fit into an Ethernet frame.
const DATAGRAM_BYTES_MAX: usize = 4096;
/// Maximum bytes waiting for a slow connection: three seconds at 1.5 Mbit/s, or a large keyframe and some
/// frames after it.
const WAITING_BYTES_MAX: usize = 512 << 10;

/// Splits the received stream into datagrams.
#[derive(Debug, Default)]
pub(crate) struct Unframer {
    buffer: BytesMut,
}

/// A length that no viewer has reason to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OversizedError;

impl Unframer {
    /// Adds received bytes. The caller takes all datagrams before it adds more, so that at most one
    /// incomplete datagram is buffered.
    pub(crate) fn put(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next complete datagram.
    pub(crate) fn take(&mut self) -> Result<Option<BytesMut>, OversizedError> {
        let Some((length, rest)) = self.buffer.split_first_chunk::<LENGTH_BYTES>() else {
            return Ok(None);
        };
        let length = usize::from(u16::from_be_bytes(*length));
        if length > DATAGRAM_BYTES_MAX {
            return Err(OversizedError);
        }
        if rest.len() < length {
            return Ok(None);
        }
        self.buffer.advance(LENGTH_BYTES);
        Ok(Some(self.buffer.split_to(length)))
    }
}

/// Frames outgoing datagrams.
#[derive(Debug, Default)]
pub(crate) struct Framer {
    buffer: BytesMut,
    /// Bytes of the datagram in front that are left, if its first ones were written.
    begun: usize,
}

impl Framer {
    /// Adds a datagram. Returns `false` if there is no room and it is dropped.
    pub(crate) fn put(&mut self, datagram: &[u8]) -> bool {
        let Ok(length) = u16::try_from(datagram.len()) else {
            return false;
        };
        if self.buffer.len() + LENGTH_BYTES + datagram.len() > WAITING_BYTES_MAX {
            // overflow: counted by the caller. Lost like on the wire; whole datagrams only, so that the
            // stream timeout in sync.
            return false;
        }
        self.buffer.put_u16(length);
        self.buffer.put_slice(datagram);
        true
    }

    /// The bytes to write next; empty if nothing waits.
    pub(crate) fn waiting(&self) -> &[u8] {
        &self.buffer
    }

    /// Removes bytes that were written.
    pub(crate) fn written(&mut self, bytes: usize) {
        let mut left = bytes.min(self.buffer.len());
        while left > 0 {
            if self.begun == 0 {
                let length = [self.buffer[0], self.buffer[1]];
                self.begun = LENGTH_BYTES + usize::from(u16::from_be_bytes(length));
            }
            let of_this = left.min(self.begun);
            self.buffer.advance(of_this);
            (self.begun, left) = (self.begun - of_this, left - of_this);
        }
    }

    /// Drops all datagrams but the one whose first bytes were written, which keeps the stream in sync.
    pub(crate) fn discard(&mut self) {
        self.buffer.truncate(self.begun);
    }
}
