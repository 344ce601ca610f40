//! What an H.264 encoder is to the compose thread. OpenH264 stands behind it; a GPU's can later.

use capture::I420;
use thiserror::Error;

use crate::rendition::Rendition;

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
