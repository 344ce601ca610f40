//! What stands between two pictures: boundaries, headers of parts, and parts that are not pictures.

/// How many bytes of something that is not a picture are shown in a message.
const SHOWN_BYTES: usize = 24;

/// The headers and the beginning of a part's body.
#[derive(Debug, Default)]
pub(super) struct Part {
    length: Option<usize>,
    /// Its Content-Type is not that of a picture.
    is_other: bool,
    has_header: bool,
    body: Option<Body>,
    /// The beginning of a body that ended at a boundary without a picture.
    missing: Option<Vec<u8>>,
}

/// The beginning of a body, without a picture so far.
#[derive(Debug, Default)]
struct Body {
    bytes: usize,
    /// Its first bytes after white space.
    beginning: Vec<u8>,
}

impl Body {
    fn skip(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len();
        let mut bytes = bytes;
        if self.beginning.is_empty() {
            bytes = bytes.trim_ascii_start();
        }
        let room = SHOWN_BYTES - self.beginning.len();
        self.beginning.extend(bytes.iter().take(room));
    }
}

impl Part {
    /// Parses a line. Returns whether it was a boundary or a header.
    pub(super) fn line(&mut self, line: &[u8]) -> bool {
        let text = line.trim_ascii();
        if text.starts_with(b"--") {
            let body = self.body.take().filter(|_| !self.is_other);
            *self = Self {
                missing: body
                    .map(|body| body.beginning)
                    .filter(|beginning| !beginning.is_empty()),
                ..Self::default()
            };
            return true;
        }
        if let Some(body) = &mut self.body {
            body.skip(line);
            return false;
        }
        if text.is_empty() {
            self.body = self.has_header.then(Body::default);
            return true;
        }
        self.header(text)
    }

    fn header(&mut self, text: &[u8]) -> bool {
        let Some((name, value)) = std::str::from_utf8(text)
            .ok()
            .and_then(|text| text.split_once(':'))
        else {
            return false;
        };
        let name = name.trim();
        let is_name_byte = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        if name.is_empty() || !name.bytes().all(is_name_byte) {
            return false;
        }
        self.has_header = true;
        if name.eq_ignore_ascii_case("content-length") {
            // Cameras that do not know the length write zero.
            self.length = value.trim().parse().ok().filter(|bytes| *bytes > 0);
        } else if name.eq_ignore_ascii_case("content-type") {
            let kind = value.trim().to_ascii_lowercase();
            self.is_other = ["text/", "application/json", "application/xml", "audio/"]
                .iter()
                .any(|other| kind.starts_with(other));
        }
        true
    }

    /// Skips bytes that are not a line.
    pub(super) fn skip(&mut self, bytes: &[u8]) {
        if let Some(body) = &mut self.body {
            body.skip(bytes);
        }
    }

    /// Whether `rest` is a body that begins with the start marker of a JPEG.
    pub(super) fn is_at_picture(&self, rest: &[u8]) -> bool {
        let begins = |body: &Body| body.beginning.is_empty();
        self.body.as_ref().is_some_and(begins)
            && rest.len() > 2
            && rest.trim_ascii_start().len() == rest.len()
            && rest.starts_with(&[0xff, 0xd8])
    }

    /// How many bytes of the body are still to come, by its Content-Length.
    pub(super) fn bytes_left(&self) -> Option<usize> {
        let body = self.body.as_ref()?;
        self.length?.checked_sub(body.bytes)
    }

    /// A description of the body, if all of it is in `rest` and it is not a picture.
    pub(super) fn wrong_body(&self, rest: &[u8]) -> Option<String> {
        let left = self.bytes_left().filter(|_| !self.is_other)?;
        let body = self.body.as_ref()?;
        let last = rest.get(..left)?;
        let is_picture = |bytes: &[u8]| bytes.windows(2).any(|two| two == [0xff, 0xd8]);
        if is_picture(rest) {
            return None;
        }
        description(&[&body.beginning, last].concat())
    }

    /// A description of a body without a picture that has just ended at a boundary.
    pub(super) fn left_without_picture(&mut self) -> Option<String> {
        description(&self.missing.take()?)
    }

    /// A description of a body without a picture that ends with `rest` and the connection.
    pub(super) fn missing_picture(&self, rest: &[u8]) -> Option<String> {
        let body = self.body.as_ref().filter(|_| !self.is_other)?;
        description(&[&body.beginning, rest].concat())
    }
}

/// `None` for a blank body.
fn description(body: &[u8]) -> Option<String> {
    let body = body.trim_ascii();
    let beginning = &body[..body.len().min(SHOWN_BYTES)];
    let is_text = |byte: &u8| byte.is_ascii_graphic() || *byte == b' ';
    match beginning {
        [] => None,
        text if text.iter().all(is_text) => Some(format!(
            "this is no JPEG: it begins with \"{}\"",
            String::from_utf8_lossy(text)
        )),
        bytes => Some(format!(
            "this is no JPEG: it begins with {:02x?}",
            &bytes[..bytes.len().min(8)]
        )),
    }
}

/// Whether these bytes may follow a body: a line end or the next boundary.
pub(super) fn may_follow_a_body(behind: &[u8]) -> bool {
    let Some(line) = behind
        .strip_prefix(b"\r\n")
        .or_else(|| behind.strip_prefix(b"\n"))
    else {
        return behind.starts_with(b"--") || behind.starts_with(&[0xff, 0xd8]);
    };
    let start = &line[..line.len().min(2)];
    [&b"--"[..], b"\r\n", b"\xff\xd8"]
        .iter()
        .any(|next| next.starts_with(start))
        || start.iter().all(u8::is_ascii_alphabetic)
}

/// Where a boundary begins that is the last complete line. The data of a picture does not look like
/// this.
pub(super) fn boundary_at_the_end(bytes: &[u8]) -> Option<usize> {
    let tail_at = bytes.len().saturating_sub(256);
    let tail = bytes[tail_at..].strip_suffix(b"\n")?;
    let line_at = tail.iter().rposition(|byte| *byte == b'\n')?;
    let line = tail[line_at + 1..].trim_ascii_end();
    let is_boundary = line.len() >= 3
        && line.starts_with(b"--")
        && line.iter().all(|byte| byte.is_ascii_graphic());
    let before = bytes[..tail_at + line_at].strip_suffix(b"\r");
    is_boundary.then(|| before.map_or(tail_at + line_at, <[u8]>::len))
}
