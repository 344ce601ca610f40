//! Depacketises H.264 (RFC 6184 5.6 to 5.8): single NAL units, STAP-A and FU-A, as packetisation mode 1 allows.
//! Pure; the input is untrusted.

/// Maximum size of an access unit; a 1080p keyframe at the best quality has less than one megabyte.
pub(crate) const UNIT_BYTES_MAX: usize = 4 << 20;
/// Maximum NAL units in an access unit; encoders make one to a dozen.
const NALS_MAX: usize = 512;
/// Precedes each NAL unit (H.264 Annex B).
const START_CODE: [u8; 4] = [0, 0, 0, 1];

const STAP_A: u8 = 24;
const FU_A: u8 = 28;
const TYPE_BITS: u8 = 0x1f;
const FU_START: u8 = 0x80;
const FU_END: u8 = 0x40;

/// NAL unit types (H.264, table 7-1).
pub(crate) mod nal {
    pub(crate) const SLICE: u8 = 1;
    pub(crate) const IDR: u8 = 5;
    pub(crate) const PARAMETERS: u8 = 7;
    pub(crate) const DELIMITER: u8 = 9;
}

/// Why a payload is invalid; its access unit is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PayloadError {
    /// It ends before its announced length.
    #[error("a payload is cut short")]
    Short,
    /// A payload type that mode 1 does not have.
    #[error("payloads of type {0} are not part of packetization-mode 1")]
    Type(u8),
    /// A fragment without its start or its end.
    #[error("fragments of a NAL unit do not follow each other")]
    Fragments,
    /// The access unit exceeds a limit.
    #[error("an access unit has more than {UNIT_BYTES_MAX} bytes or {NALS_MAX} NAL units")]
    TooLarge,
}

/// The NAL units of one access unit, with start codes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct NalUnits {
    bytes: Vec<u8>,
    /// Offset of each NAL unit's header byte.
    headers: Vec<usize>,
    /// The last NAL unit is incomplete.
    open: bool,
}

impl NalUnits {
    /// Adds the NAL units of a payload.
    pub(crate) fn push(&mut self, payload: &[u8]) -> Result<(), PayloadError> {
        let header = *payload.first().ok_or(PayloadError::Short)?;
        match header & TYPE_BITS {
            1..=23 => self.whole(payload),
            STAP_A => self.aggregate(&payload[1..]),
            FU_A => self.fragment(header, &payload[1..]),
            other => Err(PayloadError::Type(other)),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.headers.is_empty()
    }

    /// Whether every fragmented unit is complete.
    pub(crate) fn is_whole(&self) -> bool {
        !self.open
    }

    /// Whether there is a NAL unit with a type in `types`.
    pub(crate) fn has(&self, types: std::ops::RangeInclusive<u8>) -> bool {
        self.iter().any(|nal| {
            nal.first()
                .is_some_and(|header| types.contains(&(header & TYPE_BITS)))
        })
    }

    /// Iterates over the NAL units, without start codes.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.headers.iter().enumerate().map(|(index, start)| {
            let next = self.headers.get(index + 1);
            let end = next.map_or(self.bytes.len(), |next| next - START_CODE.len());
            &self.bytes[*start..end]
        })
    }

    /// The Annex B bytes.
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    fn whole(&mut self, nal: &[u8]) -> Result<(), PayloadError> {
        if self.open {
            return Err(PayloadError::Fragments);
        }
        self.begin(nal.len())?;
        self.bytes.extend_from_slice(nal);
        Ok(())
    }

    fn aggregate(&mut self, mut rest: &[u8]) -> Result<(), PayloadError> {
        while let Some((size, tail)) = rest.split_first_chunk::<2>() {
            let size = usize::from(u16::from_be_bytes(*size));
            let (nal, after) = tail.split_at_checked(size).ok_or(PayloadError::Short)?;
            match nal.first().map(|header| header & TYPE_BITS) {
                Some(1..=23) => self.whole(nal)?,
                Some(other) => return Err(PayloadError::Type(other)),
                None => return Err(PayloadError::Short),
            }
            rest = after;
        }
        if rest.is_empty() {
            Ok(())
        } else {
            Err(PayloadError::Short)
        }
    }

    fn fragment(&mut self, indicator: u8, rest: &[u8]) -> Result<(), PayloadError> {
        let (fragment, bytes) = rest.split_first().ok_or(PayloadError::Short)?;
        let (start, end) = (fragment & FU_START != 0, fragment & FU_END != 0);
        let kind = fragment & TYPE_BITS;
        if start == self.open || (start && end) {
            return Err(PayloadError::Fragments);
        }
        if start {
            if !(1..=23).contains(&kind) {
                return Err(PayloadError::Type(kind));
            }
            self.begin(1 + bytes.len())?;
            self.bytes.push((indicator & !TYPE_BITS) | kind);
        } else if self.bytes.len() + bytes.len() > UNIT_BYTES_MAX {
            return Err(PayloadError::TooLarge);
        }
        self.bytes.extend_from_slice(bytes);
        self.open = !end;
        Ok(())
    }

    fn begin(&mut self, length: usize) -> Result<(), PayloadError> {
        let after = self.bytes.len() + START_CODE.len() + length;
        if after > UNIT_BYTES_MAX || self.headers.len() >= NALS_MAX {
            return Err(PayloadError::TooLarge);
        }
        self.bytes.extend_from_slice(&START_CODE);
        self.headers.push(self.bytes.len());
        Ok(())
    }
}

/// Whether a payload certainly starts an access unit: parameter sets and delimiters come first (H.264
/// 7.4.1.2.3).
pub(crate) fn begins_unit(payload: &[u8]) -> bool {
    let first = |bytes: &[u8]| bytes.first().map(|header| header & TYPE_BITS);
    let kind = match first(payload) {
        Some(STAP_A) => payload.get(3..).and_then(first),
        other => other,
    };
    matches!(kind, Some(nal::PARAMETERS | nal::DELIMITER))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units(payloads: &[&[u8]]) -> Result<NalUnits, PayloadError> {
        let mut units = NalUnits::default();
        payloads
            .iter()
            .try_for_each(|payload| units.push(payload))
            .map(|()| units)
    }

    #[test]
    fn single_aggregated_and_fragmented_units_are_depacketised() {
        let stap: &[u8] = &[0x78, 0, 2, 0x67, 1, 0, 3, 0x68, 2, 3];
        let fragments: [&[u8]; 3] = [&[0x7c, 0x85, 10], &[0x7c, 0x05, 11, 12], &[0x7c, 0x45, 13]];
        let single: &[u8] = &[0x06, 9];
        let mut payloads = vec![stap, single];
        payloads.extend(fragments);
        let units = units(&payloads).expect("valid");
        let nals: Vec<&[u8]> = units.iter().collect();
        let expected: [&[u8]; 4] = [
            &[0x67, 1],
            &[0x68, 2, 3],
            &[0x06, 9],
            &[0x65, 10, 11, 12, 13],
        ];
        assert_eq!(nals, expected);
        assert!(units.is_whole() && units.has(5..=5) && units.has(7..=7) && !units.has(1..=1));
        let bytes = units.into_bytes();
        assert_eq!(bytes[..6], [0, 0, 0, 1, 0x67, 1]);
        assert_eq!(bytes.len(), 4 * 4 + 2 + 3 + 2 + 5);
    }

    #[test]
    fn malformed_payloads_are_rejected() {
        let cases: [(&[&[u8]], PayloadError); 10] = [
            (&[&[]], PayloadError::Short),
            (&[&[0x78, 0]], PayloadError::Short),
            (&[&[0x78, 0, 5, 0x67]], PayloadError::Short),
            (&[&[0x78, 0, 0]], PayloadError::Short),
            (&[&[0x78, 0, 1, 0x7c]], PayloadError::Type(28)),
            (&[&[0x7c]], PayloadError::Short),
            (&[&[0x7c, 0x05, 1]], PayloadError::Fragments),
            (&[&[0x7c, 0xc5, 1]], PayloadError::Fragments),
            (&[&[0x7c, 0x85, 1], &[0x61, 1]], PayloadError::Fragments),
            (&[&[0x79, 1, 2, 3]], PayloadError::Type(25)),
        ];
        for (payloads, error) in cases {
            assert_eq!(units(payloads), Err(error), "{payloads:?}");
        }
        let open = units(&[&[0x7c, 0x85, 1]]).expect("so far");
        assert!(!open.is_whole());
    }

    #[test]
    fn the_size_of_an_access_unit_is_limited() {
        let mut units = NalUnits::default();
        units.push(&[0x7c, 0x85]).expect("a start");
        let middle = [&[0x7c, 0x05][..], &[0; 1400]].concat();
        let pushed = (0..10_000).take_while(|_| units.push(&middle).is_ok());
        assert_eq!(pushed.count(), UNIT_BYTES_MAX / 1400);
        let mut many = NalUnits::default();
        let pushed = (0..10_000).take_while(|_| many.push(&[0x61]).is_ok());
        assert_eq!(pushed.count(), NALS_MAX);
    }

    #[test]
    fn parameter_sets_and_delimiters_start_an_access_unit() {
        assert!(begins_unit(&[0x67, 1]) && begins_unit(&[0x78, 0, 2, 0x67, 1]));
        assert!(begins_unit(&[0x09, 0xf0]));
        for other in [&[][..], &[0x65, 1], &[0x7c, 0x85], &[0x78, 0, 2], &[0x61]] {
            assert!(!begins_unit(other), "{other:?}");
        }
    }
}
