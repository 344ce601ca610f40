//! HTTP replies of WHEP and WHIP, and the checks of a request body.

use crate::transport::session::SessionError;

/// Maximum body size. Browsers' offers have 3 to 8 KiB; the HTTP server should read at most one byte more.
pub const BODY_BYTES_MAX: usize = 64 * 1024;

pub(crate) const SDP: &str = "application/sdp";
pub(crate) const SDP_FRAGMENT: &str = "application/trickle-ice-sdpfrag";
const PROBLEM: &str = "application/problem+json";
pub(crate) const RETRY_AFTER_S: &str = "5";

/// An HTTP response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// Status code.
    pub status: u16,
    /// All headers except `Content-Length`.
    pub headers: Vec<(&'static str, String)>,
    /// Empty, SDP, or a problem in JSON (RFC 9457).
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

    /// The first header with this name, in any case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

/// The body as text, if its type and size are acceptable. A missing type is accepted.
pub(crate) fn checked_body<'a>(
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

/// The entity tag of `If-Match`; `None` matches any state. Players send `*`, `"*"`, a quoted tag, a bare one,
/// or nothing.
pub(crate) fn entity_tag(if_match: Option<&str>) -> Option<String> {
    let value = if_match?.split(',').next()?.trim();
    let tag = value.strip_prefix("W/").unwrap_or(value).trim_matches('"');
    (!tag.is_empty() && tag != "*").then(|| tag.to_owned())
}

/// 201 with the answer, the session's location and entity tag. `location` is relative to the endpoint, so
/// that it is correct behind a proxy that adds a path prefix.
pub(crate) fn created(location: String, tag: &str, answer: String) -> Reply {
    Reply::new(201)
        .with("Content-Type", SDP)
        .with("Location", location)
        .with("ETag", format!("\"{tag}\""))
        .with("Accept-Patch", SDP_FRAGMENT)
        .with("Cache-Control", "no-store")
        .containing(answer)
}

/// An offer that is malformed (400) or cannot be answered (422).
pub(crate) fn offer_problem(malformed: bool, detail: &str) -> Reply {
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

/// Why a request on a session failed.
pub(crate) fn session_problem(error: SessionError) -> Reply {
    match error {
        SessionError::WrongTag => {
            let detail = "If-Match names another state of this session; send the ETag of the newest \
                          answer, or *";
            problem(412, "Another ETag", detail)
        }
        SessionError::EngineEnded => {
            let detail = "the media engine is not running; try again in a moment";
            problem(503, "Not running", detail).with("Retry-After", RETRY_AFTER_S)
        }
        SessionError::Unknown | SessionError::Full | SessionError::Restart => problem(
            404,
            "Unknown session",
            "there is no such session; it has ended",
        ),
    }
}

/// A problem in JSON. `error` repeats the detail for players that read it, such as MediaMTX's.
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

/// Formats a JSON string (RFC 8259 7).
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
    fn if_match_is_parsed_as_players_send_it() {
        for anything in [None, Some("*"), Some("\"*\""), Some(""), Some(" * ")] {
            assert_eq!(entity_tag(anything), None, "{anything:?}");
        }
        for tag in ["\"abc\"", "abc", "W/\"abc\"", "\"abc\", \"def\""] {
            assert_eq!(entity_tag(Some(tag)).as_deref(), Some("abc"), "{tag}");
        }
    }

    #[test]
    fn bodies_are_checked_for_type_size_and_encoding() {
        let status = |content_type, body: &[u8]| {
            checked_body(content_type, SDP, body)
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
    fn problems_escape_special_characters() {
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
