//! JPEG to I420.

use turbojpeg::{
    Colorspace, DecompressHeader, Decompressor, Image, PixelFormat, Subsamp, YuvImage,
    yuv_pixels_len,
};

use super::JpegError;
use crate::convert::{self, Chroma, ConvertError, Planar, Plane, Range, Raster, range};
use crate::picture::{I420, PictureError};
use crate::pool::{PicturePool, PooledPicture};

/// Reads any JPEG a camera, a file or a peer may send. Keeps its buffers from one to the next.
#[derive(Debug)]
pub struct JpegDecoder {
    decompressor: Decompressor,
    /// What is not 4:2:0 of even size is decoded here first.
    scratch: Vec<u8>,
}

impl JpegDecoder {
    /// The most pixels accepted: 8K with a margin. Bounds what a header can make us allocate.
    pub const MAX_PIXELS: usize = 8192 * 4352;

    /// Progressive scans accepted. A usual file has ten; a hostile one spends a second on each of
    /// thousands (libjpeg-turbo, "Two Issues with the JPEG Standard").
    const MAX_SCANS: u32 = 64;

    /// A decoder without buffers.
    pub fn new() -> Result<Self, JpegError> {
        Ok(Self {
            decompressor: Self::fresh()?,
            scratch: Vec::new(),
        })
    }

    fn fresh() -> Result<Decompressor, JpegError> {
        let library = |error: turbojpeg::Error| JpegError::Library(error.to_string());
        let mut decompressor = Decompressor::new().map_err(library)?;
        decompressor
            .set_scan_limit(Self::MAX_SCANS)
            .map_err(library)?;
        Ok(decompressor)
    }

    /// Decodes one JPEG. A Huffman table that is missing, as usual in Motion JPEG, is the standard
    /// one. EXIF is not looked at.
    pub fn decode(&mut self, jpeg: &[u8], pool: &PicturePool) -> Result<PooledPicture, JpegError> {
        let decoded = self.decode_once(jpeg, pool);
        if decoded.is_err() {
            // After some errors libjpeg-turbo stays in the middle of the broken picture and finds
            // every later one broken too ("two SOI markers").
            self.decompressor = Self::fresh()?;
        }
        decoded
    }

    fn decode_once(&mut self, jpeg: &[u8], pool: &PicturePool) -> Result<PooledPicture, JpegError> {
        let header = self.header(jpeg)?;
        let (width, height) = (header.width, header.height);
        match (header.colorspace, chroma_of(header.subsamp)) {
            (Colorspace::YCbCr | Colorspace::Gray, Some(Chroma::Cs420))
                if width % 2 == 0 && height % 2 == 0 =>
            {
                self.directly(jpeg, &header, pool)
            }
            (Colorspace::YCbCr | Colorspace::Gray, Some(chroma)) => {
                self.through_planes(jpeg, &header, chroma, pool)
            }
            (Colorspace::RGB | Colorspace::YCbCr, _) => self.through_bgr(jpeg, &header, pool),
            (other, _) => Err(JpegError::Unsupported(format!("{other:?}"))),
        }
    }

    /// Size and kind, refused when no picture of ours could hold it.
    fn header(&mut self, jpeg: &[u8]) -> Result<DecompressHeader, JpegError> {
        if !jpeg.starts_with(&[0xff, 0xd8]) {
            let detail = match jpeg {
                [] => "it is empty".to_owned(),
                [..] => format!("it begins with {:02x?}", &jpeg[..jpeg.len().min(4)]),
            };
            return Err(JpegError::NotJpeg(detail));
        }
        let header = match self.decompressor.read_header(jpeg) {
            Ok(header) => header,
            Err(error) => return Err(named(&error, jpeg)),
        };
        let (width, height) = (header.width, header.height);
        let max_side = I420::MAX_SIDE_PX as usize;
        if width > max_side || height > max_side || width * height > Self::MAX_PIXELS {
            return Err(JpegError::TooLarge { width, height });
        }
        if width < 2 || height < 2 {
            let (width, height) = (width as u32, height as u32);
            return Err(ConvertError::TooSmall { width, height }.into());
        }
        Ok(header)
    }

    /// 4:2:0 of even size has the very layout of [`I420`].
    fn directly(
        &mut self,
        jpeg: &[u8],
        header: &DecompressHeader,
        pool: &PicturePool,
    ) -> Result<PooledPicture, JpegError> {
        let mut picture = pool
            .take(header.width as u32, header.height as u32)
            .map_err(size)?;
        let subsamp = header.subsamp;
        let (width, height) = (header.width, header.height);
        let target = YuvImage {
            pixels: picture.data_mut(),
            width,
            align: 1,
            height,
            subsamp,
        };
        forgiven(self.decompressor.decompress_to_yuv(jpeg, target), jpeg)?;
        range::squeeze(&mut picture);
        Ok(picture)
    }

    fn through_planes(
        &mut self,
        jpeg: &[u8],
        header: &DecompressHeader,
        chroma: Chroma,
        pool: &PicturePool,
    ) -> Result<PooledPicture, JpegError> {
        let (width, height, subsamp) = (header.width, header.height, header.subsamp);
        let len = yuv_pixels_len(width, 1, height, subsamp)
            .map_err(|error| JpegError::Damaged(error.to_string()))?;
        self.scratch.resize(len.max(self.scratch.len()), 0);
        let pixels = &mut self.scratch[..len];
        let target = YuvImage {
            pixels: &mut *pixels,
            width,
            align: 1,
            height,
            subsamp,
        };
        forgiven(self.decompressor.decompress_to_yuv(jpeg, target), jpeg)?;
        // Odd sizes: libjpeg-turbo pads luma so that each chroma sample has all its pixels.
        let (step_x, step_y) = subsamp.size();
        let y_stride = width.next_multiple_of(step_x);
        let y_len = y_stride * height.next_multiple_of(step_y);
        let c_stride = y_stride / step_x;
        let (y, rest) = pixels.split_at(y_len);
        let (u, v) = rest.split_at(rest.len() / 2);
        let planes = Planar {
            width: width as u32,
            height: height as u32,
            chroma,
            range: Range::Full,
            y: Plane {
                data: y,
                stride: y_stride,
            },
            u: Plane {
                data: u,
                stride: c_stride,
            },
            v: Plane {
                data: v,
                stride: c_stride,
            },
        };
        Ok(convert::planar(&planes, pool)?)
    }

    /// Rare kinds: RGB inside, 4:1:1, odd sampling factors.
    fn through_bgr(
        &mut self,
        jpeg: &[u8],
        header: &DecompressHeader,
        pool: &PicturePool,
    ) -> Result<PooledPicture, JpegError> {
        let (width, height, stride) = (header.width, header.height, header.width * 3);
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
        forgiven(self.decompressor.decompress(jpeg, target), jpeg)?;
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

/// Many webcams leave a few stray bytes between scan and end marker in every frame; the picture is
/// whole all the same. Every other complaint of the decoder means that pixels are missing.
fn forgiven(result: turbojpeg::Result<()>, jpeg: &[u8]) -> Result<(), JpegError> {
    match result {
        Ok(()) => Ok(()),
        Err(error) if error.to_string().contains("extraneous bytes before marker") => Ok(()),
        Err(error) => Err(named(&error, jpeg)),
    }
}

/// The library's words, sorted into ours. It gives text only.
fn named(error: &turbojpeg::Error, jpeg: &[u8]) -> JpegError {
    let detail = error.to_string();
    let lower = detail.to_lowercase();
    if lower.contains("premature end") || lower.contains("no image") {
        return JpegError::Truncated {
            bytes: jpeg.len(),
            detail,
        };
    }
    JpegError::Damaged(detail)
}
