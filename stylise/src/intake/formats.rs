//! Decoders for JPEG, PNG and WebP, and the JPEG encoder. Each checks the size in the header before it
//! allocates anything of that size.
//!
//! - JPEG: libjpeg-turbo decodes directly to a half, a quarter or an eighth, which saves time and memory. A
//!   progressive file is held as coefficients, two bytes per sample: up to 240 MB for 40 megapixels without
//!   chroma subsampling.
//! - PNG: decoded row by row; only an interlaced picture is held as a whole. Of an animated one, the default
//!   image is used.
//! - WebP: the decoder trusts the file about the frame size, the length of EXIF data and animation, so the
//!   chunks are checked here first (developers.google.com/speed/webp, "WebP Container Specification").

use std::io::{Cursor, ErrorKind};

use capture::jpeg::{JpegReadError, JpegReader, orientation};
use image::codecs::webp::WebPDecoder;
use image::metadata::Orientation;
use image::{ImageDecoder, ImageError};
use png::{Decoder, DecodingError, Transformations};
use turbojpeg::{
    Compressor, Image, OutputBuf, PixelFormat, ScalingFactor, Subsamp, compressed_buf_len,
};

use crate::intake::limits::{IntakeError, Limits, check_size};
use crate::intake::raster::{PixelLayout, Raster, RowDownscaler};

/// A decoded picture, possibly downscaled, and the orientation still to be applied.
pub(crate) struct Decoded {
    pub(crate) raster: Raster,
    pub(super) orientation: Orientation,
}

/// Smallest first.
const FACTORS: [ScalingFactor; 3] = [
    ScalingFactor::ONE_EIGHTH,
    ScalingFactor::ONE_QUARTER,
    ScalingFactor::ONE_HALF,
];

pub(crate) fn decode_jpeg(bytes: &[u8], limits: &Limits) -> Result<Decoded, IntakeError> {
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

/// Decodes a JPEG that [`encode`] made.
pub(crate) fn decode_own(jpeg: &[u8]) -> Result<Raster, IntakeError> {
    let image = turbojpeg::decompress(jpeg, PixelFormat::RGB)?;
    Ok(Raster {
        width_px: image.width,
        height_px: image.height,
        rgb: image.pixels,
    })
}

/// Encodes 4:4:4, because comics and pop art have hard edges in colour.
pub(crate) fn encode(raster: &Raster, quality: i32) -> Result<Vec<u8>, IntakeError> {
    let (width, height) = (raster.width_px, raster.height_px);
    let subsamp = Subsamp::None;
    let mut compressor = Compressor::new()?;
    compressor.set_quality(quality)?;
    compressor.set_subsamp(subsamp)?;
    let image = Image {
        pixels: &raster.rgb[..],
        width,
        pitch: width * 3,
        height,
        format: PixelFormat::RGB,
    };
    let mut written = vec![0; compressed_buf_len(width, height, subsamp)?];
    let mut output = OutputBuf::borrowed(&mut written);
    compressor.compress(image, &mut output)?;
    Ok(output.to_vec())
}

impl From<turbojpeg::Error> for IntakeError {
    fn from(error: turbojpeg::Error) -> Self {
        Self::Broken(error.to_string())
    }
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

/// Limit of the decoder's memory besides pixels.
const MAX_DECODER_BYTES: usize = 32 << 20;

pub(super) fn decode_png(bytes: &[u8], limits: &Limits) -> Result<Decoded, IntakeError> {
    let bounds = png::Limits {
        bytes: MAX_DECODER_BYTES,
    };
    let mut decoder = Decoder::new_with_limits(Cursor::new(bytes), bounds);
    // 8 bits per sample; palettes and transparent colours are expanded.
    decoder.set_transformations(Transformations::normalize_to_color8());
    // Both may be compressed and expand to large contents.
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    let header = decoder.read_header_info().map_err(png_error)?;
    let (width, height) = (header.width, header.height);
    check_size(u64::from(width), u64::from(height), limits)?;
    let mut reader = decoder.read_info().map_err(png_error)?;
    let layout = match reader.output_color_type().0 {
        png::ColorType::Grayscale => PixelLayout::Grey,
        png::ColorType::GrayscaleAlpha => PixelLayout::GreyAlpha,
        png::ColorType::Rgb => PixelLayout::Rgb,
        png::ColorType::Rgba => PixelLayout::Rgba,
        png::ColorType::Indexed => return Err(damaged("PNG", "its palette is missing".to_owned())),
    };
    let exif = reader.info().exif_metadata.as_deref();
    let orientation = exif.map_or(Orientation::NoTransforms, orientation::of_exif);
    let (width, height) = (width as usize, height as usize);
    let mut rows = RowDownscaler::new(width, height, layout, limits.longest_side_px);
    if reader.info().interlaced {
        let mut pixels = vec![0; width * height * layout.bytes()];
        reader.next_frame(&mut pixels).map_err(png_error)?;
        rows.all(&pixels);
    } else {
        for _ in 0..height {
            let row = reader.next_row().map_err(png_error)?;
            rows.row(row.ok_or(IntakeError::Truncated("PNG"))?.data());
        }
    }
    Ok(Decoded {
        raster: rows.finish(),
        orientation,
    })
}

fn png_error(error: DecodingError) -> IntakeError {
    match error {
        DecodingError::IoError(error) if error.kind() == ErrorKind::UnexpectedEof => {
            IntakeError::Truncated("PNG")
        }
        other => damaged("PNG", other.to_string()),
    }
}

pub(super) fn decode_webp(bytes: &[u8], limits: &Limits) -> Result<Decoded, IntakeError> {
    let file = walk(bytes)?;
    for (width, height) in [file.canvas, file.frame].into_iter().flatten() {
        check_size(width, height, limits)?;
    }
    if file.canvas.is_some_and(|canvas| Some(canvas) != file.frame) {
        return Err(damaged(
            "WebP",
            "its frame is not as large as the picture".to_owned(),
        ));
    }
    let decoder = WebPDecoder::new(Cursor::new(bytes)).map_err(webp_error)?;
    let (width, height) = decoder.dimensions();
    check_size(u64::from(width), u64::from(height), limits)?;
    let layout = match decoder.color_type() {
        image::ColorType::Rgb8 => PixelLayout::Rgb,
        image::ColorType::Rgba8 => PixelLayout::Rgba,
        other => return Err(damaged("WebP", format!("{other:?} is no colour of WebP"))),
    };
    let (width, height) = (width as usize, height as usize);
    let mut pixels = vec![0; width * height * layout.bytes()];
    decoder.read_image(&mut pixels).map_err(webp_error)?;
    let mut rows = RowDownscaler::new(width, height, layout, limits.longest_side_px);
    rows.all(&pixels);
    Ok(Decoded {
        raster: rows.finish(),
        orientation: file.orientation,
    })
}

/// What the chunks declare.
struct File {
    canvas: Option<(u64, u64)>,
    frame: Option<(u64, u64)>,
    orientation: Orientation,
}

fn walk(bytes: &[u8]) -> Result<File, IntakeError> {
    let mut file = File {
        canvas: None,
        frame: None,
        orientation: Orientation::NoTransforms,
    };
    let mut rest = bytes.get(12..).unwrap_or_default();
    while let Some((head, after)) = rest.split_first_chunk::<8>() {
        let [name @ .., a, b, c, d] = *head;
        let length = u32::from_le_bytes([a, b, c, d]) as usize;
        if length > after.len() && name.starts_with(b"VP8") {
            return Err(IntakeError::Truncated("WebP"));
        }
        let chunk = &after[..length.min(after.len())];
        match &name {
            b"VP8X" => {
                if chunk.first().is_some_and(|flags| flags & 0b10 != 0) {
                    return Err(IntakeError::Unsupported {
                        kind: "animated WebP pictures",
                        advice: "send a still picture",
                    });
                }
                let side = |at| Some(u64::from(little(chunk, at, 3)?) + 1);
                file.canvas = side(4).zip(side(7));
            }
            b"VP8 " if file.frame.is_none() => {
                let side = |at| Some(u64::from(little(chunk, at, 2)? & 0x3fff));
                file.frame = side(6).zip(side(8));
            }
            b"VP8L" if file.frame.is_none() => {
                let sides = little(chunk, 1, 4);
                let side = |bits: u32| u64::from(bits & 0x3fff) + 1;
                file.frame = sides.map(|bits| (side(bits), side(bits >> 14)));
            }
            b"EXIF" => file.orientation = orientation::of_exif(chunk),
            _ => {}
        }
        // Chunks are padded to an even length.
        let Some(next) = after.get(length.saturating_add(length & 1)..) else {
            break;
        };
        rest = next;
    }
    Ok(file)
}

/// A little-endian number of `count` bytes.
fn little(bytes: &[u8], at: usize, count: usize) -> Option<u32> {
    let bytes = bytes.get(at..at + count)?;
    let digits = bytes.iter().rev();
    Some(digits.fold(0, |number, byte| number << 8 | u32::from(*byte)))
}

fn webp_error(error: ImageError) -> IntakeError {
    match error {
        ImageError::IoError(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            IntakeError::Truncated("WebP")
        }
        other => damaged("WebP", other.to_string()),
    }
}

fn damaged(kind: &'static str, detail: String) -> IntakeError {
    IntakeError::Damaged { kind, detail }
}
