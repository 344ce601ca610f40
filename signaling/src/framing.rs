//! Datagrams in a byte stream: each after its length in two bytes (RFC 4571), as ICE over TCP has
//! them (RFC 6544). What is held of a connection is bounded both ways.

use bytes::{Buf, BufMut, BytesMut};

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn datagrams_come_out_as_they_went_in_however_the_stream_is_cut() {
        let datagrams: [&[u8]; 4] = [b"one", b"", b"three", &[7; 1500]];
        let mut framer = Framer::default();
        assert!(datagrams.iter().all(|datagram| framer.put(datagram)));
        let stream = framer.waiting().to_vec();
        framer.written(stream.len());
        assert!(framer.waiting().is_empty());
        for piece in [1, 2, 3, 700, 5000] {
            let (mut unframer, mut out) = (Unframer::default(), Vec::new());
            for bytes in stream.chunks(piece) {
                unframer.put(bytes);
                while let Some(datagram) = unframer.take().expect("fair lengths") {
                    out.push(datagram);
                }
            }
            assert_eq!(out, datagrams, "in pieces of {piece}");
        }
    }

    #[test]
    fn a_length_beyond_reason_is_told() {
        let mut unframer = Unframer::default();
        unframer.put(b"GET / HTTP/1.1\r\n\r\n");
        assert_eq!(unframer.take(), Err(Oversized));
    }

    #[test]
    fn a_slow_connection_holds_no_more_than_its_share() {
        let mut framer = Framer::default();
        let held = (0..1000).filter(|_| framer.put(&[0; 1200])).count();
        assert_eq!(held, WAITING_BYTES_MAX / 1202);
        framer.written(1202);
        assert!(framer.put(&[0; 1200]) && !framer.put(&[0; 1200]));
        assert!(!framer.put(&[0; 70_000]));
    }
}
