//! Answers of WHEP and WHIP as text for HTTP, and what both check of a request's body.

/// The most bytes a body may have. Browsers' offers have 3 to 8 KiB; whoever serves HTTP should
/// read no more than this plus one.
pub const BODY_BYTES_MAX: usize = 64 * 1024;

pub(crate) const SDP: &str = "application/sdp";
pub(crate) const SDP_FRAGMENT: &str = "application/trickle-ice-sdpfrag";
const PROBLEM: &str = "application/problem+json";
pub(crate) const RETRY_AFTER_S: &str = "5";

/// What to answer over HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// Status code.
    pub status: u16,
    /// All headers but `Content-Length`.
    pub headers: Vec<(&'static str, String)>,
    /// Empty, SDP, or a problem as JSON (RFC 9457).
    pub body: String,
}

impl Reply {
    pub(crate) fn new(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: String::new(),
        }
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) fn containing(mut self, body: String) -> Self {
        self.body = body;
        self
    }

    /// The first header called `name`.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

/// The body as text, if type and size allow. A body without a type is taken at its word.
pub(crate) fn readable<'a>(
    content_type: Option<&str>,
    wanted: &str,
    body: &'a [u8],
) -> Result<&'a str, Reply> {
    let given = content_type.map(|value| value.split(';').next().unwrap_or(value).trim());
    if let Some(given) = given
        && !given.eq_ignore_ascii_case(wanted)
    {
        let detail = format!("this takes Content-Type: {wanted}");
        return Err(problem(415, "Unsupported media type", &detail).with("Accept-Post", SDP));
    }
    if body.len() > BODY_BYTES_MAX {
        let detail = format!("the body has more than {BODY_BYTES_MAX} bytes");
        return Err(problem(413, "Too large", &detail));
    }
    std::str::from_utf8(body).map_err(|_| problem(400, "Not text", "the body is not UTF-8 text"))
}

/// The tag that `If-Match` asks for; `None`: whatever is there. Players write all of `*`, `"*"`, a
/// quoted tag, a bare one, and nothing.
pub(crate) fn wanted_tag(if_match: Option<&str>) -> Option<String> {
    let value = if_match?.split(',').next()?.trim();
    let tag = value.strip_prefix("W/").unwrap_or(value).trim_matches('"');
    (!tag.is_empty() && tag != "*").then(|| tag.to_owned())
}

/// A new session: 201 with the answer, its address and the tag of its state. `location` is relative to the
/// endpoint, so that it is right behind a proxy that adds a prefix to the path.
pub(crate) fn created(location: String, tag: &str, answer: String) -> Reply {
    Reply::new(201)
        .with("Content-Type", SDP)
        .with("Location", location)
        .with("ETag", format!("\"{tag}\""))
        .with("Accept-Patch", SDP_FRAGMENT)
        .with("Cache-Control", "no-store")
        .containing(answer)
}

/// An offer without an answer: the text is at fault, or what it asks for.
pub(crate) fn refused_offer(malformed: bool, detail: &str) -> Reply {
    let (status, title) = if malformed {
        (400, "Malformed offer")
    } else {
        (422, "Offer cannot be answered")
    };
    problem(status, title, detail)
}

pub(crate) fn malformed_fragment() -> Reply {
    let detail = "the body is not an SDP fragment (RFC 8840)";
    problem(400, "Malformed fragment", detail)
}

pub(crate) fn wrong_tag() -> Reply {
    let detail = "If-Match names another state of this session; send the ETag of the newest \
                  answer, or *";
    problem(412, "Another ETag", detail)
}

pub(crate) fn ended() -> Reply {
    let detail = "the media engine is not running; try again in a moment";
    problem(503, "Not running", detail).with("Retry-After", RETRY_AFTER_S)
}

pub(crate) fn unknown() -> Reply {
    let detail = "there is no such session; it has ended";
    problem(404, "Unknown session", detail)
}

/// A problem as JSON. `error` repeats the detail for players that look for that (MediaMTX's).
pub(crate) fn problem(status: u16, title: &str, detail: &str) -> Reply {
    let (title, detail) = (quoted(title), quoted(detail));
    Reply::new(status)
        .with("Content-Type", PROBLEM)
        .with("Cache-Control", "no-store")
        .containing(format!(
            "{{\"type\":\"about:blank\",\"title\":{title},\"status\":{status},\
             \"detail\":{detail},\"error\":{detail}}}"
        ))
}

/// A JSON string (RFC 8259 7).
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            control if control < ' ' => {
                quoted.push_str(&format!("\\u{:04x}", u32::from(control)));
            }
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn if_match_is_read_as_players_write_it() {
        for anything in [None, Some("*"), Some("\"*\""), Some(""), Some(" * ")] {
            assert_eq!(wanted_tag(anything), None, "{anything:?}");
        }
        for tag in ["\"abc\"", "abc", "W/\"abc\"", "\"abc\", \"def\""] {
            assert_eq!(wanted_tag(Some(tag)).as_deref(), Some("abc"), "{tag}");
        }
    }

    #[test]
    fn bodies_are_checked_before_they_are_read() {
        let status = |content_type, body: &[u8]| {
            readable(content_type, SDP, body)
                .map(str::len)
                .map_err(|reply| reply.status)
        };
        assert_eq!(status(Some("application/sdp"), b"v=0"), Ok(3));
        assert_eq!(
            status(Some("Application/SDP; charset=utf-8"), b"v=0"),
            Ok(3)
        );
        assert_eq!(status(None, b"v=0"), Ok(3));
        assert_eq!(status(Some("text/plain"), b"v=0"), Err(415));
        assert_eq!(status(Some(SDP), &vec![b'a'; BODY_BYTES_MAX + 1]), Err(413));
        assert_eq!(status(Some(SDP), b"\xff\xfe"), Err(400));
    }

    #[test]
    fn problems_are_json_whatever_is_in_them() {
        let reply = problem(422, "Odd", "a \"quote\", a \\ and a \n");
        assert_eq!(
            reply.body,
            "{\"type\":\"about:blank\",\"title\":\"Odd\",\"status\":422,\
             \"detail\":\"a \\\"quote\\\", a \\\\ and a \\u000a\",\
             \"error\":\"a \\\"quote\\\", a \\\\ and a \\u000a\"}"
        );
        assert_eq!(reply.header("content-type"), Some(PROBLEM));
    }
}
