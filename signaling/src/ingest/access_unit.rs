//! Packets in order to access units, each the whole of one picture. Pure.

use std::time::Instant;

use bytes::Bytes;

use super::depacketise::{Malformed, NalUnits, begins_unit, nal};
use super::parameter_sets::{Parameters, Unfit};

/// A media packet, as far as its picture is concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MediaPacket {
    /// RTP timestamp: the same for all packets of a picture.
    pub(crate) timestamp: u32,
    /// The last of its picture.
    pub(crate) marker: bool,
    pub(crate) payload: Bytes,
    pub(crate) arrived_at: Instant,
}

/// One picture, encoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AccessUnit {
    /// Annex B.
    pub(crate) bytes: Vec<u8>,
    /// The decoder can begin here.
    pub(crate) keyframe: bool,
    /// There is a picture in it, not parameters alone.
    pub(crate) picture: bool,
    /// What its parameters say, if it has any.
    pub(crate) full_range: Option<bool>,
    /// When its first packet came.
    pub(crate) arrived_at: Instant,
}

/// Why a picture got no further.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unusable {
    /// Packets of it are lost.
    Damaged,
    /// Its payloads make no sense.
    Malformed(Malformed),
    /// Such pictures are not decoded.
    Unfit(Unfit),
    /// It builds upon a picture that was lost.
    NoKeyframe,
}

/// Puts access units together.
#[derive(Debug, Default)]
pub(crate) struct Assembler {
    units: NalUnits,
    /// Timestamp and arrival of the first packet of the picture under way.
    under_way: Option<(u32, Instant)>,
    trouble: Option<Unusable>,
    /// Something before the next packet is lost.
    gap: bool,
    /// Pictures from a keyframe on are whole.
    sound: bool,
}

impl Assembler {
    /// Takes the next packet; hands each picture that is complete to `each`.
    pub(crate) fn push(
        &mut self,
        packet: &MediaPacket,
        each: &mut impl FnMut(Result<AccessUnit, Unusable>),
    ) {
        // Padding: a sender probes how much the path carries.
        if packet.payload.is_empty() {
            return;
        }
        if self.under_way.is_some_and(|(at, _)| at != packet.timestamp) {
            self.finish(each);
        }
        if self.under_way.is_none() {
            self.under_way = Some((packet.timestamp, packet.arrived_at));
        }
        if std::mem::take(&mut self.gap) && !begins_unit(&packet.payload) {
            self.trouble.get_or_insert(Unusable::Damaged);
        }
        if self.trouble.is_none()
            && let Err(error) = self.units.push(&packet.payload)
        {
            self.trouble = Some(Unusable::Malformed(error));
        }
        if packet.marker {
            self.finish(each);
        }
    }

    /// Packets before the next one are lost.
    pub(crate) fn lost(&mut self) {
        self.gap = true;
        self.sound = false;
        if self.under_way.is_some() {
            self.trouble.get_or_insert(Unusable::Damaged);
        }
    }

    fn finish(&mut self, each: &mut impl FnMut(Result<AccessUnit, Unusable>)) {
        let units = std::mem::take(&mut self.units);
        let trouble = self.trouble.take();
        let Some((_, arrived_at)) = self.under_way.take() else {
            return;
        };
        let made = match trouble {
            Some(trouble) => Err(trouble),
            None if !units.is_whole() => Err(Unusable::Damaged),
            None if units.is_empty() => return,
            None => self.judged(units, arrived_at),
        };
        // Without parameters of its own nothing after a lost picture is worth decoding.
        self.sound &= made.is_ok();
        each(made);
    }

    fn judged(&mut self, units: NalUnits, arrived_at: Instant) -> Result<AccessUnit, Unusable> {
        let mut full_range = None;
        for parameters in units.iter().filter(|nal| is_parameters(nal)) {
            let parameters = Parameters::parse(parameters).map_err(Unusable::Unfit)?;
            full_range = Some(parameters.full_range);
        }
        let keyframe = units.has(nal::IDR..=nal::IDR);
        let picture = units.has(nal::SLICE..=nal::IDR);
        self.sound |= keyframe;
        if picture && !self.sound {
            return Err(Unusable::NoKeyframe);
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
    use super::*;

    struct Bench {
        assembler: Assembler,
        start: Instant,
    }

    impl Bench {
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
        ) -> Vec<Result<bool, Unusable>> {
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

        fn keyframe(&mut self, timestamp: u32) -> Vec<Result<bool, Unusable>> {
            assert!(self.push(timestamp, false, &parameters()).is_empty());
            self.push(timestamp, true, &[0x65, 1, 2, 3])
        }
    }

    #[test]
    fn marker_and_timestamp_both_end_a_picture() {
        let mut bench = Bench::new();
        assert_eq!(bench.keyframe(0), [Ok(true)]);
        assert!(bench.push(3000, false, &[0x61, 1]).is_empty());
        assert_eq!(bench.push(6000, true, &[0x61, 2]), [Ok(false), Ok(false)]);
        assert!(bench.push(9000, true, &[]).is_empty(), "padding");
    }

    #[test]
    fn nothing_is_decoded_before_a_keyframe() {
        let mut bench = Bench::new();
        assert_eq!(bench.push(0, true, &[0x61, 1]), [Err(Unusable::NoKeyframe)]);
        assert_eq!(
            bench.push(1, true, &parameters()),
            [Ok(false)],
            "parameters pass"
        );
        assert_eq!(bench.keyframe(3000), [Ok(true)]);
    }

    #[test]
    fn after_a_loss_only_a_keyframe_that_is_whole_is_taken() {
        let mut bench = Bench::new();
        bench.keyframe(0);
        assert!(bench.push(3000, false, &[0x7c, 0x81, 1]).is_empty());
        bench.assembler.lost();
        assert_eq!(
            bench.push(3000, true, &[0x7c, 0x41, 2]),
            [Err(Unusable::Damaged)]
        );
        assert_eq!(
            bench.push(6000, true, &[0x61, 1]),
            [Err(Unusable::NoKeyframe)]
        );
        bench.assembler.lost();
        assert_eq!(
            bench.push(9000, true, &[0x65, 1]),
            [Err(Unusable::Damaged)],
            "its first slice may be lost"
        );
        bench.assembler.lost();
        assert_eq!(
            bench.keyframe(12_000),
            [Ok(true)],
            "it begins with parameters"
        );
    }

    #[test]
    fn what_is_malformed_or_unfit_costs_its_picture_and_the_rest_goes_on() {
        let mut bench = Bench::new();
        bench.push(0, false, &[0x79, 1]);
        let malformed = Unusable::Malformed(Malformed::Type(25));
        assert_eq!(bench.push(0, true, &[0x65, 1]), [Err(malformed)]);
        bench.push(1, false, &[0x67, 0x42, 0xc0]);
        let broken = Unusable::Unfit(Unfit::Broken);
        assert_eq!(bench.push(1, true, &[0x65, 1]), [Err(broken)]);
        assert_eq!(bench.keyframe(3000), [Ok(true)]);
        let open = bench.push(6000, true, &[0x7c, 0x85, 1]);
        assert_eq!(open, [Err(Unusable::Damaged)], "no end came");
    }
}
