//! The renditions (one H.264 stream each, shared by all its viewers), and the interface of an encoder.
//! OpenH264 implements it, and hardware encoders do.

#[cfg(test)]
pub(super) mod contract;

use capture::I420;
use thiserror::Error;

/// Names a rendition; also its index in per-rendition tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RenditionId(u8);

impl RenditionId {
    /// How many renditions there can be; per-rendition tables are this long.
    pub const LIMIT: usize = 8;
    /// The rendition that viewers start with.
    pub const MAIN: Self = Self(0);

    /// The rendition number `index`, `None` at [`Self::LIMIT`] and above.
    #[must_use]
    pub fn new(index: usize) -> Option<Self> {
        u8::try_from(index)
            .ok()
            .filter(|_| index < Self::LIMIT)
            .map(Self)
    }

    /// The index in per-rendition tables, less than [`Self::LIMIT`].
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
    /// The largest width in pixels; pictures are scaled down to fit, never enlarged.
    pub width: u32,
    /// The largest height in pixels.
    pub height: u32,
    /// The target of the rate control, in bits a second.
    pub bitrate_bps: u32,
    /// The highest frame rate.
    pub fps: u32,
}

impl Rendition {
    /// 1280x720 at 1.5 Mbit/s: a phone on a busy 2.4 GHz network can still receive it.
    pub const MAIN: Self = Self {
        id: RenditionId::MAIN,
        width: 1280,
        height: 720,
        bitrate_bps: 1_500_000,
        fps: 30,
    };

    /// The name that viewers choose it by: its height, as `720p`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}p", self.height)
    }
}

/// The renditions of a default set-up, largest first: for a good network, for a slow one, and for one
/// that is hardly faster than speech needs.
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

/// Why a picture could not be encoded. The encoder is replaced after it.
#[derive(Debug, Error)]
pub enum EncodeError {
    /// The library did not open.
    #[error("the H.264 encoder did not open for {width}x{height} at {bitrate_bps} bit/s: {reason}")]
    Open {
        /// Picture width in pixels.
        width: u32,
        /// Picture height in pixels.
        height: u32,
        /// The target of the rate control.
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
    /// The picture could not be scaled to the encoder's size.
    #[error("the picture for the H.264 encoder cannot be made: {0}")]
    Scale(String),
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

/// One encoded picture, in the encoder's memory.
#[derive(Debug, Clone, Copy)]
pub struct Encoded<'a> {
    /// Annex B byte stream. Empty: the rate control skipped the picture.
    pub access_unit: &'a [u8],
    /// Whether it is an IDR picture, preceded by its parameter sets.
    pub keyframe: bool,
}

/// Encodes one rendition. Lives on the compose thread.
///
/// An encoder that returns an error or panics is dropped, and [`NewEncoder`] makes another one, with
/// exponential back-off.
///
/// ```
/// use capture::I420;
/// use signaling::Rendition;
/// use signaling::encode::encoder::{EncodeError, Encoder};
/// use signaling::encode::openh264_encoder::OpenH264Encoder;
///
/// let mut encoder = OpenH264Encoder::new(&Rendition::MAIN);
/// let picture = I420::black(320, 180).expect("an even size");
/// let first = encoder.encode(&picture, false, 0)?;
/// assert!(first.keyframe);
/// let second = encoder.encode(&picture, false, 3000)?;
/// assert!(!second.keyframe);
/// # Ok::<(), EncodeError>(())
/// ```
pub trait Encoder: Send {
    /// Encodes the next picture. It is an IDR picture if it is the first one, if its size has changed, or
    /// if `force_keyframe` is set. `ticks` is its RTP time at 90 kHz.
    fn encode(
        &mut self,
        picture: &I420,
        force_keyframe: bool,
        ticks: u32,
    ) -> Result<Encoded<'_>, EncodeError>;

    /// Sets the target of the rate control from the next picture on.
    fn set_bitrate(&mut self, bitrate_bps: u32) -> Result<(), EncodeError>;
}

/// Makes an encoder for a rendition: at the start and after each failure.
pub type NewEncoder = Box<dyn Fn(&Rendition) -> Box<dyn Encoder> + Send>;

/// A hardware encoder that a build knows.
#[derive(Clone, Copy)]
pub(super) struct Candidate {
    pub(super) name: &'static str,
    pub(super) new: fn(&Rendition) -> Box<dyn Encoder>,
}
