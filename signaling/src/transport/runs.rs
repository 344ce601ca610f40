//! The ways between this machine and a viewer, and what leaves by one in one system call: datagrams of
//! equal length to one address, the last may be shorter (Linux UDP_SEGMENT). Whoever makes datagrams
//! puts them into runs at once, so that nothing is copied together later.

#[cfg(test)]
mod tests;

use std::net::{IpAddr, SocketAddr};

use bytes::BytesMut;

/// What carries packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Carriage {
    Udp,
    /// A connection that the viewer opened (RFC 6544), named by its remote end.
    Tcp,
}

/// Where packets of a viewer come from and go to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Path {
    pub(crate) carriage: Carriage,
    /// The address of this machine.
    pub(crate) local: IpAddr,
    pub(crate) remote: SocketAddr,
}

/// Most datagrams in a run. The kernel takes 64; fewer keep a keyframe from leaving as one burst
/// that overruns a small switch buffer.
const DATAGRAMS_MAX: usize = 32;
/// Most bytes in a run: a UDP datagram's own limit.
const BYTES_MAX: usize = 60_000;
/// Datagrams that a run has room for from its start: an ordinary frame, or what the pacer lets go of a
/// keyframe.
const ROOM: usize = 16;

/// Datagrams back to back, without an address yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Load {
    bytes: BytesMut,
    /// Length of each but the last.
    each_bytes: usize,
}

impl Load {
    /// One datagram.
    pub(crate) fn single(bytes: BytesMut) -> Self {
        let each_bytes = bytes.len();
        Self { bytes, each_bytes }
    }

    /// None yet, of that length.
    pub(crate) fn of(each_bytes: usize) -> Self {
        Self {
            bytes: BytesMut::with_capacity(each_bytes * ROOM),
            each_bytes,
        }
    }

    /// Whether a datagram of that length may be appended: none may after a shorter one.
    pub(crate) fn takes(&self, length: usize) -> bool {
        let whole = self.each_bytes > 0 && self.bytes.len().is_multiple_of(self.each_bytes);
        let fits = self.bytes.len() + length <= BYTES_MAX && self.count() < DATAGRAMS_MAX;
        whole && fits && length <= self.each_bytes
    }

    /// The bytes, for one datagram to be appended that [`Self::takes`] was asked about.
    pub(crate) fn bytes_mut(&mut self) -> &mut BytesMut {
        &mut self.bytes
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    fn count(&self) -> usize {
        self.bytes.len().div_ceil(self.each_bytes.max(1))
    }
}

/// Datagrams to send, at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) path: Path,
    load: Load,
}

impl Run {
    pub(crate) fn new(path: Path, load: Load) -> Self {
        Self { path, load }
    }

    pub(crate) fn single(path: Path, bytes: BytesMut) -> Self {
        Self::new(path, Load::single(bytes))
    }

    /// All of them, back to back.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.load.bytes
    }

    /// Length of each but the last.
    pub(crate) fn each_bytes(&self) -> usize {
        self.load.each_bytes
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.load.count()
    }

    pub(crate) fn datagrams(&self) -> impl Iterator<Item = &[u8]> {
        self.load.bytes.chunks(self.load.each_bytes.max(1))
    }
}
