//! The door for pictures of others: decoded, and encoded anew.

use std::io::Cursor;

use image::ImageReader;
use image::codecs::jpeg::JpegEncoder;
use image::imageops::FilterType;
use thiserror::Error;

/// What is let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes as they come.
    pub max_bytes: usize,
    /// Pixels as they come.
    pub max_pixels: u64,
    /// The longer side is scaled down to that.
    pub longest_side_px: u32,
}

impl Limits {
    /// For what a visitor sends.
    pub const UPLOAD: Self = Self {
        max_bytes: 12 << 20,
        max_pixels: 40_000_000,
        longest_side_px: 1536,
    };

    /// For what a stylist made.
    pub const RESULT: Self = Self {
        max_bytes: 64 << 20,
        max_pixels: 40_000_000,
        longest_side_px: 4096,
    };
}

/// A picture of our own encoder.
#[derive(Debug, Clone)]
pub struct Intake {
    jpeg: Vec<u8>,
    width_px: u32,
    height_px: u32,
}

/// Not a picture that is let in.
#[derive(Debug, Error)]
pub enum IntakeError {
    /// Too many bytes.
    #[error("{0} bytes are too many")]
    TooBig(usize),
    /// It cannot be read.
    #[error("{0}")]
    Unreadable(#[from] image::ImageError),
}

impl Intake {
    /// Reads a picture.
    ///
    /// # Errors
    /// When it is too large or cannot be read.
    pub fn read(bytes: &[u8], limits: &Limits) -> Result<Self, IntakeError> {
        if bytes.len() > limits.max_bytes {
            return Err(IntakeError::TooBig(bytes.len()));
        }
        let reader = || {
            ImageReader::new(Cursor::new(bytes))
                .with_guessed_format()
                .map_err(image::ImageError::IoError)
        };
        let (width, height) = reader()?.into_dimensions()?;
        if u64::from(width) * u64::from(height) > limits.max_pixels {
            return Err(IntakeError::TooBig(bytes.len()));
        }
        let mut picture = reader()?.decode()?;
        if picture.width().max(picture.height()) > limits.longest_side_px {
            picture = picture.resize(
                limits.longest_side_px,
                limits.longest_side_px,
                FilterType::CatmullRom,
            );
        }
        let mut jpeg = Vec::new();
        JpegEncoder::new_with_quality(&mut jpeg, 92).encode_image(&picture.to_rgb8())?;
        Ok(Self {
            jpeg,
            width_px: picture.width(),
            height_px: picture.height(),
        })
    }

    /// As it is kept.
    #[must_use]
    pub fn jpeg(&self) -> &[u8] {
        &self.jpeg
    }

    /// Pixels in a row.
    #[must_use]
    pub fn width_px(&self) -> u32 {
        self.width_px
    }

    /// Rows.
    #[must_use]
    pub fn height_px(&self) -> u32 {
        self.height_px
    }
}
