//! OpenH264's decoder: access units to pooled I420 pictures.

use capture::convert::{Chroma, ConvertError, Planar, Plane, Range, planar};
use capture::{PicturePool, PooledPicture};
use openh264::OpenH264API;
use openh264::decoder::{Decoder, DecoderConfig};
use openh264::formats::YUVSource;

/// Pictures in flight: one decoded, one on the air, one or two held by slow readers.
const IDLE_PICTURES: usize = 4;

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DecodeError {
    /// The library does not start.
    #[error("the H.264 decoder does not start: {0}")]
    Open(#[source] openh264::Error),
    /// What came is no H.264 that it can decode, or pictures it builds upon are missing.
    #[error("the H.264 decoder refuses an access unit: {0}")]
    Refused(#[source] openh264::Error),
    /// What it made is no picture of ours.
    #[error(transparent)]
    Picture(#[from] ConvertError),
}

/// A decoder of one stream.
pub(crate) struct H264Decoder {
    library: Option<Decoder>,
    pool: PicturePool,
    range: Range,
}

impl H264Decoder {
    pub(crate) fn new() -> Self {
        Self {
            library: None,
            pool: PicturePool::new(IDLE_PICTURES),
            range: Range::Limited,
        }
    }

    /// Decodes one access unit. `full_range`: what its parameters say, if it has any. After an error
    /// the next unit should be a keyframe: a library that failed once starts anew.
    pub(crate) fn decode(
        &mut self,
        unit: &[u8],
        full_range: Option<bool>,
    ) -> Result<Option<PooledPicture>, DecodeError> {
        match full_range {
            Some(true) => self.range = Range::Full,
            Some(false) => self.range = Range::Limited,
            None => {}
        }
        let decoded = self.decoded(unit);
        if decoded.is_err() {
            self.library = None;
        }
        decoded
    }

    fn decoded(&mut self, unit: &[u8]) -> Result<Option<PooledPicture>, DecodeError> {
        let library = match &mut self.library {
            Some(library) => library,
            // Without concealment: a picture patched from others looks right and is wrong.
            None => self.library.insert(
                Decoder::with_api_config(OpenH264API::from_source(), DecoderConfig::new())
                    .map_err(DecodeError::Open)?,
            ),
        };
        let Some(picture) = library.decode(unit).map_err(DecodeError::Refused)? else {
            return Ok(None);
        };
        let (width, height) = picture.dimensions();
        let (y, u, v) = picture.strides();
        let side = |pixels: usize| u32::try_from(pixels).unwrap_or(u32::MAX);
        let plane = |data, stride| Plane { data, stride };
        let picture = Planar {
            width: side(width),
            height: side(height),
            chroma: Chroma::Cs420,
            range: self.range,
            y: plane(picture.y(), y),
            u: plane(picture.u(), u),
            v: plane(picture.v(), v),
        };
        Ok(Some(planar(&picture, &self.pool)?))
    }
}
