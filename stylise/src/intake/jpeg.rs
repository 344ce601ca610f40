//! JPEG in and out, by libjpeg-turbo: it decodes straight to a half, a quarter or an eighth, which costs
//! less time and memory than the whole.
//!
//! A progressive file is kept as coefficients while it is decoded, two bytes a sample: up to 240 MB for
//! 40 megapixels without chroma subsampling.

use turbojpeg::{
    Colorspace, Compressor, Decompressor, Image, OutputBuf, PixelFormat, ScalingFactor, Subsamp,
    compressed_buf_len,
};

use super::decoded::Decoded;
use super::raster::Raster;
use super::{IntakeError, Limits, check_size, orientation};

/// Progressive scans accepted. A usual file has ten; a hostile one spends a second on each of thousands
/// (libjpeg-turbo, "Two Issues with the JPEG Standard").
const MAX_SCANS: u32 = 64;

/// Smallest first.
const FACTORS: [ScalingFactor; 3] = [
    ScalingFactor::ONE_EIGHTH,
    ScalingFactor::ONE_QUARTER,
    ScalingFactor::ONE_HALF,
];

pub(super) fn decode(bytes: &[u8], limits: &Limits) -> Result<Decoded, IntakeError> {
    let mut decompressor = Decompressor::new().map_err(|error| broken(&error))?;
    decompressor
        .set_scan_limit(MAX_SCANS)
        .map_err(|error| broken(&error))?;
    let header = decompressor
        .read_header(bytes)
        .map_err(|error| named(&error))?;
    check_size(header.width as u64, header.height as u64, limits)?;
    let long = header.width.max(header.height);
    let factor = FACTORS
        .into_iter()
        .find(|factor| !header.is_lossless && factor.scale(long) >= limits.longest_side_px as usize)
        .unwrap_or(ScalingFactor::ONE);
    decompressor
        .set_scaling_factor(factor)
        .map_err(|error| broken(&error))?;
    let (width, height) = (factor.scale(header.width), factor.scale(header.height));
    let is_cmyk = matches!(header.colorspace, Colorspace::CMYK | Colorspace::YCCK);
    let (format, pixel_bytes) = if is_cmyk {
        (PixelFormat::CMYK, 4)
    } else {
        (PixelFormat::RGB, 3)
    };
    let mut pixels = vec![0; width * height * pixel_bytes];
    let target = Image {
        pixels: &mut pixels[..],
        width,
        pitch: width * pixel_bytes,
        height,
        format,
    };
    match decompressor.decompress(bytes, target) {
        // Stray bytes between scan and end marker: the picture is whole all the same.
        Err(error) if !error.to_string().contains("extraneous bytes before marker") => {
            return Err(named(&error));
        }
        _ => {}
    }
    Ok(Decoded {
        raster: Raster {
            width_px: width,
            height_px: height,
            rgb: if is_cmyk { from_cmyk(&pixels) } else { pixels },
        },
        orientation: orientation::of_jpeg(bytes),
    })
}

/// Without the press's profile, so colours are roughly right. JPEGs hold CMYK inverted, since Photoshop
/// began so.
fn from_cmyk(pixels: &[u8]) -> Vec<u8> {
    let mut rgb = Vec::with_capacity(pixels.len() / 4 * 3);
    for pixel in pixels.chunks_exact(4) {
        let [ink @ .., key] = [0, 1, 2, 3].map(|at| u16::from(pixel[at]));
        rgb.extend(ink.map(|level| (level * key / 255) as u8));
    }
    rgb
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

/// The library's words, sorted into ours. It gives text only.
fn named(error: &turbojpeg::Error) -> IntakeError {
    let detail = error.to_string();
    let lower = detail.to_lowercase();
    if lower.contains("premature end") || lower.contains("no image") {
        return IntakeError::Truncated("JPEG");
    }
    IntakeError::Damaged {
        kind: "JPEG",
        detail,
    }
}
