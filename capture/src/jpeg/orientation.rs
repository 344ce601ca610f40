//! The orientation of a picture from its EXIF. Reads the given bytes in place, so that a wrong length
//! allocates nothing. Pure.

use image::metadata::Orientation;

use super::repair::next_marker;

/// The orientation of a JPEG: of the first APP1 segment with EXIF before the first scan. Upright when
/// there is none, or it cannot be read.
#[must_use]
pub fn of_jpeg(bytes: &[u8]) -> Orientation {
    let mut at = 2;
    while let Some(marker) = next_marker(bytes, at) {
        match marker.kind {
            // Markers without a segment: restarts, TEM.
            0x01 | 0xd0..=0xd7 => {
                at = marker.end;
                continue;
            }
            // The first scan, or the end of the picture.
            0xda | 0xd9 => break,
            _ => {}
        }
        let Some(segment) = marker.segment(bytes) else {
            break;
        };
        at = segment.end;
        if let (0xe1, Some(exif)) = (marker.kind, bytes[segment].strip_prefix(b"Exif\0\0")) {
            return of_exif(exif);
        }
    }
    Orientation::NoTransforms
}

/// The orientation in an EXIF block, as PNG's eXIf and WebP's EXIF chunk contain it.
#[must_use]
pub fn of_exif(exif: &[u8]) -> Orientation {
    // Some programs write JPEG's prefix into WebP too.
    let exif = exif.strip_prefix(b"Exif\0\0").unwrap_or(exif);
    Orientation::from_exif_chunk(exif).unwrap_or(Orientation::NoTransforms)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TURNED: &[u8] = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";

    fn jpeg(before: &[u8]) -> Vec<u8> {
        let exif = [b"Exif\0\0", TURNED].concat();
        let length = (exif.len() as u16 + 2).to_be_bytes();
        [
            b"\xff\xd8",
            before,
            b"\xff\xe1",
            &length,
            &exif,
            b"\xff\xda",
        ]
        .concat()
    }

    #[test]
    fn exif_is_found_behind_other_segments() {
        assert_eq!(of_jpeg(&jpeg(b"")), Orientation::Rotate90);
        let jfif = b"\xff\xe0\0\x06JFIF\xff\xff\xff\xd0";
        assert_eq!(of_jpeg(&jpeg(jfif)), Orientation::Rotate90);
        assert_eq!(of_jpeg(&jpeg(b"\xff\xda")), Orientation::NoTransforms);
    }

    #[test]
    fn truncated_and_wrong_exif_means_upright() {
        let whole = jpeg(b"");
        for end in 0..whole.len() - 12 {
            assert_eq!(of_jpeg(&whole[..end]), Orientation::NoTransforms, "{end}");
        }
        for length in [0_u8, 1, 0xff] {
            let mut wrong = whole.clone();
            wrong[4..6].copy_from_slice(&[length, length]);
            assert_eq!(of_jpeg(&wrong), Orientation::NoTransforms);
        }
    }
}
