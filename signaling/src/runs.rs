//! Which datagrams leave in one system call: equal lengths to one address, the last may be shorter
//! (Linux UDP_SEGMENT).

use std::ops::Range;

use bytes::BytesMut;

use crate::path::Path;

/// Most segments in a run. The kernel takes 64; fewer keep a keyframe from leaving as one burst
/// that overruns a small switch buffer.
pub(crate) const SEGMENTS_MAX: usize = 32;
/// Most bytes in a run: a UDP datagram's own limit.
const BYTES_MAX: usize = 60_000;

/// A datagram to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Datagram {
    pub(crate) path: Path,
    pub(crate) bytes: BytesMut,
}

/// The run that begins at `datagrams[first]`, at most `segments` long.
pub(crate) fn run_at(datagrams: &[Datagram], first: usize, segments: usize) -> Range<usize> {
    let Some(head) = datagrams.get(first) else {
        return first..first;
    };
    let length = head.bytes.len();
    let (mut end, mut bytes) = (first + 1, length);
    for next in datagrams.iter().skip(end).take(segments.max(1) - 1) {
        bytes += next.bytes.len();
        let joins = next.path == head.path && next.bytes.len() <= length;
        if !joins || bytes > BYTES_MAX {
            break;
        }
        end += 1;
        if next.bytes.len() < length {
            break;
        }
    }
    first..end
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, SocketAddr};

    use super::*;
    use crate::path::Carriage;

    fn datagrams(shape: &[(u16, usize)]) -> Vec<Datagram> {
        shape
            .iter()
            .map(|(port, length)| Datagram {
                path: Path {
                    carriage: Carriage::Udp,
                    local: IpAddr::from([192, 0, 2, 9]),
                    remote: SocketAddr::from(([192, 0, 2, 1], *port)),
                },
                bytes: BytesMut::zeroed(*length),
            })
            .collect()
    }

    fn runs(shape: &[(u16, usize)], segments: usize) -> Vec<usize> {
        let datagrams = datagrams(shape);
        let (mut first, mut lengths) = (0, Vec::new());
        while first < datagrams.len() {
            let run = run_at(&datagrams, first, segments);
            lengths.push(run.len());
            first = run.end;
        }
        lengths
    }

    #[test]
    fn an_ordinary_frame_is_one_run() {
        let shape = [(1, 1180), (1, 1180), (1, 1180), (1, 400)];
        assert_eq!(runs(&shape, 64), [4]);
        assert_eq!(runs(&shape, 1), [1, 1, 1, 1]);
    }

    #[test]
    fn a_shorter_one_ends_its_run_and_a_longer_one_begins_another() {
        assert_eq!(
            runs(&[(1, 60), (1, 1180), (1, 1180), (1, 90), (1, 90)], 64),
            [1, 3, 1]
        );
        assert_eq!(runs(&[(1, 100), (2, 100), (2, 100)], 64), [1, 2]);
    }

    #[test]
    fn a_keyframe_leaves_in_bounded_runs() {
        let shape = vec![(1, 1180); 80];
        assert_eq!(runs(&shape, SEGMENTS_MAX), [32, 32, 16]);
        assert_eq!(
            runs(&shape, 64),
            [50, 30],
            "never more than a UDP datagram's bytes"
        );
        assert!(runs(&[], 8).is_empty());
    }
}
