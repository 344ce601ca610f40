//! Assembles ordered packets to access units, each a complete picture. Pure.

use std::time::Instant;

use bytes::Bytes;

use super::depacketise::{NalUnits, PayloadError, begins_unit, nal};
use super::parameter_sets::{SequenceParameters, UnsupportedError};

/// A media packet, reduced to what assembly needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MediaPacket {
    /// RTP timestamp, the same for all packets of a picture.
    pub(crate) timestamp: u32,
    /// Whether it is the last packet of its picture.
    pub(crate) marker: bool,
    pub(crate) payload: Bytes,
    pub(crate) arrived_at: Instant,
}

/// An encoded picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AccessUnit {
    /// Annex B byte stream.
    pub(crate) bytes: Vec<u8>,
    /// Decoding can start here.
    pub(crate) keyframe: bool,
    /// Whether it contains a picture, not only parameter sets.
    pub(crate) picture: bool,
    /// Colour range of its sequence parameter set, if it has one.
    pub(crate) full_range: Option<bool>,
    /// Arrival time of its first packet.
    pub(crate) arrived_at: Instant,
}

/// Why an access unit was dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UnitError {
    /// Packets of it were lost.
    Damaged,
    /// A payload is malformed.
    Malformed(PayloadError),
    /// Its format is not supported.
    Unsupported(UnsupportedError),
    /// It depends on a picture that was lost.
    NoKeyframe,
}

/// Assembles access units.
#[derive(Debug, Default)]
pub(crate) struct Assembler {
    units: NalUnits,
    /// Timestamp and arrival of the first packet of the current picture.
    current: Option<(u32, Instant)>,
    error: Option<UnitError>,
    /// Packets before the next one were lost.
    gap: bool,
    /// Every picture since the last keyframe is complete.
    decodable: bool,
}

impl Assembler {
    /// Adds the next packet; passes each complete picture to `each`.
    pub(crate) fn push(
        &mut self,
        packet: &MediaPacket,
        each: &mut impl FnMut(Result<AccessUnit, UnitError>),
    ) {
        // Padding from a bandwidth probe of the sender.
        if packet.payload.is_empty() {
            return;
        }
        if self.current.is_some_and(|(at, _)| at != packet.timestamp) {
            self.finish(each);
        }
        if self.current.is_none() {
            self.current = Some((packet.timestamp, packet.arrived_at));
        }
        if std::mem::take(&mut self.gap) && !begins_unit(&packet.payload) {
            self.error.get_or_insert(UnitError::Damaged);
        }
        if self.error.is_none()
            && let Err(error) = self.units.push(&packet.payload)
        {
            self.error = Some(UnitError::Malformed(error));
        }
        if packet.marker {
            self.finish(each);
        }
    }

    /// Packets before the next one were lost.
    pub(crate) fn lost(&mut self) {
        self.gap = true;
        self.decodable = false;
        if self.current.is_some() {
            self.error.get_or_insert(UnitError::Damaged);
        }
    }

    fn finish(&mut self, each: &mut impl FnMut(Result<AccessUnit, UnitError>)) {
        let units = std::mem::take(&mut self.units);
        let error = self.error.take();
        let Some((_, arrived_at)) = self.current.take() else {
            return;
        };
        let made = match error {
            Some(error) => Err(error),
            None if !units.is_whole() => Err(UnitError::Damaged),
            None if units.is_empty() => return,
            None => self.validated(units, arrived_at),
        };
        // After a lost or invalid picture nothing can be decoded until the next keyframe.
        self.decodable &= made.is_ok();
        each(made);
    }

    fn validated(&mut self, units: NalUnits, arrived_at: Instant) -> Result<AccessUnit, UnitError> {
        let mut full_range = None;
        for parameters in units.iter().filter(|nal| is_parameters(nal)) {
            let parameters =
                SequenceParameters::parse(parameters).map_err(UnitError::Unsupported)?;
            full_range = Some(parameters.full_range);
        }
        let keyframe = units.has(nal::IDR..=nal::IDR);
        let picture = units.has(nal::SLICE..=nal::IDR);
        self.decodable |= keyframe;
        if picture && !self.decodable {
            return Err(UnitError::NoKeyframe);
        }
        Ok(AccessUnit {
            bytes: units.into_bytes(),
            keyframe,
            picture,
            full_range,
            arrived_at,
        })
    }
}

fn is_parameters(nal: &[u8]) -> bool {
    nal.first()
        .is_some_and(|header| header & 0x1f == nal::PARAMETERS)
}

#[cfg(test)]
mod tests {
    use super::super::parameter_sets::tests::parameters;
    use super::UnitError::{Damaged, NoKeyframe};
    use super::*;

    struct Fixture {
        assembler: Assembler,
        start: Instant,
    }

    impl Fixture {
        fn new() -> Self {
            Self {
                assembler: Assembler::default(),
                start: Instant::now(),
            }
        }

        fn push(
            &mut self,
            timestamp: u32,
            marker: bool,
            payload: &[u8],
        ) -> Vec<Result<bool, UnitError>> {
            let packet = MediaPacket {
                timestamp,
                marker,
                payload: Bytes::copy_from_slice(payload),
                arrived_at: self.start,
            };
            let mut out = Vec::new();
            self.assembler.push(&packet, &mut |made| {
                out.push(made.map(|unit| unit.keyframe));
            });
            out
        }

        fn keyframe(&mut self, timestamp: u32) -> Vec<Result<bool, UnitError>> {
            assert!(self.push(timestamp, false, &parameters()).is_empty());
            self.push(timestamp, true, &[0x65, 1, 2, 3])
        }
    }

    #[test]
    fn marker_or_timestamp_ends_a_picture() {
        let mut fixture = Fixture::new();
        assert_eq!(fixture.keyframe(0), [Ok(true)]);
        assert!(fixture.push(3000, false, &[0x61, 1]).is_empty());
        assert_eq!(fixture.push(6000, true, &[0x61, 2]), [Ok(false), Ok(false)]);
        assert!(fixture.push(9000, true, &[]).is_empty(), "padding");
    }

    #[test]
    fn decoding_starts_at_a_keyframe() {
        let mut fixture = Fixture::new();
        assert_eq!(fixture.push(0, true, &[0x61, 1]), [Err(NoKeyframe)]);
        let passed = fixture.push(1, true, &parameters());
        assert_eq!(passed, [Ok(false)], "parameter sets");
        assert_eq!(fixture.keyframe(3000), [Ok(true)]);
    }

    #[test]
    fn after_a_loss_only_a_complete_keyframe_is_accepted() {
        let mut fixture = Fixture::new();
        fixture.keyframe(0);
        assert!(fixture.push(3000, false, &[0x7c, 0x81, 1]).is_empty());
        fixture.assembler.lost();
        let end = fixture.push(3000, true, &[0x7c, 0x41, 2]);
        assert_eq!(end, [Err(Damaged)]);
        assert_eq!(fixture.push(6000, true, &[0x61, 1]), [Err(NoKeyframe)]);
        fixture.assembler.lost();
        // Its first slice may be missing.
        assert_eq!(fixture.push(9000, true, &[0x65, 1]), [Err(Damaged)]);
        fixture.assembler.lost();
        // Parameter sets mark the start of the access unit.
        assert_eq!(fixture.keyframe(12_000), [Ok(true)]);
    }

    #[test]
    fn a_malformed_or_unsupported_picture_does_not_affect_the_next() {
        let mut fixture = Fixture::new();
        fixture.push(0, false, &[0x79, 1]);
        let malformed = UnitError::Malformed(PayloadError::Type(25));
        assert_eq!(fixture.push(0, true, &[0x65, 1]), [Err(malformed)]);
        fixture.push(1, false, &[0x67, 0x42, 0xc0]);
        let broken = UnitError::Unsupported(UnsupportedError::Broken);
        assert_eq!(fixture.push(1, true, &[0x65, 1]), [Err(broken)]);
        assert_eq!(fixture.keyframe(3000), [Ok(true)]);
        let open = fixture.push(6000, true, &[0x7c, 0x85, 1]);
        assert_eq!(open, [Err(Damaged)], "the last fragment is missing");
    }
}
