//! Still pictures from files (JPEG, PNG, WebP), rotated as their EXIF says.

#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::{Path, PathBuf};

use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits, RgbImage};
use thiserror::Error;

use crate::convert::{self, ConvertError, Raster, Turn};
use crate::jpeg::{JpegDecoder, JpegError, orientation};
use crate::picture::{I420, PictureError, PicturePool, PooledPicture};

/// Why a still picture could not be loaded.
#[derive(Debug, Error)]
pub enum StillError {
    /// The file cannot be read.
    #[error("{}: cannot be read: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("the file is larger than {} MiB", StillLoader::MAX_BYTES >> 20)]
    TooManyBytes,
    #[error("the file is empty")]
    Empty,
    /// Neither JPEG nor PNG nor WebP.
    #[error(
        "not a JPEG, PNG or WebP picture (it begins with {0:02x?}); convert it to one of these"
    )]
    Unknown(Vec<u8>),
    /// A JPEG that cannot be read.
    #[error(transparent)]
    Jpeg(#[from] JpegError),
    /// A PNG or WebP that is damaged or too large.
    #[error("the picture cannot be decoded: {0}")]
    Decode(#[from] image::ImageError),
    /// A size that no picture has.
    #[error(transparent)]
    Convert(#[from] ConvertError),
}

#[derive(Debug)]
pub struct Still {
    /// With an odd side, the last column or row is repeated, because I420 has even sides only.
    pub pixels: PooledPicture,
    /// The picture's own width in pixels, at most one less than that of `pixels`.
    pub width: u32,
    /// The picture's own height in pixels, at most one less than that of `pixels`.
    pub height: u32,
    /// The rotation that EXIF tells, which has been applied.
    orientation: Orientation,
}

/// Loads still pictures. Keeps its decoder and memory from one to the next.
#[derive(Debug)]
pub struct StillLoader {
    jpeg: JpegDecoder,
    pool: PicturePool,
}

impl StillLoader {
    /// The largest file read.
    pub const MAX_BYTES: u64 = 64 << 20;

    /// The most memory that a decoder may use: twice a picture of the largest size with alpha.
    const MAX_DECODER_BYTES: u64 = 8 * JpegDecoder::MAX_PIXELS as u64;

    /// A loader without buffers.
    pub fn new() -> Result<Self, StillError> {
        Ok(Self {
            jpeg: JpegDecoder::new()?,
            pool: PicturePool::new(2),
        })
    }

    /// Loads the file at `path`. Its format is recognised by its content, not by its name.
    pub fn load(&mut self, path: &Path) -> Result<Still, StillError> {
        let named = |source| StillError::Read {
            path: path.to_owned(),
            source,
        };
        let mut bytes = Vec::new();
        // Bounded while reading, because a pipe or a device tells no size.
        let file = File::open(path).map_err(named)?;
        file.take(Self::MAX_BYTES + 1)
            .read_to_end(&mut bytes)
            .map_err(named)?;
        self.decode(&bytes)
    }

    /// Decodes a picture and rotates it as its EXIF says.
    pub fn decode(&mut self, bytes: &[u8]) -> Result<Still, StillError> {
        if bytes.len() as u64 > Self::MAX_BYTES {
            return Err(StillError::TooManyBytes);
        }
        if bytes.is_empty() {
            return Err(StillError::Empty);
        }
        // Only the start marker is checked, because stray bytes may precede the first segment.
        if bytes.starts_with(&[0xff, 0xd8]) {
            return self.jpeg(bytes);
        }
        match image::guess_format(bytes).ok() {
            Some(format @ (ImageFormat::Png | ImageFormat::WebP)) => self.other(bytes, format),
            _ => Err(StillError::Unknown(bytes[..bytes.len().min(8)].to_vec())),
        }
    }

    fn jpeg(&mut self, bytes: &[u8]) -> Result<Still, StillError> {
        let orientation = orientation::of_jpeg(bytes);
        let opened = self.jpeg.open(bytes)?;
        let (width, height) = (opened.header.width, opened.header.height);
        // The video decoder would drop the last pixel of an odd side, with what a detector finds there.
        if width % 2 == 0 && height % 2 == 0 {
            match self.jpeg.decode_opened(&opened, &self.pool) {
                Ok(picture) => {
                    let pixels = self
                        .upright(picture, orientation)
                        .map_err(ConvertError::from)?;
                    let (width, height) = (pixels.width(), pixels.height());
                    return Ok(Still {
                        pixels,
                        width,
                        height,
                        orientation,
                    });
                }
                // CMYK is decoded to RGB below.
                Err(JpegError::Unsupported(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let rgb = self.jpeg.rgb(&opened)?;
        let Some(rgb) = RgbImage::from_raw(width as u32, height as u32, rgb) else {
            return Err(JpegError::TooLarge { width, height }.into());
        };
        self.through_rgb(rgb.into(), orientation)
    }

    fn other(&self, bytes: &[u8], format: ImageFormat) -> Result<Still, StillError> {
        let mut limits = Limits::default();
        limits.max_image_width = Some(I420::MAX_SIDE_PX);
        limits.max_image_height = Some(I420::MAX_SIDE_PX);
        limits.max_alloc = Some(Self::MAX_DECODER_BYTES);
        let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
        reader.limits(limits);
        let mut decoder = reader.into_decoder()?;
        let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
        self.through_rgb(DynamicImage::from_decoder(decoder)?, orientation)
    }

    fn through_rgb(
        &self,
        mut image: DynamicImage,
        orientation: Orientation,
    ) -> Result<Still, StillError> {
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

/// The picture with its last column or row repeated where a side is odd.
fn evened(rgb: RgbImage) -> RgbImage {
    let (width, height) = rgb.dimensions();
    if width % 2 == 0 && height % 2 == 0 {
        return rgb;
    }
    let even = (width.next_multiple_of(2), height.next_multiple_of(2));
    RgbImage::from_fn(even.0, even.1, |x, y| {
        *rgb.get_pixel(x.min(width - 1), y.min(height - 1))
    })
}

/// Blends a transparent picture over white, as browsers show it.
fn on_white(image: DynamicImage) -> RgbImage {
    if !image.color().has_alpha() {
        return image.into_rgb8();
    }
    let rgba = image.into_rgba8();
    RgbImage::from_fn(rgba.width(), rgba.height(), |x, y| {
        let [r, g, b, alpha] = rgba.get_pixel(x, y).0.map(u16::from);
        image::Rgb([r, g, b].map(|level| ((level * alpha + 255 * (255 - alpha) + 127) / 255) as u8))
    })
}

impl Still {
    /// Width and height as stored, before the turn that EXIF asks for.
    #[must_use]
    pub fn stored_size_px(&self) -> (u32, u32) {
        match self.orientation {
            Orientation::NoTransforms
            | Orientation::Rotate180
            | Orientation::FlipHorizontal
            | Orientation::FlipVertical => (self.width, self.height),
            Orientation::Rotate90
            | Orientation::Rotate270
            | Orientation::Rotate90FlipH
            | Orientation::Rotate270FlipH => (self.height, self.width),
        }
    }

    /// Where `[left, top, width, height]` of the stored picture is in the upright one.
    #[must_use]
    pub fn upright(&self, [left, top, width, height]: [f64; 4]) -> [f64; 4] {
        let (stored_width, stored_height) = self.stored_size_px();
        let right = f64::from(stored_width) - left - width;
        let bottom = f64::from(stored_height) - top - height;
        match self.orientation {
            Orientation::NoTransforms => [left, top, width, height],
            Orientation::FlipHorizontal => [right, top, width, height],
            Orientation::Rotate180 => [right, bottom, width, height],
            Orientation::FlipVertical => [left, bottom, width, height],
            Orientation::Rotate90FlipH => [top, left, height, width],
            Orientation::Rotate90 => [bottom, left, height, width],
            Orientation::Rotate270FlipH => [bottom, right, height, width],
            Orientation::Rotate270 => [top, right, height, width],
        }
    }
}
