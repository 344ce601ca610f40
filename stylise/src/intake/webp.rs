//! WebP. The decoder trusts what the file says in three places (the size inside a frame, the length of
//! its EXIF, animations), so the file's chunks are walked here first (developers.google.com/speed/webp,
//! "WebP Container Specification").

use std::io::Cursor;

use capture::jpeg::orientation;
use image::codecs::webp::WebPDecoder;
use image::metadata::Orientation;
use image::{ColorType, ImageDecoder, ImageError};

use super::decoded::Decoded;
use super::raster::{Gather, Layout};
use super::{IntakeError, Limits, check_size};

pub(super) fn decode(bytes: &[u8], limits: &Limits) -> Result<Decoded, IntakeError> {
    let file = walk(bytes)?;
    for (width, height) in [file.canvas, file.frame].into_iter().flatten() {
        check_size(width, height, limits)?;
    }
    if file.canvas.is_some_and(|canvas| Some(canvas) != file.frame) {
        return Err(damaged(
            "its frame is not as large as the picture".to_owned(),
        ));
    }
    let decoder = WebPDecoder::new(Cursor::new(bytes)).map_err(named)?;
    let (width, height) = decoder.dimensions();
    check_size(u64::from(width), u64::from(height), limits)?;
    let layout = match decoder.color_type() {
        ColorType::Rgb8 => Layout::Rgb,
        ColorType::Rgba8 => Layout::Rgba,
        other => return Err(damaged(format!("{other:?} is no colour of WebP"))),
    };
    let (width, height) = (width as usize, height as usize);
    let mut pixels = vec![0; width * height * layout.bytes()];
    decoder.read_image(&mut pixels).map_err(named)?;
    let mut gather = Gather::new(width, height, layout, limits.longest_side_px);
    for row in pixels.chunks_exact(width * layout.bytes()) {
        gather.row(row);
    }
    Ok(Decoded {
        raster: gather.finish(),
        orientation: file.orientation,
    })
}

/// What the chunks say.
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
        // Padded to an even length.
        let Some(next) = after.get(length.saturating_add(length & 1)..) else {
            break;
        };
        rest = next;
    }
    Ok(file)
}

/// A number of so many bytes, the least significant first.
fn little(bytes: &[u8], at: usize, count: usize) -> Option<u32> {
    let bytes = bytes.get(at..at + count)?;
    let digits = bytes.iter().rev();
    Some(digits.fold(0, |number, byte| number << 8 | u32::from(*byte)))
}

fn named(error: ImageError) -> IntakeError {
    match error {
        ImageError::IoError(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            IntakeError::Truncated("WebP")
        }
        other => damaged(other.to_string()),
    }
}

fn damaged(detail: String) -> IntakeError {
    IntakeError::Damaged {
        kind: "WebP",
        detail,
    }
}
