//! What is encoded: one H.264 stream per rendition, shared by all who watch it; and what an encoder is
//! to the compose thread. OpenH264 stands behind it; a GPU's can later.

use capture::I420;
use thiserror::Error;

/// Names a rendition; also its index in per-rendition tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RenditionId(u8);

impl RenditionId {
    /// How many renditions there can be; per-rendition tables are this long.
    pub const LIMIT: usize = 8;
    /// The rendition everybody starts with.
    pub const MAIN: Self = Self(0);

    /// The rendition number `index`, `None` at [`Self::LIMIT`] and above.
    #[must_use]
    pub fn new(index: usize) -> Option<Self> {
        u8::try_from(index)
            .ok()
            .filter(|_| index < Self::LIMIT)
            .map(Self)
    }

    /// The place in per-rendition tables, less than [`Self::LIMIT`].
    #[must_use]
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// Size, rate and bitrate of one encoded stream.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rendition {
    /// Its name.
    pub id: RenditionId,
    /// The box pictures are fitted into, never enlarged: width in pixels.
    pub width: u32,
    /// The box pictures are fitted into, never enlarged: height in pixels.
    pub height: u32,
    /// What the rate control aims at.
    pub bitrate_bps: u32,
    /// The most frames a second the rate control plans for.
    pub fps: u32,
}

impl Rendition {
    /// 1280x720 at 1.5 Mbit/s: what a phone on a crowded 2.4 GHz network still takes.
    pub const MAIN: Self = Self {
        id: RenditionId::MAIN,
        width: 1280,
        height: 720,
        bitrate_bps: 1_500_000,
        fps: 30,
    };

    /// What viewers call it: its height, as `720p`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}p", self.height)
    }
}

/// The renditions of a default set-up, largest first: a good network, a poor one, and one that
/// carries hardly more than speech.
#[must_use]
pub fn default_renditions() -> Vec<Rendition> {
    let smaller = |index, width, height, bitrate_bps, fps| Rendition {
        id: RenditionId(index),
        width,
        height,
        bitrate_bps,
        fps,
    };
    vec![
        Rendition::MAIN,
        smaller(1, 640, 360, 600_000, 30),
        smaller(2, 320, 180, 200_000, 15),
    ]
}

/// Why a picture could not be encoded. The encoder is thrown away after it.
#[derive(Debug, Error)]
pub enum EncodeError {
    /// The library refused to open.
    #[error("the H.264 encoder did not open for {width}x{height} at {bitrate_bps} bit/s: {reason}")]
    Open {
        /// Picture width in pixels.
        width: u32,
        /// Picture height in pixels.
        height: u32,
        /// What the rate control was to aim at.
        bitrate_bps: u32,
        /// The library's own words.
        reason: String,
    },
    /// The library failed on a picture.
    #[error("the H.264 encoder failed on a {width}x{height} picture: {reason}")]
    Encode {
        /// Picture width in pixels.
        width: u32,
        /// Picture height in pixels.
        height: u32,
        /// The library's own words.
        reason: String,
    },
    /// A setting was refused while running.
    #[error("the H.264 encoder refused {setting}: {code}")]
    Setting {
        /// Which one, with its value.
        setting: String,
        /// The library's return code.
        code: i32,
    },
    /// The library panicked.
    #[error("the H.264 encoder panicked")]
    Panicked,
}

/// One encoded picture, in the encoder's own memory.
#[derive(Debug, Clone, Copy)]
pub struct Encoded<'a> {
    /// Annex B byte stream. Empty when the rate control left the picture out.
    pub access_unit: &'a [u8],
    /// An IDR picture with its parameter sets in front.
    pub keyframe: bool,
}

/// Encodes one rendition.
pub trait Encoder: Send {
    /// Encodes the next picture, an IDR when `force_keyframe` is set, after a change of size, and
    /// first of all. `ticks` is its RTP time at 90 kHz.
    fn encode(
        &mut self,
        picture: &I420,
        force_keyframe: bool,
        ticks: u32,
    ) -> Result<Encoded<'_>, EncodeError>;

    /// What the rate control aims at from the next picture on.
    fn set_bitrate(&mut self, bitrate_bps: u32) -> Result<(), EncodeError>;
}

/// Makes a fresh encoder for a rendition: at start and after each failure.
pub type NewEncoder = Box<dyn Fn(&Rendition) -> Box<dyn Encoder> + Send>;
