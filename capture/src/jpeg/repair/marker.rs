//! Markers and the segments behind them.

use std::ops::Range;

/// Two bytes: 0xff and what kind of marker it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Marker {
    pub(crate) at: usize,
    pub(crate) kind: u8,
    /// Where what follows begins.
    pub(crate) end: usize,
}

impl Marker {
    /// The segment's content behind its length; `None` when the bytes end before it does.
    pub(crate) fn segment(self, jpeg: &[u8]) -> Option<Range<usize>> {
        let length = jpeg.get(self.end..self.end + 2)?;
        let length = usize::from(u16::from_be_bytes([length[0], length[1]]));
        let end = self.end + length;
        (length >= 2 && end <= jpeg.len()).then_some(self.end + 2..end)
    }
}

/// The first marker at or after `from`. Bytes that begin none, stuffed zeros among them, are skipped.
pub(crate) fn next_marker(jpeg: &[u8], mut from: usize) -> Option<Marker> {
    loop {
        let at = from + jpeg.get(from..)?.iter().position(|byte| *byte == 0xff)?;
        match *jpeg.get(at + 1)? {
            // Any number of 0xff may fill the space before a marker.
            0xff => from = at + 1,
            0 => from = at + 2,
            kind => {
                return Some(Marker {
                    at,
                    kind,
                    end: at + 2,
                });
            }
        }
    }
}
