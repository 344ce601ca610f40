//! Network paths, and runs of datagrams for UDP segmentation offload (Linux UDP_SEGMENT): datagrams of equal
//! length to one address, of which the last may be shorter, leave in one system call. Datagrams are
//! written into runs directly, so that nothing is copied together later.

#[cfg(test)]
mod tests;

use std::net::{IpAddr, SocketAddr};

use bytes::BytesMut;

/// The protocol below ICE.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum TransportProtocol {
    Udp,
    /// A connection that the viewer opened (RFC 6544), identified by its remote address.
    Tcp,
}

/// A network path: both ends of a viewer's packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Path {
    pub(crate) protocol: TransportProtocol,
    /// The local address.
    pub(crate) local: IpAddr,
    pub(crate) remote: SocketAddr,
}

/// Maximum datagrams in a run. The kernel accepts 64; fewer keep a keyframe from leaving as one burst that
/// overruns a small switch buffer.
const DATAGRAMS_MAX: usize = 32;
/// Maximum bytes in a run, the limit of a UDP datagram.
const BYTES_MAX: usize = 60_000;
/// Initial capacity in datagrams: an ordinary frame, or what the pacer releases of a keyframe.
const ROOM: usize = 16;

/// Contiguous datagrams of equal length, without an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RunBuffer {
    bytes: BytesMut,
    /// Length of each datagram except the last.
    each_bytes: usize,
}

impl RunBuffer {
    /// A buffer with one datagram.
    pub(crate) fn single(bytes: BytesMut) -> Self {
        let each_bytes = bytes.len();
        Self { bytes, each_bytes }
    }

    /// An empty buffer for datagrams of that length.
    pub(crate) fn of(each_bytes: usize) -> Self {
        Self {
            bytes: BytesMut::with_capacity(each_bytes * ROOM),
            each_bytes,
        }
    }

    /// Whether a datagram of that length may be appended; none may after a shorter one.
    pub(crate) fn takes(&self, length: usize) -> bool {
        let whole = self.each_bytes > 0 && self.bytes.len().is_multiple_of(self.each_bytes);
        let fits = self.bytes.len() + length <= BYTES_MAX && self.count() < DATAGRAMS_MAX;
        whole && fits && length <= self.each_bytes
    }

    /// For appending one datagram, after [`Self::takes`] returned `true`.
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

/// At least one datagram, with its path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) path: Path,
    buffer: RunBuffer,
}

impl Run {
    pub(crate) fn new(path: Path, buffer: RunBuffer) -> Self {
        Self { path, buffer }
    }

    pub(crate) fn single(path: Path, bytes: BytesMut) -> Self {
        Self::new(path, RunBuffer::single(bytes))
    }

    /// All datagrams, contiguous.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.buffer.bytes
    }

    /// Length of each datagram except the last.
    pub(crate) fn each_bytes(&self) -> usize {
        self.buffer.each_bytes
    }

    /// Number of datagrams.
    pub(crate) fn len(&self) -> usize {
        self.buffer.count()
    }

    pub(crate) fn datagrams(&self) -> impl Iterator<Item = &[u8]> {
        self.buffer.bytes.chunks(self.buffer.each_bytes.max(1))
    }
}
