//! JPEG in and out, by libjpeg-turbo: it decodes straight to a half, a quarter or an eighth, which costs
//! less time and memory than the whole.
//!
//! A progressive file is kept as coefficients while it is decoded, two bytes a sample: up to 240 MB for
//! 40 megapixels without chroma subsampling.

use capture::jpeg::{JpegReadError, JpegReader, orientation};
use turbojpeg::{
    Compressor, Image, OutputBuf, PixelFormat, ScalingFactor, Subsamp, compressed_buf_len,
};

use super::decoded::Decoded;
use super::raster::Raster;
use super::{IntakeError, Limits, check_size};

/// Smallest first.
const FACTORS: [ScalingFactor; 3] = [
    ScalingFactor::ONE_EIGHTH,
    ScalingFactor::ONE_QUARTER,
    ScalingFactor::ONE_HALF,
];

pub(super) fn decode(bytes: &[u8], limits: &Limits) -> Result<Decoded, IntakeError> {
    let mut reader = JpegReader::new()?;
    let jpeg = reader.open(bytes)?;
    let header = jpeg.header;
    check_size(header.width as u64, header.height as u64, limits)?;
    let long = header.width.max(header.height);
    let factor = FACTORS
        .into_iter()
        .find(|factor| !header.is_lossless && factor.scale(long) >= limits.longest_side_px as usize)
        .unwrap_or(ScalingFactor::ONE);
    reader.set_scaling_factor(factor)?;
    Ok(Decoded {
        raster: Raster {
            width_px: factor.scale(header.width),
            height_px: factor.scale(header.height),
            rgb: reader.rgb(&jpeg)?,
        },
        orientation: orientation::of_jpeg(bytes),
    })
}

/// 4:4:4: comics and pop art have hard edges in colour.
pub(crate) fn encode(raster: &Raster, quality: i32) -> Result<Vec<u8>, IntakeError> {
    let (width, height) = (raster.width_px, raster.height_px);
    let subsamp = Subsamp::None;
    let mut compressor = Compressor::new().map_err(|error| broken(&error))?;
    compressor
        .set_quality(quality)
        .and_then(|()| compressor.set_subsamp(subsamp))
        .map_err(|error| broken(&error))?;
    let most = compressed_buf_len(width, height, subsamp).map_err(|error| broken(&error))?;
    let image = Image {
        pixels: &raster.rgb[..],
        width,
        pitch: width * 3,
        height,
        format: PixelFormat::RGB,
    };
    let mut written = vec![0; most];
    let mut output = OutputBuf::borrowed(&mut written);
    compressor
        .compress(image, &mut output)
        .map_err(|error| broken(&error))?;
    Ok(output.to_vec())
}

fn broken(error: &turbojpeg::Error) -> IntakeError {
    IntakeError::Broken(error.to_string())
}

impl From<JpegReadError> for IntakeError {
    fn from(error: JpegReadError) -> Self {
        match error {
            JpegReadError::Truncated { .. } => Self::Truncated("JPEG"),
            JpegReadError::Damaged(detail) => Self::Damaged {
                kind: "JPEG",
                detail,
            },
            JpegReadError::NotJpeg(_) | JpegReadError::Library(_) => {
                Self::Broken(error.to_string())
            }
        }
    }
}
