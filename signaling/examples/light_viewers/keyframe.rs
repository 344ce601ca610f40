//! Detects keyframes by the sequence parameter set before them (H.264 7.3.2.1.1), and parses its height. Pure.
//!
//! Separate from the parser that the station uses, so that a mistake in one is noticed.

use std::collections::HashMap;

const TYPE_MASK: u8 = 0x1f;
const STAP_A: u8 = 24;
const SPS: u8 = 7;
/// Profiles whose parameter sets have no chroma format: baseline, main, extended.
const PLAIN_PROFILES: [u32; 3] = [66, 77, 88];

/// The received packets of one picture.
#[derive(Debug, Default)]
struct Picture {
    first: Option<u64>,
    last: Option<u64>,
    packets: u64,
}

/// Follows a stream until all packets of its first keyframe have arrived.
#[derive(Debug, Default)]
pub(crate) struct FirstKeyframe {
    pictures: HashMap<u32, Picture>,
    complete: bool,
}

impl FirstKeyframe {
    /// Adds a packet. Returns `true` for the one that completes the first keyframe.
    pub(crate) fn take(
        &mut self,
        number: u64,
        timestamp: u32,
        marker: bool,
        payload: &[u8],
    ) -> bool {
        if self.complete {
            return false;
        }
        let picture = self.pictures.entry(timestamp).or_default();
        picture.packets += 1;
        if parameter_set(payload).is_some() {
            picture.first = Some(number);
        }
        if marker {
            picture.last = Some(number);
        }
        let whole = picture.first.zip(picture.last);
        self.complete = whole.is_some_and(|(first, last)| picture.packets == last - first + 1);
        if self.complete {
            self.pictures.clear();
        }
        self.complete
    }
}

/// The parameter set at the start of a payload, alone or in an aggregate (RFC 6184 5.7.1). Encoders put one
/// before each keyframe.
fn parameter_set(payload: &[u8]) -> Option<&[u8]> {
    let unit = match payload.first()? & TYPE_MASK {
        STAP_A => {
            let length = u16::from_be_bytes([*payload.get(1)?, *payload.get(2)?]);
            payload.get(3..3 + usize::from(length))?
        }
        _ => payload,
    };
    (unit.first()? & TYPE_MASK == SPS).then_some(unit)
}

/// The height in pixels if a payload starts with a parameter set.
pub(crate) fn height_px(payload: &[u8]) -> Option<u32> {
    height_of(&mut Bits::of(&parameter_set(payload)?[1..]))
}

fn height_of(bits: &mut Bits) -> Option<u32> {
    let profile = bits.read(8)?;
    // Constraints and level.
    bits.read(16)?;
    bits.unsigned()?;
    if !PLAIN_PROFILES.contains(&profile) {
        return None;
    }
    // Frame numbers.
    bits.unsigned()?;
    let order_type = bits.unsigned()?;
    match order_type {
        0 => bits.unsigned().map(|_| ())?,
        2 => {}
        _ => return None,
    }
    // Reference frames, gaps allowed.
    bits.unsigned()?;
    bits.read(1)?;
    let _width_in_macroblocks = bits.unsigned()?;
    let rows = bits.unsigned()?.checked_add(1)?;
    let frames_only = bits.read(1)?;
    if frames_only == 0 {
        bits.read(1)?;
    }
    // Direct inference.
    bits.read(1)?;
    let cropped = if bits.read(1)? == 1 {
        bits.unsigned()?;
        bits.unsigned()?;
        bits.unsigned()?.checked_add(bits.unsigned()?)?
    } else {
        0
    };
    let fields = 2 - frames_only;
    (rows * 16 * fields).checked_sub(cropped * 2 * fields)
}

/// Reads the bits of a NAL unit without its emulation prevention bytes.
struct Bits {
    bytes: Vec<u8>,
    at: usize,
}

impl Bits {
    fn of(unit: &[u8]) -> Self {
        let mut bytes: Vec<u8> = Vec::with_capacity(unit.len());
        let mut zeros = 0;
        for byte in unit {
            if zeros >= 2 && *byte == 3 {
                zeros = 0;
                continue;
            }
            zeros = if *byte == 0 { zeros + 1 } else { 0 };
            bytes.push(*byte);
        }
        Self { bytes, at: 0 }
    }

    fn read(&mut self, count: usize) -> Option<u32> {
        let mut value = 0;
        for _ in 0..count {
            let byte = self.bytes.get(self.at / 8)?;
            value = value << 1 | u32::from(byte >> (7 - self.at % 8) & 1);
            self.at += 1;
        }
        Some(value)
    }

    /// Reads an Exp-Golomb code (H.264 9.1).
    fn unsigned(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while self.read(1)? == 0 {
            zeros += 1;
            if zeros > 16 {
                return None;
            }
        }
        Some((1 << zeros) - 1 + self.read(zeros)?)
    }
}
