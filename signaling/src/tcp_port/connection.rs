//! One TCP connection to the media port.

use std::io::{ErrorKind, Read, Write};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use mio::Token;
use mio::net::TcpStream;

use super::Framed;
use crate::demux::ViewerKey;
use crate::fair_share::address_group;
use crate::framing::{Framer, Unframer};
use crate::path::Path;

/// Reads in a row from one connection before the others get their turn.
const READS_MAX: usize = 8;
/// A viewer's connection over which nothing has come for so long is of no use to it.
const IDLE_STAYS: Duration = Duration::from_secs(60);

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
