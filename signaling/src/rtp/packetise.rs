//! Packetises an H.264 byte stream into RTP payloads, packetisation mode 1 (RFC 6184). Pure.
//!
//! Small consecutive NAL units (such as parameter sets) share a STAP-A, a unit that fits is sent alone, and
//! a larger one is split into FU-A fragments.

use std::ops::Range;

use bytes::Bytes;

/// Maximum payload size. The RTP packet then stays within 1200 bytes, which fits every path a browser accepts
/// (IPv6 minimum MTU 1280 less IP, UDP and SRTP tag): 12 bytes header, 2 RTX, 26 header extensions.
pub const MAX_PAYLOAD_BYTES: usize = 1160;

const STAP_A: u8 = 24;
const FU_A: u8 = 28;
const FU_START: u8 = 0x80;
const FU_END: u8 = 0x40;
const TYPE_MASK: u8 = 0x1f;
const NRI_MASK: u8 = 0x60;
const FORBIDDEN_BIT: u8 = 0x80;

/// Packetises one Annex B access unit into payloads in sending order, none longer than
/// [`MAX_PAYLOAD_BYTES`]. All are slices of one buffer, so that the bytes are copied once.
///
/// All FU-A fragments except the last have the maximum length, so that a frame can leave in one GSO send.
#[must_use]
pub fn packetise(access_unit: &[u8]) -> Vec<Bytes> {
    let units: Vec<&[u8]> = nal_units(access_unit)
        .filter(|unit| is_plain(unit))
        .collect();
    let mut writer = Writer::with_capacity(access_unit.len());
    let mut rest = units.as_slice();
    while let Some(first) = rest.first() {
        let together = aggregated(rest);
        if together > 1 {
            writer.stap_a(&rest[..together]);
        } else if first.len() <= MAX_PAYLOAD_BYTES {
            writer.single(first);
        } else {
            writer.fu_a(first);
        }
        rest = &rest[together..];
    }
    writer.finish()
}

/// Iterates over the NAL units of an Annex B stream, without start codes and trailing zeros. Bytes before the
/// first start code and empty units are skipped.
pub fn nal_units(stream: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut from = start_code(stream, 0).map(|at| at + 3);
    std::iter::from_fn(move || {
        loop {
            let begin = from?;
            let next = start_code(stream, begin);
            from = next.map(|at| at + 3);
            let unit = &stream[begin..next.unwrap_or(stream.len())];
            // The first zero of a four-byte start code, and trailing_zero_8bits (H.264, B.1).
            let zeros = unit.iter().rev().take_while(|byte| **byte == 0).count();
            if zeros < unit.len() {
                return Some(&unit[..unit.len() - zeros]);
            }
        }
    })
}

/// Position of the next `00 00 01` at or after `from`.
fn start_code(stream: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    while at + 2 < stream.len() {
        match stream[at + 2] {
            0 => at += 1,
            1 if stream[at] == 0 && stream[at + 1] == 0 => return Some(at),
            _ => at += 3,
        }
    }
    None
}

/// Types 0 and 24 to 31 are no NAL units of a stream; sent alone they would be parsed as RTP aggregates.
fn is_plain(unit: &[u8]) -> bool {
    matches!(unit[0] & TYPE_MASK, 1..=23)
}

/// Number of leading units that fit into one payload, at least 1.
fn aggregated(units: &[&[u8]]) -> usize {
    let mut payload_bytes = 1;
    let fits = |unit: &&&[u8]| {
        payload_bytes += 2 + unit.len();
        payload_bytes <= MAX_PAYLOAD_BYTES
    };
    units.iter().take_while(fits).count().max(1)
}

#[derive(Debug)]
struct Writer {
    buffer: Vec<u8>,
    payloads: Vec<Range<usize>>,
}

impl Writer {
    fn with_capacity(bytes: usize) -> Self {
        let payloads = bytes / MAX_PAYLOAD_BYTES + 2;
        // The two bytes of FU header replace one of the unit header and three of the start code.
        let buffer = Vec::with_capacity(bytes + payloads * 3);
        Self {
            buffer,
            payloads: Vec::with_capacity(payloads),
        }
    }

    fn payload(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let begin = self.buffer.len();
        write(&mut self.buffer);
        self.payloads.push(begin..self.buffer.len());
    }

    fn single(&mut self, unit: &[u8]) {
        self.payload(|buffer| buffer.extend_from_slice(unit));
    }

    fn stap_a(&mut self, units: &[&[u8]]) {
        // RFC 6184 5.7: F is the OR, NRI the maximum over the units.
        let forbidden = units
            .iter()
            .fold(0, |bits, unit| bits | (unit[0] & FORBIDDEN_BIT));
        let nri = units
            .iter()
            .map(|unit| unit[0] & NRI_MASK)
            .max()
            .unwrap_or(0);
        self.payload(|buffer| {
            buffer.push(forbidden | nri | STAP_A);
            for unit in units {
                let length = u16::try_from(unit.len()).unwrap_or(u16::MAX);
                buffer.extend_from_slice(&length.to_be_bytes());
                buffer.extend_from_slice(unit);
            }
        });
    }

    fn fu_a(&mut self, unit: &[u8]) {
        let (header, body) = (unit[0], &unit[1..]);
        let indicator = (header & !TYPE_MASK) | FU_A;
        let pieces = body.chunks(MAX_PAYLOAD_BYTES - 2);
        let last = pieces.len() - 1;
        for (index, piece) in pieces.enumerate() {
            let start = if index == 0 { FU_START } else { 0 };
            let end = if index == last { FU_END } else { 0 };
            self.payload(|buffer| {
                buffer.extend_from_slice(&[indicator, start | end | (header & TYPE_MASK)]);
                buffer.extend_from_slice(piece);
            });
        }
    }

    fn finish(self) -> Vec<Bytes> {
        let buffer = Bytes::from(self.buffer);
        self.payloads
            .into_iter()
            .map(|range| buffer.slice(range))
            .collect()
    }
}

#[cfg(test)]
mod tests;
