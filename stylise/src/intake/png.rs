//! PNG, row by row: only an interlaced picture ever stands in memory whole. Of an animated one, the
//! picture that programs without animation show.

use std::io::{Cursor, ErrorKind};

use capture::jpeg::orientation;
use image::metadata::Orientation;
use png::{ColorType, Decoder, DecodingError, Transformations};

use super::decoded::Decoded;
use super::raster::{Gather, Layout};
use super::{IntakeError, Limits, check_size};

/// What the decoder may allocate beside pixels.
const MAX_DECODER_BYTES: usize = 32 << 20;

pub(super) fn decode(bytes: &[u8], limits: &Limits) -> Result<Decoded, IntakeError> {
    let bounds = png::Limits {
        bytes: MAX_DECODER_BYTES,
    };
    let mut decoder = Decoder::new_with_limits(Cursor::new(bytes), bounds);
    // 8 bits a sample, palettes and transparent colours spelt out.
    decoder.set_transformations(Transformations::normalize_to_color8());
    // Both may be compressed: small files, large contents.
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    let header = decoder.read_header_info().map_err(named)?;
    let (width, height) = (header.width, header.height);
    check_size(u64::from(width), u64::from(height), limits)?;
    let mut reader = decoder.read_info().map_err(named)?;
    let layout = match reader.output_color_type().0 {
        ColorType::Grayscale => Layout::Grey,
        ColorType::GrayscaleAlpha => Layout::GreyAlpha,
        ColorType::Rgb => Layout::Rgb,
        ColorType::Rgba => Layout::Rgba,
        ColorType::Indexed => return Err(damaged("its palette is missing".to_owned())),
    };
    let exif = reader.info().exif_metadata.as_deref();
    let orientation = exif.map_or(Orientation::NoTransforms, orientation::of_exif);
    let (width, height) = (width as usize, height as usize);
    let mut gather = Gather::new(width, height, layout, limits.longest_side_px);
    if reader.info().interlaced {
        let mut pixels = vec![0; width * height * layout.bytes()];
        reader.next_frame(&mut pixels).map_err(named)?;
        for row in pixels.chunks_exact(width * layout.bytes()) {
            gather.row(row);
        }
    } else {
        for _ in 0..height {
            let row = reader.next_row().map_err(named)?;
            gather.row(row.ok_or(IntakeError::Truncated("PNG"))?.data());
        }
    }
    Ok(Decoded {
        raster: gather.finish(),
        orientation,
    })
}

fn named(error: DecodingError) -> IntakeError {
    match error {
        DecodingError::IoError(error) if error.kind() == ErrorKind::UnexpectedEof => {
            IntakeError::Truncated("PNG")
        }
        other => damaged(other.to_string()),
    }
}

fn damaged(detail: String) -> IntakeError {
    IntakeError::Damaged {
        kind: "PNG",
        detail,
    }
}
