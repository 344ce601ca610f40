//! Still pictures from files: JPEG, PNG and WebP, the right way up.

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
    pub fn load(&mut self, path: &Path) -> Result<PooledPicture, StillError> {
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

    /// Decodes a picture and turns it as its EXIF orientation says. Odd sides lose a pixel.
    pub fn decode(&mut self, bytes: &[u8]) -> Result<PooledPicture, StillError> {
        if bytes.len() as u64 > Self::MAX_BYTES {
            return Err(StillError::TooManyBytes);
        }
        let format = image::guess_format(bytes).ok();
        let (picture, orientation) = match format {
            Some(ImageFormat::Jpeg) => match self.jpeg.decode(bytes, &self.pool) {
                Ok(picture) => (picture, jpeg_orientation(bytes)),
                // CMYK from a print shop: slower, through RGB.
                Err(JpegError::Unsupported(_)) => self.through_rgb(bytes, ImageFormat::Jpeg)?,
                Err(error) => return Err(error.into()),
            },
            Some(format @ (ImageFormat::Png | ImageFormat::WebP)) => {
                self.through_rgb(bytes, format)?
            }
            _ => return Err(StillError::Unknown(bytes[..bytes.len().min(8)].to_vec())),
        };
        Ok(self
            .upright(picture, orientation)
            .map_err(ConvertError::from)?)
    }

    fn through_rgb(
        &self,
        bytes: &[u8],
        format: ImageFormat,
    ) -> Result<(PooledPicture, Orientation), StillError> {
        let mut limits = Limits::default();
        limits.max_image_width = Some(I420::MAX_SIDE_PX);
        limits.max_image_height = Some(I420::MAX_SIDE_PX);
        limits.max_alloc = Some(Self::MAX_DECODER_BYTES);
        let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
        reader.limits(limits);
        let mut decoder = reader.into_decoder()?;
        let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
        let rgb = on_white(DynamicImage::from_decoder(decoder)?);
        let (width, height) = rgb.dimensions();
        let stride = width as usize * 3;
        let raster = Raster {
            data: rgb.as_raw(),
            width,
            height,
            stride,
        };
        Ok((convert::rgb24(&raster, &self.pool)?, orientation))
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

/// The orientation in a JPEG's EXIF block; upright when there is none or it cannot be read.
fn jpeg_orientation(bytes: &[u8]) -> Orientation {
    image::codecs::jpeg::JpegDecoder::new(Cursor::new(bytes))
        .and_then(|mut decoder| decoder.orientation())
        .unwrap_or(Orientation::NoTransforms)
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
