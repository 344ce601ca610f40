//! `multipart/x-mixed-replace`: cuts a byte stream into JPEG parts. Pure.
//!
//! Real cameras take liberties: boundaries with and without the leading dashes, bare line feeds,
//! parts without `Content-Length`. Hence a part's length is used when given, and the boundary is
//! searched for when not (RFC 2046 section 5.1).

use thiserror::Error;

/// The largest part taken, in bytes: an 8K JPEG of good quality.
pub(crate) const MAX_PART_BYTES: usize = 32 << 20;
/// The longest header block of a part, in bytes.
const MAX_HEADER_BYTES: usize = 8 << 10;

/// Why a stream cannot be cut into parts.
#[derive(Debug, Error, PartialEq, Eq)]
pub(crate) enum MultipartError {
    /// Not the right content type.
    #[error("its Content-Type is \"{0}\", not multipart/x-mixed-replace")]
    ContentType(String),
    /// Nothing that looks like a part.
    #[error("no part begins within {MAX_HEADER_BYTES} bytes")]
    NoBoundary,
    /// A part that says or proves to be too large.
    #[error("a part is larger than {MAX_PART_BYTES} bytes")]
    PartTooLarge,
}

/// The boundary named by a `Content-Type`, with its two leading dashes.
pub(crate) fn boundary(content_type: &str) -> Result<Vec<u8>, MultipartError> {
    let wrong = || MultipartError::ContentType(content_type.chars().take(100).collect());
    let mut fields = content_type.split(';');
    let kind = fields.next().unwrap_or_default().trim();
    if !kind.to_ascii_lowercase().starts_with("multipart/") {
        return Err(wrong());
    }
    let value = fields
        .filter_map(|field| field.split_once('='))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("boundary"))
        .map(|(_, value)| value.trim().trim_matches('"'))
        .filter(|value| !value.is_empty() && value.len() <= 200)
        .ok_or_else(wrong)?;
    // Some cameras put the dashes into the parameter.
    let bare = value.strip_prefix("--").unwrap_or(value);
    Ok(format!("--{bare}").into_bytes())
}

/// Cuts parts out of bytes as they come.
#[derive(Debug)]
pub(crate) struct Cutter {
    boundary: Vec<u8>,
    buffer: Vec<u8>,
    /// How far `buffer` was searched in vain for the end of the present part.
    searched: usize,
    body: Option<Body>,
}

#[derive(Debug, Clone, Copy)]
enum Body {
    Known { bytes: usize },
    UntilBoundary,
}

impl Cutter {
    /// For parts between `boundary` (with its dashes).
    pub(crate) fn new(boundary: Vec<u8>) -> Self {
        Self {
            boundary,
            buffer: Vec::new(),
            searched: 0,
            body: None,
        }
    }

    /// Takes bytes as they came.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole part's body, if it is there.
    pub(crate) fn next_part(&mut self) -> Result<Option<Vec<u8>>, MultipartError> {
        if self.body.is_none() {
            self.body = self.take_header()?;
        }
        match self.body {
            None => Ok(None),
            Some(Body::Known { bytes }) if self.buffer.len() >= bytes => {
                let rest = self.buffer.split_off(bytes);
                Ok(Some(self.finish(rest)))
            }
            Some(Body::Known { .. }) => Ok(None),
            Some(Body::UntilBoundary) => self.cut_at_boundary(),
        }
    }

    fn finish(&mut self, rest: Vec<u8>) -> Vec<u8> {
        self.body = None;
        self.searched = 0;
        std::mem::replace(&mut self.buffer, rest)
    }

    fn cut_at_boundary(&mut self) -> Result<Option<Vec<u8>>, MultipartError> {
        let from = self.searched.saturating_sub(self.boundary.len());
        if let Some(at) = find(&self.buffer[from..], &self.boundary) {
            let rest = self.buffer.split_off(from + at);
            let mut part = self.finish(rest);
            for end in [b'\n', b'\r'] {
                part.pop_if(|last| *last == end);
            }
            return Ok(Some(part));
        }
        self.searched = self.buffer.len();
        if self.buffer.len() > MAX_PART_BYTES {
            return Err(MultipartError::PartTooLarge);
        }
        Ok(None)
    }

    /// Takes boundary and headers off the buffer once they are whole.
    fn take_header(&mut self) -> Result<Option<Body>, MultipartError> {
        let window = &self.buffer[..self.buffer.len().min(MAX_HEADER_BYTES)];
        let full = window.len() == MAX_HEADER_BYTES;
        let header = find(window, &self.boundary).and_then(|start| {
            let headers_at = start + self.boundary.len();
            let (length, end_bytes) = header_end(&window[headers_at..])?;
            Some((headers_at, headers_at + length, end_bytes))
        });
        let Some((from, to, end_bytes)) = header else {
            return if full {
                Err(MultipartError::NoBoundary)
            } else {
                Ok(None)
            };
        };
        let body = match content_length(&window[from..to]) {
            Some(bytes) if bytes > MAX_PART_BYTES => return Err(MultipartError::PartTooLarge),
            Some(bytes) => Body::Known { bytes },
            None => Body::UntilBoundary,
        };
        self.buffer.drain(..to + end_bytes);
        Ok(Some(body))
    }
}

/// Where the headers end, and how long the empty line after them is.
fn header_end(bytes: &[u8]) -> Option<(usize, usize)> {
    let with_returns = find(bytes, b"\r\n\r\n").map(|at| (at, 4));
    let bare = find(bytes, b"\n\n").map(|at| (at, 2));
    match (with_returns, bare) {
        (Some(a), Some(b)) => Some(if a.0 < b.0 { a } else { b }),
        (a, b) => a.or(b),
    }
}

fn content_length(headers: &[u8]) -> Option<usize> {
    let text = std::str::from_utf8(headers).ok()?;
    text.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("content-length"))
        .and_then(|(_, value)| value.trim().parse().ok())
        // Zero is what a camera writes that does not know.
        .filter(|bytes| *bytes > 0)
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    let first = *needle.first()?;
    let mut from = 0;
    while let Some(at) = haystack[from..].iter().position(|byte| *byte == first) {
        if haystack[from + at..].starts_with(needle) {
            return Some(from + at);
        }
        from += at + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(stream: &[u8], chunk: usize) -> Vec<Vec<u8>> {
        let mut cutter = Cutter::new(b"--frame".to_vec());
        let mut parts = Vec::new();
        for bytes in stream.chunks(chunk) {
            cutter.push(bytes);
            while let Some(part) = cutter.next_part().expect("sound") {
                parts.push(part);
            }
        }
        parts
    }

    #[test]
    fn boundaries_are_read_as_cameras_write_them() {
        let read = |text| boundary(text).expect("sound");
        assert_eq!(
            read("multipart/x-mixed-replace; boundary=frame"),
            b"--frame"
        );
        assert_eq!(
            read("multipart/x-mixed-replace;boundary=\"--frame\""),
            b"--frame"
        );
        assert_eq!(
            read("Multipart/X-Mixed-Replace; charset=x; Boundary=a=b"),
            b"--a=b"
        );
        for wrong in [
            "text/html",
            "multipart/x-mixed-replace",
            "multipart/x;boundary=",
            "",
        ] {
            assert!(boundary(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn parts_come_whole_however_the_bytes_are_cut() {
        let stream = b"junk\r\n--frame\r\nContent-Type: image/jpeg\r\nContent-Length: 9\r\n\r\n\
            ab--frame\r\n--frame\r\nContent-Type: image/jpeg\r\n\r\nsecond\r\n--frame\n\
            content-length: 0\n\nthird\n--frame\r\n";
        let expected: [&[u8]; 3] = [b"ab--frame", b"second", b"third"];
        for chunk in [1, 2, 7, 64, 4096] {
            assert_eq!(parts(stream, chunk), expected, "in pieces of {chunk}");
        }
    }

    #[test]
    fn lies_and_floods_are_refused_before_memory_is_taken() {
        let mut cutter = Cutter::new(b"--frame".to_vec());
        cutter.push(b"--frame\r\nContent-Length: 99999999999\r\n\r\n");
        assert_eq!(cutter.next_part(), Err(MultipartError::PartTooLarge));
        let mut cutter = Cutter::new(b"--frame".to_vec());
        cutter.push(&[b'x'; MAX_HEADER_BYTES]);
        assert_eq!(cutter.next_part(), Err(MultipartError::NoBoundary));
        let mut cutter = Cutter::new(b"--frame".to_vec());
        cutter.push(b"--frame\r\n\r\n");
        cutter.push(&vec![b'-'; MAX_PART_BYTES + 1]);
        assert_eq!(cutter.next_part(), Err(MultipartError::PartTooLarge));
    }
}
