//! How a picture was held, by its EXIF: walked on the bytes at hand, so that nothing is allocated for a
//! length that a file merely claims. Pure.

use image::metadata::Orientation;

use super::repair::next_marker;

/// Of a JPEG: the first APP1 segment with EXIF before the first scan. Upright where there is none, or
/// none that can be read.
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
            // The picture itself, or its end.
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

/// Of the EXIF block itself, as PNG's eXIf and WebP's EXIF chunk hold it.
#[must_use]
pub fn of_exif(exif: &[u8]) -> Orientation {
    // Some writers of WebP leave JPEG's prefix in.
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
    fn every_cut_and_every_wrong_length_means_upright() {
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
