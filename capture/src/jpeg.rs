//! JPEG from cameras and to viewers, through the planar interface of libjpeg-turbo, without RGB.
//!
//! JPEG is full range and [`I420`] is limited range; both directions convert the levels.

pub mod orientation;
mod reader;
mod repair;
#[cfg(test)]
mod tests;

use thiserror::Error;
use turbojpeg::{
    Colorspace, Compressor, Image, OutputBuf, PixelFormat, Subsamp, YuvImage, compressed_buf_len,
    yuv_pixels_len,
};

use crate::convert::{self, Chroma, ConvertError, Planar, Plane, Range, Raster};
use crate::picture::{I420, PictureError, PicturePool, PooledPicture};

pub use reader::{JpegReadError, JpegReader, OpenedJpeg};
pub(crate) use repair::{Marker, next_marker};

/// Why a JPEG could not be decoded or encoded. The caller discards the picture and counts it.
#[derive(Debug, Error)]
pub enum JpegError {
    /// Its bytes cannot be read.
    #[error(transparent)]
    Read(#[from] JpegReadError),
    /// The header tells a larger size than is accepted; nothing was allocated.
    #[error("the JPEG claims {width}x{height} pixels; at most {max} pixels in all are accepted",
        max = JpegDecoder::MAX_PIXELS)]
    TooLarge { width: usize, height: usize },
    /// A colour space that no camera sends (CMYK).
    #[error("JPEGs with {0} colours are not supported")]
    Unsupported(String),
    /// A size that no picture has.
    #[error(transparent)]
    Convert(#[from] ConvertError),
    #[error("the picture could not be written as JPEG: {0}")]
    Encode(String),
    /// The library could not start, probably for lack of memory.
    #[error("libjpeg-turbo could not be started: {0}")]
    Library(String),
}

/// Decodes JPEGs of cameras, files and peers to I420. Keeps its buffers from one to the next.
#[derive(Debug)]
pub struct JpegDecoder {
    reader: JpegReader,
    /// A JPEG that is not 4:2:0 of even size is decoded into this first.
    scratch: Vec<u8>,
}

impl JpegDecoder {
    /// The most pixels accepted: 8K with a margin. Bounds the memory that a header can request.
    pub const MAX_PIXELS: usize = 8192 * 4352;

    /// A decoder without buffers.
    pub fn new() -> Result<Self, JpegError> {
        Ok(Self {
            reader: JpegReader::new()?,
            scratch: Vec::new(),
        })
    }

    /// Decodes one JPEG. A missing Huffman table, as usual in Motion JPEG, means the standard one. EXIF
    /// is ignored.
    pub fn decode(&mut self, jpeg: &[u8], pool: &PicturePool) -> Result<PooledPicture, JpegError> {
        let opened = self.open(jpeg)?;
        self.decode_opened(&opened, pool)
    }

    /// Reads the header; an error when the size exceeds that of an [`I420`].
    pub(crate) fn open<'a>(&mut self, jpeg: &'a [u8]) -> Result<OpenedJpeg<'a>, JpegError> {
        let opened = self.reader.open(jpeg)?;
        let (width, height) = (opened.header.width, opened.header.height);
        let max_side = I420::MAX_SIDE_PX as usize;
        if width > max_side || height > max_side || width * height > Self::MAX_PIXELS {
            return Err(JpegError::TooLarge { width, height });
        }
        Ok(opened)
    }

    pub(crate) fn decode_opened(
        &mut self,
        jpeg: &OpenedJpeg<'_>,
        pool: &PicturePool,
    ) -> Result<PooledPicture, JpegError> {
        let header = &jpeg.header;
        let (width, height) = (header.width, header.height);
        if width < 2 || height < 2 {
            let (width, height) = (width as u32, height as u32);
            return Err(ConvertError::TooSmall { width, height }.into());
        }
        match (header.colorspace, chroma_of(header.subsamp)) {
            (Colorspace::YCbCr | Colorspace::Gray, Some(Chroma::Cs420))
                if width % 2 == 0 && height % 2 == 0 =>
            {
                self.directly(jpeg, pool)
            }
            (Colorspace::YCbCr | Colorspace::Gray, Some(chroma)) => {
                self.through_planes(jpeg, chroma, pool)
            }
            (Colorspace::RGB | Colorspace::YCbCr, _) => self.through_bgr(jpeg, pool),
            (other, _) => Err(JpegError::Unsupported(format!("{other:?}"))),
        }
    }

    /// Decodes to RGB, 3 bytes per pixel, also with odd sides and from CMYK.
    pub(crate) fn rgb(&mut self, jpeg: &OpenedJpeg<'_>) -> Result<Vec<u8>, JpegError> {
        Ok(self.reader.rgb(jpeg)?)
    }

    /// 4:2:0 of even size has the layout of [`I420`] already.
    fn directly(
        &mut self,
        jpeg: &OpenedJpeg<'_>,
        pool: &PicturePool,
    ) -> Result<PooledPicture, JpegError> {
        let header = &jpeg.header;
        let (width, height, subsamp) = (header.width, header.height, header.subsamp);
        let mut picture = pool.take(width as u32, height as u32).map_err(size)?;
        let target = YuvImage {
            pixels: picture.data_mut(),
            width,
            align: 1,
            height,
            subsamp,
        };
        self.reader.planes(jpeg, target)?;
        convert::squeeze(&mut picture);
        Ok(picture)
    }

    fn through_planes(
        &mut self,
        jpeg: &OpenedJpeg<'_>,
        chroma: Chroma,
        pool: &PicturePool,
    ) -> Result<PooledPicture, JpegError> {
        let header = &jpeg.header;
        let (width, height, subsamp) = (header.width, header.height, header.subsamp);
        let len = yuv_pixels_len(width, 1, height, subsamp)
            .map_err(|error| JpegReadError::Damaged(error.to_string()))?;
        self.scratch.resize(len.max(self.scratch.len()), 0);
        let pixels = &mut self.scratch[..len];
        let target = YuvImage {
            pixels: &mut *pixels,
            width,
            align: 1,
            height,
            subsamp,
        };
        self.reader.planes(jpeg, target)?;
        // For odd sizes, libjpeg-turbo pads luma so that each chroma sample has all its pixels.
        let (step_x, step_y) = subsamp.size();
        let y_stride = width.next_multiple_of(step_x);
        let y_len = y_stride * height.next_multiple_of(step_y);
        let c_stride = y_stride / step_x;
        let (y, rest) = pixels.split_at(y_len);
        let (u, v) = rest.split_at(rest.len() / 2);
        let plane = |data, stride| Plane { data, stride };
        let planes = Planar {
            width: width as u32,
            height: height as u32,
            chroma,
            range: Range::Full,
            y: plane(y, y_stride),
            u: plane(u, c_stride),
            v: plane(v, c_stride),
        };
        Ok(convert::planar(&planes, pool)?)
    }

    /// For rare kinds: RGB inside, 4:1:1, odd sampling factors.
    fn through_bgr(
        &mut self,
        jpeg: &OpenedJpeg<'_>,
        pool: &PicturePool,
    ) -> Result<PooledPicture, JpegError> {
        let (width, height) = (jpeg.header.width, jpeg.header.height);
        let stride = width * 3;
        let len = stride * height;
        self.scratch.resize(len.max(self.scratch.len()), 0);
        let pixels = &mut self.scratch[..len];
        let format = PixelFormat::BGR;
        let target = Image {
            pixels: &mut *pixels,
            width,
            pitch: stride,
            height,
            format,
        };
        self.reader.pixels(jpeg, target)?;
        let (width, height) = (width as u32, height as u32);
        let raster = Raster {
            data: pixels,
            width,
            height,
            stride,
        };
        Ok(convert::bgr24(&raster, pool)?)
    }
}

fn chroma_of(subsamp: Subsamp) -> Option<Chroma> {
    match subsamp {
        Subsamp::None => Some(Chroma::Cs444),
        Subsamp::Sub2x1 => Some(Chroma::Cs422),
        Subsamp::Sub2x2 => Some(Chroma::Cs420),
        Subsamp::Sub1x2 => Some(Chroma::Cs440),
        Subsamp::Gray => Some(Chroma::Mono),
        _ => None,
    }
}

fn size(error: PictureError) -> JpegError {
    JpegError::Convert(error.into())
}

/// Encodes 4:2:0 baseline JPEG. Keeps its buffers from one picture to the next.
///
/// ```
/// let picture = capture::I420::black(64, 48).unwrap();
/// let jpeg = capture::jpeg::JpegEncoder::new().unwrap().encode(&picture, 80).unwrap();
/// assert!(jpeg.starts_with(&[0xff, 0xd8]));
/// ```
#[derive(Debug)]
pub struct JpegEncoder {
    compressor: Compressor,
    /// The present picture in full range.
    full: Vec<u8>,
    /// Large enough for the largest JPEG of this size; only the written part is returned.
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

    /// Encodes a picture. `quality` is clamped to 1..=100.
    pub fn encode(&mut self, picture: &I420, quality: u8) -> Result<Vec<u8>, JpegError> {
        let name = |error: turbojpeg::Error| JpegError::Encode(error.to_string());
        let (width, height) = (picture.width() as usize, picture.height() as usize);
        convert::widen(picture, &mut self.full);
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
