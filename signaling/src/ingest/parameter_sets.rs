//! Parses H.264 sequence parameter sets (H.264 7.3.2.1.1, E.1.1) as far as picture size and colour range, which
//! must be checked before the decoder allocates memory. Pure; the input is untrusted.

/// Maximum macroblocks of 16x16 pixels per picture: 1920x1088 in landscape or portrait.
const MACROBLOCKS_MAX: u32 = 120 * 68;
/// Maximum macroblocks per side.
const SIDE_MACROBLOCKS_MAX: u32 = 120;
/// Maximum size; a parameter set has some 20 bytes, with scaling lists a few hundred.
const BYTES_MAX: usize = 1024;

/// Why a stream is not supported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum UnsupportedError {
    /// Truncated, or a field is out of range.
    #[error("the sequence parameter set is broken")]
    Broken,
    /// The picture is too large.
    #[error("pictures of {width}x{height} pixels are too large: at most 1920x1088, or upright")]
    TooLarge {
        /// In pixels, before cropping.
        width: u32,
        /// In pixels, before cropping.
        height: u32,
    },
    /// Not 8 bit 4:2:0, or interlaced.
    #[error("only progressive 8 bit 4:2:0 pictures are decoded")]
    Format,
}

/// The fields in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SequenceParameters {
    /// In pixels, before cropping.
    pub(crate) width: u32,
    /// In pixels, before cropping.
    pub(crate) height: u32,
    /// Whether luma uses 0 to 255, as some phones do.
    pub(crate) full_range: bool,
}

impl SequenceParameters {
    /// Parses a NAL unit of type 7, starting with its header byte.
    pub(crate) fn parse(nal: &[u8]) -> Result<Self, UnsupportedError> {
        if nal.len() > BYTES_MAX {
            return Err(UnsupportedError::Broken);
        }
        let payload = without_emulation(nal.get(1..).unwrap_or_default());
        let mut bits = Bits::new(&payload);
        sequence(&mut bits)
    }
}

fn sequence(bits: &mut Bits<'_>) -> Result<SequenceParameters, UnsupportedError> {
    let profile = bits.take(8)?;
    bits.take(16)?; // constraints, level
    bits.ue()?; // id
    if [100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135].contains(&profile) {
        high_profile(bits)?;
    }
    bits.ue()?; // log2_max_frame_num
    picture_order(bits)?;
    let references = bits.ue()?;
    bits.take(1)?; // gaps allowed
    let width = bits.ue()?.saturating_add(1);
    let height = bits.ue()?.saturating_add(1);
    if bits.take(1)? == 0 {
        return Err(UnsupportedError::Format);
    }
    let sides = width.max(height) <= SIDE_MACROBLOCKS_MAX;
    if !sides || width * height > MACROBLOCKS_MAX {
        return Err(UnsupportedError::TooLarge {
            width: width.saturating_mul(16),
            height: height.saturating_mul(16),
        });
    }
    if references > 16 {
        return Err(UnsupportedError::Broken);
    }
    bits.take(1)?; // direct_8x8_inference
    if bits.take(1)? == 1 {
        (0..4).try_for_each(|_| bits.ue().map(drop))?; // cropping
    }
    let full_range = bits.take(1)? == 1 && full_range(bits)?;
    Ok(SequenceParameters {
        width: width * 16,
        height: height * 16,
        full_range,
    })
}

fn high_profile(bits: &mut Bits<'_>) -> Result<(), UnsupportedError> {
    let (chroma, luma_depth, chroma_depth) = (bits.ue()?, bits.ue()?, bits.ue()?);
    if (chroma, luma_depth, chroma_depth) != (1, 0, 0) {
        return Err(UnsupportedError::Format);
    }
    bits.take(1)?; // lossless transform bypass
    if bits.take(1)? == 1 {
        for list in 0..8 {
            if bits.take(1)? == 1 {
                scaling_list(bits, if list < 6 { 16 } else { 64 })?;
            }
        }
    }
    Ok(())
}

fn scaling_list(bits: &mut Bits<'_>, size: usize) -> Result<(), UnsupportedError> {
    let (mut last, mut next) = (8_i64, 8_i64);
    for _ in 0..size {
        if next != 0 {
            next = (last + bits.se()?).rem_euclid(256);
        }
        last = if next == 0 { last } else { next };
    }
    Ok(())
}

fn picture_order(bits: &mut Bits<'_>) -> Result<(), UnsupportedError> {
    match bits.ue()? {
        0 => bits.ue().map(drop),
        1 => {
            bits.take(1)?;
            bits.se()?;
            bits.se()?;
            let cycle = bits.ue()?;
            if cycle > 255 {
                return Err(UnsupportedError::Broken);
            }
            (0..cycle).try_for_each(|_| bits.se().map(drop))
        }
        2 => Ok(()),
        _ => Err(UnsupportedError::Broken),
    }
}

/// Parses the video usability information (VUI) as far as the colour range.
fn full_range(bits: &mut Bits<'_>) -> Result<bool, UnsupportedError> {
    const EXTENDED_ASPECT: u32 = 255;
    if bits.take(1)? == 1 && bits.take(8)? == EXTENDED_ASPECT {
        bits.take(32)?;
    }
    if bits.take(1)? == 1 {
        bits.take(1)?; // overscan
    }
    if bits.take(1)? == 0 {
        return Ok(false);
    }
    bits.take(3)?; // video format
    Ok(bits.take(1)? == 1)
}

/// Removes emulation prevention bytes (H.264 7.4.1).
fn without_emulation(nal: &[u8]) -> Vec<u8> {
    let (mut out, mut zeros) = (Vec::with_capacity(nal.len()), 0);
    for byte in nal {
        if zeros >= 2 && *byte == 3 {
            zeros = 0;
            continue;
        }
        zeros = if *byte == 0 { zeros + 1 } else { 0 };
        out.push(*byte);
    }
    out
}

struct Bits<'a> {
    bytes: &'a [u8],
    /// Number of bits read.
    at: usize,
}

impl<'a> Bits<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Reads up to 32 bits.
    fn take(&mut self, count: u32) -> Result<u32, UnsupportedError> {
        let mut value = 0_u32;
        for _ in 0..count {
            let byte = self
                .bytes
                .get(self.at / 8)
                .ok_or(UnsupportedError::Broken)?;
            let bit = (byte >> (7 - self.at % 8)) & 1;
            value = (value << 1) | u32::from(bit);
            self.at += 1;
        }
        Ok(value)
    }

    /// Reads an unsigned exponential Golomb code (H.264 9.1).
    fn ue(&mut self) -> Result<u32, UnsupportedError> {
        let mut zeros = 0;
        while self.take(1)? == 0 {
            zeros += 1;
            if zeros > 31 {
                return Err(UnsupportedError::Broken);
            }
        }
        let rest = self.take(zeros)?;
        Ok(((1_u64 << zeros) - 1) as u32 + rest)
    }

    /// Reads a signed exponential Golomb code.
    fn se(&mut self) -> Result<i64, UnsupportedError> {
        let code = i64::from(self.ue()?);
        Ok(if code % 2 == 0 {
            -code / 2
        } else {
            (code + 1) / 2
        })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Writes bits for tests.
    #[derive(Default)]
    struct Writer {
        bits: Vec<bool>,
    }

    impl Writer {
        fn put(&mut self, value: u32, count: u32) -> &mut Self {
            self.bits
                .extend((0..count).rev().map(|bit| (value >> bit) & 1 == 1));
            self
        }

        fn ue(&mut self, value: u32) -> &mut Self {
            let length = (value + 1).ilog2();
            self.put(0, length).put(value + 1, length + 1)
        }

        fn nal(&self) -> Vec<u8> {
            let bytes = self.bits.chunks(8).map(|chunk| {
                let padded = chunk.iter().chain(std::iter::repeat(&false)).take(8);
                padded.fold(0_u8, |byte, bit| (byte << 1) | u8::from(*bit))
            });
            let mut nal = vec![0x67];
            let mut zeros = 0;
            for byte in bytes {
                if zeros >= 2 && byte <= 3 {
                    nal.push(3);
                    zeros = 0;
                }
                zeros = if byte == 0 { zeros + 1 } else { 0 };
                nal.push(byte);
            }
            nal
        }
    }

    /// A parameter set for pictures of 1280x720.
    pub(in crate::ingest) fn parameters() -> Vec<u8> {
        set(66, 80, 45, false)
    }

    /// A parameter set with the given profile and size in macroblocks; `full`: the colour range.
    fn set(profile: u32, width: u32, height: u32, full: bool) -> Vec<u8> {
        let mut bits = Writer::default();
        bits.put(profile, 8).put(0, 8).put(31, 8).ue(0);
        if profile == 100 {
            bits.ue(1).ue(0).ue(0).put(0, 2);
        }
        bits.ue(0).ue(0).ue(0).ue(1).put(0, 1);
        bits.ue(width - 1).ue(height - 1).put(1, 1).put(1, 1);
        bits.put(1, 1).ue(0).ue(0).ue(0).ue(4);
        bits.put(3, 2).put(255, 8).put(1, 16).put(1, 16).put(0, 1);
        bits.put(1, 1).put(5, 3).put(u32::from(full), 1).put(0, 24);
        bits.nal()
    }

    #[test]
    fn size_and_range_are_parsed_in_every_profile() {
        for (profile, full) in [(66, false), (77, true), (100, true)] {
            let read = SequenceParameters::parse(&set(profile, 80, 45, full)).expect("valid");
            assert_eq!(
                (read.width, read.height, read.full_range),
                (1280, 720, full)
            );
        }
        let upright =
            SequenceParameters::parse(&set(66, 68, 120, false)).expect("a phone held upright");
        assert_eq!((upright.width, upright.height), (1088, 1920));
    }

    #[test]
    fn large_and_unsupported_formats_are_rejected() {
        let refused = |nal: &[u8]| SequenceParameters::parse(nal).expect_err("unsupported");
        let large = UnsupportedError::TooLarge {
            width: 3840,
            height: 2160,
        };
        assert_eq!(refused(&set(66, 240, 135, false)), large);
        for (width, height) in [(121, 1), (120, 69)] {
            let error = refused(&set(66, width, height, false));
            assert!(matches!(error, UnsupportedError::TooLarge { .. }));
        }
        let mut ten_bit = Writer::default();
        ten_bit.put(110, 8).put(0, 16).ue(0).ue(1).ue(2).ue(2);
        ten_bit.put(0, 32);
        assert_eq!(refused(&ten_bit.nal()), UnsupportedError::Format);
    }

    #[test]
    fn malformed_input_does_not_panic() {
        let valid = set(100, 80, 45, true);
        for length in 0..valid.len() {
            let _ = SequenceParameters::parse(&valid[..length]);
            for value in [0, 1, 0x7f, 0xff] {
                let mut broken = valid.clone();
                broken[length] = value;
                let _ = SequenceParameters::parse(&broken);
            }
        }
        for malformed in [&[][..], &[0x67; 2000], &[0; 100]] {
            let parsed = SequenceParameters::parse(malformed);
            assert_eq!(parsed, Err(UnsupportedError::Broken));
        }
    }
}
