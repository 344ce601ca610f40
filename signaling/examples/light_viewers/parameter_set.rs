//! Parses the picture height from the sequence parameter set before a keyframe (H.264 7.3.2.1.1). Pure.

const TYPE_MASK: u8 = 0x1f;
const STAP_A: u8 = 24;
const SPS: u8 = 7;
/// Profiles whose parameter sets have no chroma format: baseline, main, extended.
const PLAIN_PROFILES: [u32; 3] = [66, 77, 88];

/// The height in pixels if a payload starts with a parameter set, alone or in an aggregate (RFC 6184 5.7.1).
pub(crate) fn height_px(payload: &[u8]) -> Option<u32> {
    let unit = match payload.first()? & TYPE_MASK {
        SPS => payload,
        STAP_A => {
            let length = u16::from_be_bytes([*payload.get(1)?, *payload.get(2)?]);
            payload.get(3..3 + usize::from(length))?
        }
        _ => return None,
    };
    if unit.first()? & TYPE_MASK != SPS {
        return None;
    }
    height_of(&mut Bits::of(&unit[1..]))
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
