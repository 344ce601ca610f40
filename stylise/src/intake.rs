//! The door for pictures of others: decoded, and encoded anew.

use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::imageops::FilterType;
use image::{ImageReader, Limits as DecoderLimits};
use thiserror::Error;

/// What is let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes as they come.
    pub bytes: usize,
    /// Either side before it is scaled.
    pub side_px: u32,
    /// The longer side afterwards.
    pub kept_px: u32,
}

impl Limits {
    /// For what a stylist made.
    #[must_use]
    pub fn result() -> Self {
        Self {
            bytes: 64 << 20,
            side_px: 8192,
            kept_px: 4096,
        }
    }
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
        if bytes.len() > limits.bytes {
            return Err(IntakeError::TooBig(bytes.len()));
        }
        let mut reader = ImageReader::new(Cursor::new(bytes))
            .with_guessed_format()
            .map_err(image::ImageError::IoError)?;
        let mut bounds = DecoderLimits::default();
        bounds.max_image_width = Some(limits.side_px);
        bounds.max_image_height = Some(limits.side_px);
        reader.limits(bounds);
        let mut picture = reader.decode()?;
        if picture.width().max(picture.height()) > limits.kept_px {
            picture = picture.resize(limits.kept_px, limits.kept_px, FilterType::CatmullRom);
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
