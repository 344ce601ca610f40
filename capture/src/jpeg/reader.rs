//! The reader on top of libjpeg-turbo. Decides for the whole program which warnings are errors.

use std::borrow::Cow;

use thiserror::Error;
use turbojpeg::{
    Colorspace, DecompressHeader, Decompressor, Image, PixelFormat, ScalingFactor, YuvImage,
};

use super::repair::{Repaired, ScansMissing, repaired};

/// Why a JPEG could not be read.
#[derive(Debug, Error)]
pub enum JpegReadError {
    /// The bytes do not begin like a JPEG.
    #[error("this is no JPEG: {0}")]
    NotJpeg(String),
    /// The bytes end before the picture does.
    #[error("the JPEG is cut short ({bytes} bytes): {detail}")]
    Truncated { bytes: usize, detail: String },
    /// Pixels are broken or missing.
    #[error("the JPEG is damaged: {0}")]
    Damaged(String),
    /// The library could not start, probably for lack of memory.
    #[error("libjpeg-turbo could not be started: {0}")]
    Library(String),
}

/// A JPEG whose header has been read.
#[derive(Debug)]
pub struct OpenedJpeg<'a> {
    bytes: Cow<'a, [u8]>,
    end_added: bool,
    /// Size and colour space.
    pub header: DecompressHeader,
}

/// Reads JPEGs one after the other. Deviations from the standard that lose no pixels are accepted, see
/// `repair.rs`; missing or wrong pixels are an error.
#[derive(Debug)]
pub struct JpegReader {
    decompressor: Decompressor,
    factor: ScalingFactor,
}

impl JpegReader {
    /// The most progressive scans accepted. A usual file has ten; a hostile one has thousands that take a
    /// second each (libjpeg-turbo, "Two Issues with the JPEG Standard").
    const MAX_SCANS: u32 = 64;

    /// A reader that decodes at full size.
    pub fn new() -> Result<Self, JpegReadError> {
        Self::scaled(ScalingFactor::ONE)
    }

    fn scaled(factor: ScalingFactor) -> Result<Self, JpegReadError> {
        let library = |error: turbojpeg::Error| JpegReadError::Library(error.to_string());
        let mut decompressor = Decompressor::new().map_err(library)?;
        decompressor
            .set_scan_limit(Self::MAX_SCANS)
            .and_then(|()| decompressor.set_scaling_factor(factor))
            .map_err(library)?;
        Ok(Self {
            decompressor,
            factor,
        })
    }

    /// Sets the fraction of the full size to decode at.
    pub fn set_scaling_factor(&mut self, factor: ScalingFactor) -> Result<(), JpegReadError> {
        *self = Self::scaled(factor)?;
        Ok(())
    }

    pub fn open<'a>(&mut self, jpeg: &'a [u8]) -> Result<OpenedJpeg<'a>, JpegReadError> {
        if !jpeg.starts_with(&[0xff, 0xd8]) {
            let detail = match jpeg {
                [] => "it is empty".to_owned(),
                [..] => format!("it begins with {:02x?}", &jpeg[..jpeg.len().min(4)]),
            };
            return Err(JpegReadError::NotJpeg(detail));
        }
        let Repaired { bytes, end_added } =
            repaired(jpeg).map_err(|ScansMissing| JpegReadError::Truncated {
                bytes: jpeg.len(),
                detail: "it ends before its last scan".to_owned(),
            })?;
        let header = self.decompressor.read_header(&bytes);
        let header = self.outcome(header, jpeg.len(), end_added)?;
        let Some(header) = header else {
            let detail = "its header cannot be read".to_owned();
            return Err(JpegReadError::Damaged(detail));
        };
        Ok(OpenedJpeg {
            bytes,
            end_added,
            header,
        })
    }

    /// Decodes to packed pixels.
    pub fn pixels(
        &mut self,
        jpeg: &OpenedJpeg<'_>,
        target: Image<&mut [u8]>,
    ) -> Result<(), JpegReadError> {
        let done = self.decompressor.decompress(&jpeg.bytes, target);
        self.outcome(done, jpeg.bytes.len(), jpeg.end_added)
            .map(drop)
    }

    /// Decodes to RGB, three bytes per pixel, without padding. The colours of CMYK are approximate,
    /// because its colour profile is not used.
    pub fn rgb(&mut self, jpeg: &OpenedJpeg<'_>) -> Result<Vec<u8>, JpegReadError> {
        let (width, height) = (
            self.factor.scale(jpeg.header.width),
            self.factor.scale(jpeg.header.height),
        );
        let (format, pixel_bytes) = match jpeg.header.colorspace {
            Colorspace::CMYK | Colorspace::YCCK => (PixelFormat::CMYK, 4),
            _ => (PixelFormat::RGB, 3),
        };
        let mut pixels = vec![0; width * height * pixel_bytes];
        let target = Image {
            pixels: &mut pixels[..],
            width,
            pitch: width * pixel_bytes,
            height,
            format,
        };
        self.pixels(jpeg, target)?;
        Ok(match format {
            PixelFormat::CMYK => from_cmyk(&pixels),
            _ => pixels,
        })
    }

    pub fn planes(
        &mut self,
        jpeg: &OpenedJpeg<'_>,
        target: YuvImage<&mut [u8]>,
    ) -> Result<(), JpegReadError> {
        let done = self.decompressor.decompress_to_yuv(&jpeg.bytes, target);
        self.outcome(done, jpeg.bytes.len(), jpeg.end_added)
            .map(drop)
    }

    /// `Ok(None)` when libjpeg-turbo gave a warning that loses no pixels.
    fn outcome<T>(
        &mut self,
        result: turbojpeg::Result<T>,
        bytes: usize,
        end_added: bool,
    ) -> Result<Option<T>, JpegReadError> {
        let error = match result {
            Ok(value) => return Ok(Some(value)),
            Err(error) => error,
        };
        let detail = error.to_string();
        if is_harmless(&detail, end_added) {
            return Ok(None);
        }
        // Made anew, because after some errors libjpeg-turbo stays in the middle of the broken picture and
        // rejects every later one ("two SOI markers").
        *self = Self::scaled(self.factor)?;
        Err(named(detail, bytes))
    }
}

/// Converts to RGB. JPEGs store CMYK inverted, a convention that Photoshop began.
fn from_cmyk(pixels: &[u8]) -> Vec<u8> {
    let mut rgb = Vec::with_capacity(pixels.len() / 4 * 3);
    for pixel in pixels.chunks_exact(4) {
        let [ink @ .., key] = [0, 1, 2, 3].map(|at| u16::from(pixel[at]));
        rgb.extend(ink.map(|level| (level * key / 255) as u8));
    }
    rgb
}

/// Many webcams write stray bytes between scan and end marker, which lose no pixels. Stray bytes
/// elsewhere are harmless only if the file has an end marker of its own: libjpeg-turbo tells only its
/// first warning, which would hide that pixels are missing.
fn is_harmless(detail: &str, end_added: bool) -> bool {
    match detail.split_once("extraneous bytes before marker ") {
        Some((_, marker)) => !end_added || marker.starts_with("0xd9"),
        None => false,
    }
}

/// Classifies an error of the library by its text, because it has no codes.
fn named(detail: String, bytes: usize) -> JpegReadError {
    let lower = detail.to_lowercase();
    let is_cut = ["premature end", "no image", "extraneous bytes"]
        .iter()
        .any(|words| lower.contains(words));
    if is_cut {
        return JpegReadError::Truncated { bytes, detail };
    }
    JpegReadError::Damaged(detail)
}
