//! I420 to JPEG.

use turbojpeg::{Compressor, OutputBuf, Subsamp, YuvImage, compressed_buf_len};

use super::{JpegError, JpegReadError};
use crate::convert::range;
use crate::picture::I420;

/// Writes 4:2:0 baseline JPEG. Keeps its buffers from one picture to the next.
#[derive(Debug)]
pub struct JpegEncoder {
    compressor: Compressor,
    /// The picture in full range.
    full: Vec<u8>,
    /// Room for the largest JPEG this size can give; only the part written is copied out.
    written: Vec<u8>,
}

impl JpegEncoder {
    /// An encoder without buffers; the first picture makes them.
    pub fn new() -> Result<Self, JpegError> {
        let compressor =
            Compressor::new().map_err(|error| JpegReadError::Library(error.to_string()))?;
        Ok(Self {
            compressor,
            full: Vec::new(),
            written: Vec::new(),
        })
    }

    /// The picture as JPEG. `quality` is 1 (least) to 100 and clamped to that.
    pub fn encode(&mut self, picture: &I420, quality: u8) -> Result<Vec<u8>, JpegError> {
        let name = |error: turbojpeg::Error| JpegError::Encode(error.to_string());
        let (width, height) = (picture.width() as usize, picture.height() as usize);
        range::widen(picture, &mut self.full);
        let subsamp = Subsamp::Sub2x2;
        let most = compressed_buf_len(width, height, subsamp).map_err(name)?;
        if self.written.len() < most {
            self.written.resize(most, 0);
        }
        self.compressor
            .set_quality(i32::from(quality.clamp(1, 100)))
            .map_err(name)?;
        let image = YuvImage {
            pixels: &self.full[..],
            width,
            align: 1,
            height,
            subsamp,
        };
        let mut output = OutputBuf::borrowed(&mut self.written);
        self.compressor
            .compress_yuv(image, &mut output)
            .map_err(name)?;
        Ok(output.to_vec())
    }
}
