//! Detects the type of a file by its first bytes; its name and declared type are ignored. Pure.

use crate::intake::limits::IntakeError;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FileType {
    Jpeg,
    Png,
    Webp,
}

const STILL: &str = "send a JPEG, PNG or WebP picture";
const CONVERT: &str = "save it as JPEG or PNG and send that";
const MOST_COMPATIBLE: &str =
    "set the camera to \"Most compatible\" (JPEG), or send a screenshot of the picture";

/// Magic numbers of common unsupported files: prefix, name, advice.
const UNSUPPORTED: [(&[u8], &str, &str); 22] = [
    (b"GIF8", "GIF pictures", CONVERT),
    (b"BM", "BMP pictures", CONVERT),
    (b"II*\0", "TIFF and raw camera pictures", CONVERT),
    (b"MM\0*", "TIFF and raw camera pictures", CONVERT),
    (b"II+\0", "TIFF pictures", CONVERT),
    (b"MM\0+", "TIFF pictures", CONVERT),
    (b"\xff\x0a", "JPEG XL pictures", CONVERT),
    (b"\0\0\0\x0cJXL ", "JPEG XL pictures", CONVERT),
    (b"\0\0\0\x0cjP  ", "JPEG 2000 pictures", CONVERT),
    (b"\xff\x4f\xff\x51", "JPEG 2000 pictures", CONVERT),
    (b"8BPS", "Photoshop files", CONVERT),
    (b"\0\0\x01\0", "icons", CONVERT),
    (b"%PDF", "PDF files", STILL),
    (b"\x1a\x45\xdf\xa3", "videos", STILL),
    (b"\0\0\x01\xba", "videos", STILL),
    (b"OggS", "sounds and videos", STILL),
    (b"ID3", "sounds", STILL),
    (b"PK\x03\x04", "ZIP archives and office files", STILL),
    (b"\x1f\x8b", "archives", STILL),
    (b"7z\xbc\xaf", "archives", STILL),
    (b"Rar!", "archives", STILL),
    (b"\x7fELF", "programs", STILL),
];

/// The file type, or an error that names the unsupported type.
pub(super) fn detect(bytes: &[u8]) -> Result<FileType, IntakeError> {
    let unsupported = |kind, advice| Err(IntakeError::Unsupported { kind, advice });
    if bytes.is_empty() {
        return Err(IntakeError::Empty);
    }
    // Only the first marker is checked: there may be stray bytes before the first segment.
    if bytes.starts_with(b"\xff\xd8") && bytes.len() > 2 {
        return Ok(FileType::Jpeg);
    }
    if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        return Ok(FileType::Png);
    }
    match (bytes.get(..4), bytes.get(8..12)) {
        (Some(b"RIFF"), Some(b"WEBP")) => return Ok(FileType::Webp),
        (Some(b"RIFF"), _) => return unsupported("sounds and videos", STILL),
        _ => {}
    }
    // ISO base media: size, "ftyp", major brand, compatible brands.
    if bytes.get(4..8) == Some(b"ftyp") {
        return iso_media(bytes);
    }
    for (magic, kind, advice) in UNSUPPORTED {
        if bytes.starts_with(magic) {
            return unsupported(kind, advice);
        }
    }
    match text_start(bytes).as_deref() {
        Some(text) if text.starts_with("<svg") => unsupported("SVG drawings", CONVERT),
        Some(text) if text.starts_with("<?xml") && text.contains("<svg") => {
            unsupported("SVG drawings", CONVERT)
        }
        Some(text) if text.starts_with("<!doctype html") || text.starts_with("<html") => {
            unsupported("web pages", STILL)
        }
        Some(text) if text.starts_with('<') => unsupported("HTML and XML files", STILL),
        Some(_) => unsupported("text files", STILL),
        None => Err(IntakeError::Unknown),
    }
}

fn iso_media(bytes: &[u8]) -> Result<FileType, IntakeError> {
    let brand = bytes.get(8..12).unwrap_or_default();
    let (kind, advice) = match brand {
        b"avif" | b"avis" => ("AVIF pictures", CONVERT),
        b"heic" | b"heix" | b"heim" | b"heis" | b"hevc" | b"hevx" | b"mif1" | b"msf1" | b"miaf" => {
            let names_avif = bytes
                .get(16..bytes.len().min(64))
                .is_some_and(|brands| brands.chunks_exact(4).any(|brand| brand == b"avif"));
            if names_avif {
                ("AVIF pictures", CONVERT)
            } else {
                ("HEIC pictures", MOST_COMPATIBLE)
            }
        }
        b"crx " => ("raw camera pictures", CONVERT),
        _ => ("videos", STILL),
    };
    Err(IntakeError::Unsupported { kind, advice })
}

/// The first characters in lower case, if the file is text.
fn text_start(bytes: &[u8]) -> Option<String> {
    let start = &bytes[..bytes.len().min(256)];
    let start = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start);
    // The last character may be cut.
    let text = match std::str::from_utf8(start) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(&start[..error.valid_up_to()]).ok()?
        }
        Err(_) => return None,
    };
    let is_text = |c: char| !c.is_control() || c.is_ascii_whitespace();
    text.chars()
        .all(is_text)
        .then(|| text.trim_start().to_lowercase())
}

#[cfg(test)]
mod tests {

    use super::*;

    fn words(bytes: &[u8]) -> String {
        detect(bytes).expect_err("not read").to_string()
    }

    #[test]
    fn unsupported_types_are_named() {
        let cases: [(&[u8], &str); 14] = [
            (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC"),
            (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", "HEIC"),
            (b"\0\0\0\x1cftypmif1\0\0\0\0mif1avif", "AVIF"),
            (b"\0\0\0\x1cftypavif\0\0\0\0mif1avif", "AVIF"),
            (b"\0\0\0\x18ftypisom\0\0\0\0isom", "videos"),
            (b"\0\0\0\x14ftypqt  \0\0\0\0", "videos"),
            (b"RIFF\0\0\0\0AVI ", "videos"),
            (b"GIF89a", "GIF"),
            (b"II*\0\x08\0\0\0", "TIFF"),
            (b"BM6\0", "BMP"),
            (b"%PDF-1.7", "PDF"),
            (b"<?xml version=\"1.0\"?><svg xmlns=\"\">", "SVG"),
            (b"\xef\xbb\xbf <!DOCTYPE html><p>", "web pages"),
            (b"hello", "text files"),
        ];
        for (bytes, name) in cases {
            let words = words(bytes);
            assert!(words.contains(name), "{}: {words}", bytes.escape_ascii());
        }
        assert!(words(cases[0].0).contains("Most compatible"));
    }

    #[test]
    fn unrecognised_bytes_are_unknown() {
        for bytes in [&[0xff, 0xd8][..], &[0; 40], &[0x80, 1, 2], b"\x89PNG"] {
            assert_eq!(detect(bytes), Err(IntakeError::Unknown));
        }
        assert_eq!(detect(b""), Err(IntakeError::Empty));
    }

    #[test]
    fn text_with_a_cut_character_is_text() {
        let text = "ä".repeat(200);
        assert!(words(&text.as_bytes()[..301]).contains("text files"));
    }
}
