//! What leaves in one system call: datagrams of equal length to one address, the last may be shorter
//! (Linux UDP_SEGMENT). Whoever makes datagrams puts them into runs at once, so that nothing is
//! copied together later.

use bytes::BytesMut;

use crate::path::Path;

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

#[cfg(test)]
mod tests {
    use super::*;

    /// The lengths of the runs that datagrams of these lengths make.
    fn runs(lengths: &[usize]) -> Vec<usize> {
        let mut loads: Vec<Load> = Vec::new();
        for &length in lengths {
            if !loads.last().is_some_and(|load| load.takes(length)) {
                loads.push(Load::of(length));
            }
            let bytes = loads.last_mut().expect("one").bytes_mut();
            bytes.resize(bytes.len() + length, 0);
        }
        let total: usize = loads.iter().map(|load| load.bytes.len()).sum();
        assert_eq!(total, lengths.iter().sum::<usize>());
        loads.iter().map(Load::count).collect()
    }

    #[test]
    fn an_ordinary_frame_is_one_run() {
        assert_eq!(runs(&[1180, 1180, 1180, 400]), [4]);
    }

    #[test]
    fn a_shorter_one_ends_its_run_and_a_longer_one_begins_another() {
        assert_eq!(runs(&[60, 1180, 1180, 90, 90]), [1, 3, 1]);
    }

    #[test]
    fn a_keyframe_leaves_in_bounded_runs() {
        assert_eq!(runs(&[1180; 80]), [32, 32, 16]);
        assert_eq!(
            runs(&[4000; 20]),
            [15, 5],
            "never more than a UDP datagram's bytes"
        );
        assert!(runs(&[]).is_empty());
        assert!(!Load::single(BytesMut::new()).takes(0), "no endless run");
    }

    #[test]
    fn a_run_is_taken_apart_as_it_was_put_together() {
        let mut load = Load::single(BytesMut::from(&[1; 100][..]));
        assert!(load.takes(40));
        load.bytes_mut().extend_from_slice(&[2; 40]);
        let path = Path {
            carriage: crate::path::Carriage::Udp,
            local: [192, 0, 2, 9].into(),
            remote: ([192, 0, 2, 1], 1).into(),
        };
        let run = Run::new(path, load);
        let apart: Vec<&[u8]> = run.datagrams().collect();
        assert_eq!(apart, [&[1; 100][..], &[2; 40][..]]);
        assert_eq!((run.len(), run.each_bytes()), (2, 100));
    }
}
