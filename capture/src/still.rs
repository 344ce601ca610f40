//! Still pictures from files: JPEG, PNG and WebP, the right way up.

mod stored;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::{Path, PathBuf};

use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};
use thiserror::Error;

use crate::convert::{self, ConvertError, Raster, Turn};
use crate::jpeg::{JpegDecoder, JpegError};
use crate::picture::{I420, PictureError};
use crate::pool::{PicturePool, PooledPicture};

/// Why a still picture could not be loaded.
#[derive(Debug, Error)]
pub enum StillError {
    /// The file cannot be read.
    #[error("{}: cannot be read: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// More bytes than any sensible picture has.
    #[error("the file is larger than {} MiB", StillLoader::MAX_BYTES >> 20)]
    TooManyBytes,
    /// Neither JPEG nor PNG nor WebP.
    #[error(
        "not a JPEG, PNG or WebP picture (it begins with {0:02x?}); convert it to one of these"
    )]
    Unknown(Vec<u8>),
    /// A JPEG that cannot be read.
    #[error(transparent)]
    Jpeg(#[from] JpegError),
    /// Another picture that cannot be read: damaged, or too many pixels.
    #[error("the picture cannot be decoded: {0}")]
    Decode(#[from] image::ImageError),
    /// A size that no picture has.
    #[error(transparent)]
    Convert(#[from] ConvertError),
}

/// A still picture.
#[derive(Debug)]
pub struct Still {
    /// The pixels. An odd side has its last column or row twice, since I420 has even sides only.
    pub pixels: PooledPicture,
    /// The picture's own width in pixels, at most one less than that of `pixels`.
    pub width: u32,
    /// The picture's own height in pixels, at most one less than that of `pixels`.
    pub height: u32,
    /// What EXIF asked for, and was done.
    orientation: Orientation,
}

/// Loads still pictures. Keeps its decoder and pictures from one to the next.
#[derive(Debug)]
pub struct StillLoader {
    jpeg: JpegDecoder,
    pool: PicturePool,
}

impl StillLoader {
    /// The largest file read.
    pub const MAX_BYTES: u64 = 64 << 20;

    /// The most memory a decoder may take: a picture of the largest size with alpha, twice.
    const MAX_DECODER_BYTES: u64 = 8 * JpegDecoder::MAX_PIXELS as u64;

    /// A loader without buffers.
    pub fn new() -> Result<Self, StillError> {
        Ok(Self {
            jpeg: JpegDecoder::new()?,
            pool: PicturePool::new(2),
        })
    }

    /// Loads the file at `path`. Its kind is seen from its content, not from its name.
    pub fn load(&mut self, path: &Path) -> Result<Still, StillError> {
        let named = |source| StillError::Read {
            path: path.to_owned(),
            source,
        };
        let mut bytes = Vec::new();
        // Bounded while reading too: a pipe or a device tells no size.
        let file = File::open(path).map_err(named)?;
        file.take(Self::MAX_BYTES + 1)
            .read_to_end(&mut bytes)
            .map_err(named)?;
        self.decode(&bytes)
    }

    /// Decodes a picture and turns it as its EXIF orientation says.
    pub fn decode(&mut self, bytes: &[u8]) -> Result<Still, StillError> {
        if bytes.len() as u64 > Self::MAX_BYTES {
            return Err(StillError::TooManyBytes);
        }
        match image::guess_format(bytes).ok() {
            Some(ImageFormat::Jpeg) => self.jpeg(bytes),
            Some(format @ (ImageFormat::Png | ImageFormat::WebP)) => {
                self.through_rgb(bytes, format)
            }
            _ => Err(StillError::Unknown(bytes[..bytes.len().min(8)].to_vec())),
        }
    }

    fn jpeg(&mut self, bytes: &[u8]) -> Result<Still, StillError> {
        let (orientation, odd) = jpeg_head(bytes);
        if odd {
            // The video decoder would cut the last pixel off, and a detector with it what is there.
            return self.through_rgb(bytes, ImageFormat::Jpeg);
        }
        match self.jpeg.decode(bytes, &self.pool) {
            Ok(picture) => {
                let pixels = self
                    .upright(picture, orientation)
                    .map_err(ConvertError::from)?;
                let (width, height) = (pixels.width(), pixels.height());
                Ok(Still {
                    pixels,
                    width,
                    height,
                    orientation,
                })
            }
            // CMYK from a print shop: slower, through RGB.
            Err(JpegError::Unsupported(_)) => self.through_rgb(bytes, ImageFormat::Jpeg),
            Err(error) => Err(error.into()),
        }
    }

    fn through_rgb(&self, bytes: &[u8], format: ImageFormat) -> Result<Still, StillError> {
        let mut limits = Limits::default();
        limits.max_image_width = Some(I420::MAX_SIDE_PX);
        limits.max_image_height = Some(I420::MAX_SIDE_PX);
        limits.max_alloc = Some(Self::MAX_DECODER_BYTES);
        let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
        reader.limits(limits);
        let mut decoder = reader.into_decoder()?;
        let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
        let mut image = DynamicImage::from_decoder(decoder)?;
        image.apply_orientation(orientation);
        let rgb = on_white(image);
        let (width, height) = rgb.dimensions();
        let even = evened(rgb);
        let raster = Raster {
            data: even.as_raw(),
            width: even.width(),
            height: even.height(),
            stride: even.width() as usize * 3,
        };
        Ok(Still {
            pixels: convert::rgb24(&raster, &self.pool)?,
            width,
            height,
            orientation,
        })
    }

    fn upright(
        &self,
        picture: PooledPicture,
        orientation: Orientation,
    ) -> Result<PooledPicture, PictureError> {
        let (turn, mirrored) = match orientation {
            Orientation::NoTransforms => (None, false),
            Orientation::Rotate90 => (Some(Turn::Quarter), false),
            Orientation::Rotate180 => (Some(Turn::Half), false),
            Orientation::Rotate270 => (Some(Turn::ThreeQuarters), false),
            Orientation::FlipHorizontal => (None, true),
            Orientation::FlipVertical => (Some(Turn::Half), true),
            Orientation::Rotate90FlipH => (Some(Turn::Quarter), true),
            Orientation::Rotate270FlipH => (Some(Turn::ThreeQuarters), true),
        };
        let mut turned = match turn {
            Some(turn) => convert::rotate(&picture, turn, &self.pool)?,
            None => picture,
        };
        if mirrored {
            convert::mirror(&mut turned);
        }
        Ok(turned)
    }
}

/// A JPEG's EXIF orientation, upright when there is none or it cannot be read, and whether a side is
/// odd.
fn jpeg_head(bytes: &[u8]) -> (Orientation, bool) {
    let Ok(mut decoder) = image::codecs::jpeg::JpegDecoder::new(Cursor::new(bytes)) else {
        return (Orientation::NoTransforms, false);
    };
    let (width, height) = decoder.dimensions();
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    (orientation, width % 2 == 1 || height % 2 == 1)
}

/// The picture with its last column or row repeated where a side is odd.
fn evened(rgb: image::RgbImage) -> image::RgbImage {
    let (width, height) = rgb.dimensions();
    if width % 2 == 0 && height % 2 == 0 {
        return rgb;
    }
    let even = (width.next_multiple_of(2), height.next_multiple_of(2));
    image::RgbImage::from_fn(even.0, even.1, |x, y| {
        *rgb.get_pixel(x.min(width - 1), y.min(height - 1))
    })
}

/// Transparent pictures are laid on white, as browsers and viewers show them.
fn on_white(image: DynamicImage) -> image::RgbImage {
    if !image.color().has_alpha() {
        return image.into_rgb8();
    }
    let rgba = image.into_rgba8();
    image::RgbImage::from_fn(rgba.width(), rgba.height(), |x, y| {
        let [r, g, b, alpha] = rgba.get_pixel(x, y).0.map(u16::from);
        image::Rgb([r, g, b].map(|level| ((level * alpha + 255 * (255 - alpha) + 127) / 255) as u8))
    })
}
