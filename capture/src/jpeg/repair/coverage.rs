//! Which coefficients of which component the scans have brought so far (ITU-T T.81, B.2.2, B.2.3, G.1.1).

const COEFFICIENTS: usize = 64;
/// Not sent yet.
const UNKNOWN: u8 = u8::MAX;

/// A scan header.
#[derive(Debug)]
pub(super) struct Scan<'a> {
    /// Of each component its id and its tables.
    components: &'a [u8],
    /// First and last coefficient.
    band: [u8; 2],
    /// Lowest bit known before and after this scan.
    bits: [u8; 2],
}

impl<'a> Scan<'a> {
    pub(super) fn read(body: &'a [u8]) -> Option<Self> {
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

    /// All coefficients at once.
    pub(super) fn is_sequential(&self) -> bool {
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

/// What is known of one component: the lowest bit of each coefficient.
#[derive(Debug)]
struct Component {
    id: u8,
    lowest_bit: [u8; COEFFICIENTS],
}

/// What is known of a frame.
#[derive(Debug)]
pub(super) struct Coverage {
    frame: u8,
    components: Vec<Component>,
}

impl Coverage {
    /// Of a frame header of the kind `frame`.
    pub(super) fn of_frame(frame: u8, body: &[u8]) -> Option<Self> {
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

    pub(super) fn components(&self) -> usize {
        self.components.len()
    }

    /// Huffman or arithmetic coding.
    pub(super) fn is_progressive(&self) -> bool {
        matches!(self.frame, 0xc2 | 0xca)
    }

    pub(super) fn is_sequential_dct(&self) -> bool {
        matches!(self.frame, 0xc0 | 0xc1 | 0xc9)
    }

    /// Every coefficient of every component is known to its last bit.
    pub(super) fn is_complete(&self) -> bool {
        let whole = |component: &Component| component.lowest_bit.iter().all(|bit| *bit == 0);
        !self.components.is_empty() && self.components.iter().all(whole)
    }

    /// All that the scan brings is known as precisely.
    pub(super) fn is_repeated(&self, scan: &Scan<'_>) -> bool {
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

    pub(super) fn add(&mut self, scan: &Scan<'_>) {
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
