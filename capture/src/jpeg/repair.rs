//! Repairs deviations of a JPEG that lose no pixels but make libjpeg-turbo warn. Pure.
//!
//! libjpeg-turbo keeps the text of its first warning only, so a harmless one would hide that pixels are
//! missing. After the repair, each warning means damage. Markers as in ITU-T T.81, B.1.1.3.

use std::borrow::Cow;
use std::ops::Range;

/// A file with more scans is hostile and passed on as it is: the decoder has its own limit.
const MAX_SCANS: usize = 256;

/// A JPEG for the decoder.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Repaired<'a> {
    /// Borrowed from the file when nothing had to be changed.
    pub(super) bytes: Cow<'a, [u8]>,
    /// The end marker was missing and has been added.
    pub(super) end_added: bool,
}

/// The file ends before its last scan begins.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ScansMissing;

/// A replaced part of the file.
struct Edit {
    at: Range<usize>,
    by: &'static [u8],
}

/// Removes or corrects:
///
/// - bytes of no segment between two header segments;
/// - a JFIF revision other than 1, and a colour transform that Adobe has not defined;
/// - colour profiles, whose pieces are often misnumbered: nothing here uses them;
/// - spectral selection in a sequential scan, which has none;
/// - a progressive scan whose coefficients are already known as precisely;
/// - a missing end marker, when no scan is missing.
///
/// Other damage is left for the decoder to report.
pub(super) fn repaired(jpeg: &[u8]) -> Result<Repaired<'_>, ScansMissing> {
    let mut repair = Repair {
        jpeg,
        edits: Vec::new(),
        coverage: None,
        adobe_transform_at: None,
    };
    let end_added = match repair.walk() {
        Walked::Whole => false,
        Walked::EndMissing { at } => {
            if !repair.coverage.as_ref().is_some_and(Coverage::is_complete) {
                return Err(ScansMissing);
            }
            repair.edit(at..jpeg.len(), &[0xff, 0xd9]);
            true
        }
        // The markers of the header cannot be followed.
        Walked::Broken => {
            repair.edits.clear();
            false
        }
    };
    Ok(Repaired {
        bytes: repair.applied(),
        end_added,
    })
}

enum Walked {
    /// Up to the end marker.
    Whole,
    /// The scans end at `at`, with the file or where another picture begins.
    EndMissing { at: usize },
    /// Not the structure of a JPEG.
    Broken,
}

struct Repair<'a> {
    jpeg: &'a [u8],
    edits: Vec<Edit>,
    /// `None` before the frame header.
    coverage: Option<Coverage>,
    adobe_transform_at: Option<usize>,
}

impl<'a> Repair<'a> {
    fn walk(&mut self) -> Walked {
        let mut at = 2;
        let mut scans = 0;
        loop {
            let in_scan = scans > 0;
            let Some(marker) = next_marker(self.jpeg, at) else {
                // Half an end marker does not count.
                let end = self.jpeg.len() - usize::from(self.jpeg.ends_with(&[0xff]));
                return cut(in_scan, end);
            };
            let has_strays = self.jpeg[at..marker.at].iter().any(|byte| *byte != 0xff);
            if !in_scan && has_strays {
                self.edit(at..marker.at, &[]);
            }
            match marker.kind {
                0x01 | 0xd0..=0xd7 => at = marker.end,
                0xd9 if in_scan => return Walked::Whole,
                0xd8 if in_scan => return Walked::EndMissing { at: marker.at },
                0xd8 | 0xd9 => return Walked::Broken,
                0xda => {
                    scans += 1;
                    match self.scan(marker) {
                        Some(_) if scans > MAX_SCANS => return Walked::Whole,
                        Some(_) if self.is_rest_sound() => return Walked::Whole,
                        Some(end) => at = end,
                        None => return cut(in_scan, marker.at),
                    }
                }
                _ => match marker.segment(self.jpeg) {
                    Some(body) => {
                        self.header_segment(marker, &body);
                        at = body.end;
                    }
                    None => return cut(in_scan, marker.at),
                },
            }
        }
    }

    /// Whether all components are in the scans so far and the file ends with an end marker, so that the
    /// rest need not be read.
    fn is_rest_sound(&self) -> bool {
        self.jpeg.ends_with(&[0xff, 0xd9])
            && self
                .coverage
                .as_ref()
                .is_some_and(|coverage| !coverage.is_progressive() && coverage.is_complete())
    }

    fn header_segment(&mut self, marker: Marker, body: &Range<usize>) {
        let bytes = &self.jpeg[body.clone()];
        match marker.kind {
            0xe0 if bytes.len() >= 14 && bytes.starts_with(b"JFIF\0") && bytes[5] != 1 => {
                self.edit(body.start + 5..body.start + 7, &[1, 2]);
            }
            0xe2 if bytes.starts_with(b"ICC_PROFILE\0") => self.edit(marker.at..body.end, &[]),
            0xee if bytes.len() >= 12 && bytes.starts_with(b"Adobe") => {
                self.adobe_transform_at = Some(body.start + 11);
            }
            0xc0..=0xcf if !matches!(marker.kind, 0xc4 | 0xc8 | 0xcc) => {
                self.coverage = Coverage::of_frame(marker.kind, bytes);
            }
            _ => {}
        }
    }

    /// Checks a scan header. Returns where its data begins; `None` when the file ends within the header.
    fn scan(&mut self, marker: Marker) -> Option<usize> {
        let body = marker.segment(self.jpeg)?;
        self.settle_adobe_transform();
        let Some(coverage) = &mut self.coverage else {
            return Some(body.end);
        };
        let Some(scan) = Scan::read(&self.jpeg[body.clone()]) else {
            return Some(body.end);
        };
        if coverage.is_sequential_dct() && !scan.is_sequential() {
            self.edits.push(Edit {
                at: body.end - 3..body.end,
                by: &[0, 63, 0],
            });
        }
        if coverage.is_progressive() && coverage.is_repeated(&scan) {
            let end = data_end(self.jpeg, body.end);
            self.edit(marker.at..end, &[]);
            return Some(end);
        }
        coverage.add(&scan);
        Some(body.end)
    }

    fn settle_adobe_transform(&mut self) {
        let components = self.coverage.as_ref().map_or(0, Coverage::components);
        let Some(at) = self.adobe_transform_at.take() else {
            return;
        };
        // As libjpeg-turbo assumes: YCbCr and YCCK.
        match (components, self.jpeg[at]) {
            (3, 2..) => self.edit(at..at + 1, &[1]),
            (4, 1 | 3..) => self.edit(at..at + 1, &[2]),
            _ => {}
        }
    }

    fn edit(&mut self, at: Range<usize>, by: &'static [u8]) {
        self.edits.push(Edit { at, by });
    }

    fn applied(mut self) -> Cow<'a, [u8]> {
        if self.edits.is_empty() {
            return Cow::Borrowed(self.jpeg);
        }
        // The edit of the colour transform may come late.
        self.edits.sort_by_key(|edit| edit.at.start);
        let mut bytes = Vec::with_capacity(self.jpeg.len() + 2);
        let mut copied = 0;
        for Edit { at, by } in self.edits {
            bytes.extend_from_slice(&self.jpeg[copied..at.start]);
            bytes.extend_from_slice(by);
            copied = at.end;
        }
        bytes.extend_from_slice(&self.jpeg[copied..]);
        Cow::Owned(bytes)
    }
}

/// The file ends within a segment. After a scan, that segment is not needed.
fn cut(in_scan: bool, at: usize) -> Walked {
    match in_scan {
        true => Walked::EndMissing { at },
        false => Walked::Broken,
    }
}

/// Where the entropy-coded data from `from` ends: at the next marker other than a restart.
fn data_end(jpeg: &[u8], mut from: usize) -> usize {
    while let Some(marker) = next_marker(jpeg, from) {
        if !matches!(marker.kind, 0x01 | 0xd0..=0xd7) {
            return marker.at;
        }
        from = marker.end;
    }
    jpeg.len()
}

/// A marker: 0xff and its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Marker {
    pub(crate) at: usize,
    pub(crate) kind: u8,
    /// The position after the marker.
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

/// The first marker at or after `from`. Other bytes, such as stuffed zeros, are skipped.
pub(crate) fn next_marker(jpeg: &[u8], mut from: usize) -> Option<Marker> {
    loop {
        let at = from + jpeg.get(from..)?.iter().position(|byte| *byte == 0xff)?;
        match *jpeg.get(at + 1)? {
            // Any number of 0xff may precede a marker as padding.
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

const COEFFICIENTS: usize = 64;
/// [`Component::lowest_bit`] of a coefficient that no scan has brought yet.
const UNKNOWN: u8 = u8::MAX;

#[derive(Debug)]
struct Scan<'a> {
    /// Id and tables of each component.
    components: &'a [u8],
    /// First and last coefficient.
    band: [u8; 2],
    /// The lowest known bit before and after this scan (successive approximation).
    bits: [u8; 2],
}

impl<'a> Scan<'a> {
    fn read(body: &'a [u8]) -> Option<Self> {
        let (count, rest) = body.split_first()?;
        let (components, rest) = rest.split_at_checked(2 * usize::from(*count))?;
        let [first, last, bits] = *rest else {
            return None;
        };
        Some(Self {
            components,
            band: [first, last],
            bits: [bits >> 4, bits & 15],
        })
    }

    /// Whether it has all bits of all coefficients.
    fn is_sequential(&self) -> bool {
        self.band == [0, 63] && self.bits == [0, 0]
    }

    fn ids(&self) -> impl Iterator<Item = u8> {
        self.components.chunks_exact(2).map(|pair| pair[0])
    }

    fn coefficients(&self) -> std::ops::Range<usize> {
        let [first, last] = self.band.map(|at| usize::from(at).min(COEFFICIENTS));
        first..(last + 1).clamp(first, COEFFICIENTS)
    }
}

/// The lowest known bit of each coefficient of a component.
#[derive(Debug)]
struct Component {
    id: u8,
    lowest_bit: [u8; COEFFICIENTS],
}

/// Which coefficients of which component the scans have brought so far (ITU-T T.81, B.2.2, B.2.3,
/// G.1.1).
#[derive(Debug)]
struct Coverage {
    frame: u8,
    components: Vec<Component>,
}

impl Coverage {
    /// Reads a frame header with the marker `frame`.
    fn of_frame(frame: u8, body: &[u8]) -> Option<Self> {
        let count = usize::from(*body.get(5)?);
        let listed = body.get(6..6 + 3 * count)?;
        let component = |entry: &[u8]| Component {
            id: entry[0],
            lowest_bit: [UNKNOWN; COEFFICIENTS],
        };
        Some(Self {
            frame,
            components: listed.chunks_exact(3).map(component).collect(),
        })
    }

    fn components(&self) -> usize {
        self.components.len()
    }

    /// Whether it is progressive, with Huffman or arithmetic coding.
    fn is_progressive(&self) -> bool {
        matches!(self.frame, 0xc2 | 0xca)
    }

    fn is_sequential_dct(&self) -> bool {
        matches!(self.frame, 0xc0 | 0xc1 | 0xc9)
    }

    /// Whether every coefficient of every component is known to its last bit.
    fn is_complete(&self) -> bool {
        let whole = |component: &Component| component.lowest_bit.iter().all(|bit| *bit == 0);
        !self.components.is_empty() && self.components.iter().all(whole)
    }

    /// Whether everything in the scan is already known to the same bit.
    fn is_repeated(&self, scan: &Scan<'_>) -> bool {
        let [_, after] = scan.bits;
        let known = |component: &Component| {
            let bits = &component.lowest_bit[scan.coefficients()];
            !bits.is_empty() && bits.iter().all(|bit| *bit <= after)
        };
        scan.ids().count() > 0
            && scan
                .ids()
                .all(|id| self.components.iter().any(|c| c.id == id && known(c)))
    }

    fn add(&mut self, scan: &Scan<'_>) {
        let (band, bit) = if self.is_progressive() {
            (scan.coefficients(), scan.bits[1])
        } else {
            (0..COEFFICIENTS, 0)
        };
        for id in scan.ids() {
            if let Some(component) = self.components.iter_mut().find(|c| c.id == id) {
                component.lowest_bit[band.clone()].fill(bit);
            }
        }
    }
}
