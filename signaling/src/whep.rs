//! WHEP (draft-ietf-wish-whep) over HTTP: text in, text out. Whoever serves HTTP maps routes to
//! this.
//!
//! | route | method |
//! |---|---|
//! | `/whep` | `POST` offer, `OPTIONS`, `HEAD`, `GET` |
//! | `/whep/{id}` | `PATCH` candidates or an ICE restart, `DELETE` |
//! | `/whep/{id}/rendition` | `PUT` what to watch |

use std::time::Instant;

use crate::audience::{Refused, Restart, choice};
use crate::congestion::Choice;
use crate::engine::{EngineHandle, Trickle};
use crate::ice::Credentials;
use crate::negotiation::{NegotiationError, negotiate};
use crate::rendition::Rendition;
use crate::sdp::{Fragment, RestartAnswer};

/// The most bytes a body may have. Browsers' offers have 3 to 8 KiB; whoever serves HTTP should
/// read no more than this plus one.
pub const BODY_BYTES_MAX: usize = 64 * 1024;

pub(crate) const SDP: &str = "application/sdp";
pub(crate) const SDP_FRAGMENT: &str = "application/trickle-ice-sdpfrag";
const PROBLEM: &str = "application/problem+json";
pub(crate) const RETRY_AFTER_S: &str = "5";

/// The WHEP resources.
#[derive(Debug, Clone)]
pub struct Whep {
    engine: EngineHandle,
    path: String,
}

/// A `POST` to the endpoint.
#[derive(Debug, Clone, Copy)]
pub struct WhepPost<'a> {
    /// `Content-Type`.
    pub content_type: Option<&'a str>,
    /// `Host`: the address in it becomes a candidate.
    pub host: Option<&'a str>,
    /// What the viewer wants to watch, `?rendition=`: `auto` or a name as `360p`.
    pub rendition: Option<&'a str>,
    /// The offer.
    pub body: &'a [u8],
}

/// A `PATCH` to a session.
#[derive(Debug, Clone, Copy)]
pub struct WhepPatch<'a> {
    /// `If-Match`.
    pub if_match: Option<&'a str>,
    /// `Content-Type`.
    pub content_type: Option<&'a str>,
    /// `Host`, as in [`WhepPost`].
    pub host: Option<&'a str>,
    /// The fragment.
    pub body: &'a [u8],
}

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

/// Why whoever serves HTTP has no place for another viewer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoPlace {
    /// There are as many viewers as the station may have.
    Station,
    /// There are as many viewers as one address may have.
    Address,
}

impl Whep {
    /// The endpoint at `/whep`.
    #[must_use]
    pub fn new(engine: EngineHandle) -> Self {
        Self {
            engine,
            path: "/whep".to_owned(),
        }
    }

    /// Answers an offer: 201 with the answer and the session's address, or why not.
    pub async fn post(&self, post: WhepPost<'_>) -> Reply {
        self.post_holding(post, Box::new(())).await
    }

    /// As [`Self::post`]. `held` is dropped when the viewer is gone, by `DELETE`, by its goodbye or
    /// because nothing was heard of it any more; or at once, if it does not come in.
    pub async fn post_holding(&self, post: WhepPost<'_>, held: Box<dyn Send>) -> Reply {
        let offer = match readable(post.content_type, SDP, post.body) {
            Ok(text) => text,
            Err(reply) => return reply,
        };
        if self.engine.is_full() {
            return full();
        }
        let choice = match self.choice(post.rendition.unwrap_or("auto")) {
            Ok(choice) => choice,
            Err(reply) => return reply,
        };
        let candidates = self.engine.candidates(post.host);
        let mut negotiated = match negotiate(
            self.engine.shared(),
            &candidates,
            offer,
            choice,
            Instant::now(),
        ) {
            Ok(negotiated) => negotiated,
            Err(error) => return refused_offer(&error),
        };
        negotiated.arrival.held = held;
        let id = negotiated.arrival.id.clone();
        let tag = negotiated.arrival.local_ufrag.clone();
        match self.engine.join(negotiated.arrival).await {
            Some(Ok(())) => Reply::new(201)
                .with("Content-Type", SDP)
                .with("Location", format!("{}/{id}", self.path))
                .with("ETag", format!("\"{tag}\""))
                .with("Accept-Patch", SDP_FRAGMENT)
                .with("Cache-Control", "no-store")
                .containing(negotiated.answer),
            Some(Err(_)) => full(),
            None => ended(),
        }
    }

    /// Takes candidates that came after the offer: 204. New credentials ask for an ICE restart (RFC
    /// 9725 4.3.3): 200 with our new ones and our addresses of now. Whatever else is answered, the
    /// session goes on as it was.
    pub async fn patch(&self, id: &str, patch: WhepPatch<'_>) -> Reply {
        let text = match readable(patch.content_type, SDP_FRAGMENT, patch.body) {
            Ok(text) => text,
            Err(reply) => return reply,
        };
        let Some(fragment) = Fragment::parse(text) else {
            let detail = "the body is not an SDP fragment (RFC 8840)";
            return problem(400, "Malformed fragment", detail);
        };
        let trickle = Trickle {
            id: id.to_owned(),
            tag: wanted_tag(patch.if_match),
            ufrag: fragment.ufrag.clone(),
            candidates: fragment.candidates.clone(),
        };
        match self.engine.trickle(trickle).await {
            Some(Ok(())) => Reply::new(204),
            Some(Err(Refused::Restart)) => self.restart(id, patch, fragment).await,
            Some(Err(refused)) => refused_patch(refused),
            None => ended(),
        }
    }

    async fn restart(&self, id: &str, patch: WhepPatch<'_>, fragment: Fragment) -> Reply {
        let Some(remote) = fragment.credentials else {
            let detail = "an ICE restart needs a=ice-ufrag and a=ice-pwd as RFC 8839 5.4 has them";
            return problem(400, "Malformed fragment", detail);
        };
        let candidates = self.engine.candidates(patch.host);
        let credentials = Credentials::random();
        let shared = self.engine.shared();
        let answer = RestartAnswer {
            mid: fragment.mid.as_deref(),
            credentials: &credentials,
            candidates: &candidates.lines(shared.port, shared.tcp),
        };
        let (answer, tag) = (answer.text(), credentials.ufrag.clone());
        let restart = Restart {
            id: id.to_owned(),
            tag: wanted_tag(patch.if_match),
            local: credentials,
            remote,
            addresses: candidates.local,
            candidates: fragment.candidates,
        };
        match self.engine.restart(restart).await {
            Some(Ok(())) => Reply::new(200)
                .with("Content-Type", SDP_FRAGMENT)
                .with("ETag", format!("\"{tag}\""))
                .with("Cache-Control", "no-store")
                .containing(answer),
            Some(Err(refused)) => refused_patch(refused),
            None => ended(),
        }
    }

    /// Changes what a session watches from the next keyframe on: 204. The body is `auto` or a
    /// rendition's name, as `360p`.
    pub async fn put_rendition(&self, id: &str, body: &[u8]) -> Reply {
        let wanted = std::str::from_utf8(body).unwrap_or_default().trim();
        let choice = match self.choice(wanted) {
            Ok(choice) => choice,
            Err(reply) => return reply,
        };
        match self.engine.choose(id.to_owned(), choice).await {
            Some(Ok(())) => Reply::new(204),
            Some(Err(_)) => unknown(),
            None => ended(),
        }
    }

    fn choice(&self, wanted: &str) -> Result<Choice, Reply> {
        let renditions = &self.engine.shared().renditions;
        choice(renditions, wanted).ok_or_else(|| {
            let names: Vec<String> = renditions.iter().map(Rendition::name).collect();
            let detail = format!("a rendition is auto or one of {}", names.join(", "));
            problem(422, "No such rendition", &detail)
        })
    }

    /// Ends a session: 200.
    pub async fn delete(&self, id: &str) -> Reply {
        match self.engine.leave(id.to_owned()).await {
            Some(Ok(())) => Reply::new(200),
            Some(Err(_)) => unknown(),
            None => ended(),
        }
    }

    /// `OPTIONS` of either resource, CORS preflight included: 204.
    #[must_use]
    pub fn options(&self) -> Reply {
        Reply::new(204)
            .with("Accept-Post", SDP)
            .with("Accept-Patch", SDP_FRAGMENT)
            .with(
                "Access-Control-Allow-Methods",
                "OPTIONS, HEAD, GET, POST, PATCH, PUT, DELETE",
            )
            .with(
                "Access-Control-Allow-Headers",
                "Authorization, Content-Type, If-Match",
            )
            .with("Access-Control-Max-Age", "86400")
    }

    /// The answer when there is no place: 503 or 429, with the time to come back.
    #[must_use]
    pub fn no_place(&self, why: NoPlace) -> Reply {
        match why {
            NoPlace::Station => full(),
            NoPlace::Address => {
                let detail = "there are as many viewers at your address as one may have; close \
                              another page, or try again in a moment";
                problem(429, "Too many from one address", detail).with("Retry-After", RETRY_AFTER_S)
            }
        }
    }

    /// `HEAD` of the endpoint: how a player finds out that this is one.
    #[must_use]
    pub fn head(&self) -> Reply {
        Reply::new(200)
            .with("Content-Type", SDP)
            .with("Accept-Post", SDP)
    }

    /// `GET` of either resource: nothing to see, but no error either.
    #[must_use]
    pub fn get(&self) -> Reply {
        Reply::new(204).with("Accept-Post", SDP)
    }
}

impl Reply {
    pub(crate) fn new(status: u16) -> Self {
        // A feed for players anywhere: their pages must be able to ask and to read the headers.
        Self {
            status,
            headers: vec![
                ("Access-Control-Allow-Origin", "*".to_owned()),
                (
                    "Access-Control-Expose-Headers",
                    "Location, ETag, Link".to_owned(),
                ),
            ],
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

fn refused_offer(error: &NegotiationError) -> Reply {
    let malformed = matches!(error, NegotiationError::Offer(error) if error.is_malformed());
    let (status, title) = if malformed {
        (400, "Malformed offer")
    } else {
        (422, "Offer cannot be answered")
    };
    problem(status, title, &error.to_string())
}

fn refused_patch(refused: Refused) -> Reply {
    match refused {
        Refused::WrongTag => {
            let detail = "If-Match names another state of this session; send the ETag of the \
                          newest answer, or *";
            problem(412, "Another ETag", detail)
        }
        Refused::Unknown | Refused::Full | Refused::Restart => unknown(),
    }
}

fn full() -> Reply {
    let detail = "there are as many viewers as this machine serves; try again in a moment";
    problem(503, "Full", detail).with("Retry-After", RETRY_AFTER_S)
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
