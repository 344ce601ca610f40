//! The HTTP client of WHIP (RFC 9725). Every call blocks for a bounded time.

#[cfg(test)]
mod tests;

use std::time::Duration;

use ureq::http::{HeaderMap, Response};
use ureq::{Agent, Body, RequestBuilder, Timeout};
use url::Url;

use super::lifecycle::{AttemptError, FailureKind};
use super::link_header::{IceServer, ice_servers};
use super::target::{PublishTarget, resolve_location};

/// Time limit of an offer. OBS uses 8 s.
const OFFER_TIMEOUT: Duration = Duration::from_secs(10);
const TRICKLE_TIMEOUT: Duration = Duration::from_secs(3);
/// Also delays the end of the program.
const DELETE_TIMEOUT: Duration = Duration::from_secs(2);
const REDIRECTS_MAX: usize = 3;
/// Maximum size of an answer.
const ANSWER_BYTES_MAX: u64 = 128 * 1024;

/// Client of one server.
#[derive(Debug)]
pub(super) struct WhipClient {
    agent: Agent,
    target: PublishTarget,
}

/// The response to an offer.
pub(super) struct OfferResponse {
    pub(super) resource: SessionResource,
    pub(super) answer: String,
    pub(super) ice_servers: Vec<IceServer>,
}

/// The session's URL and entity tag at the server.
#[derive(Debug, Clone)]
pub(super) struct SessionResource {
    url: Url,
    etag: Option<String>,
}

impl WhipClient {
    pub(super) fn new(target: PublishTarget) -> Self {
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            // Redirects are followed in `offer`, which checks the origin for the token.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent(concat!("carrier/", env!("CARGO_PKG_VERSION")));
        if target.is_loopback() {
            // A proxy would connect to its own localhost.
            config = config.proxy(None);
        }
        Self {
            agent: config.build().into(),
            target,
        }
    }

    /// Sends the offer, following 307 and 308 (RFC 9725 4.5).
    pub(super) fn offer(&self, offer: &str) -> Result<OfferResponse, AttemptError> {
        let mut url = self.target.url().clone();
        for _ in 0..=REDIRECTS_MAX {
            let request = self.authorized(self.agent.post(url.as_str()), &url);
            let request = request.config().timeout_global(Some(OFFER_TIMEOUT)).build();
            let response = request.content_type("application/sdp").send(offer);
            let response = response.map_err(|error| unreachable(&error))?;
            match (response.status().as_u16(), header(&response, "location")) {
                (201, Some(location)) => {
                    let url = resolve_location(&url, location)?;
                    return admission(url, response);
                }
                (201, None) => {
                    let why = "The server names no session (no Location).";
                    return Err(AttemptError::new(FailureKind::BadAnswer, why));
                }
                (307 | 308, Some(location)) => url = resolve_location(&url, location)?,
                (status, _) => {
                    return Err(AttemptError::of_status(
                        status,
                        header(&response, "retry-after"),
                    ));
                }
            }
        }
        let why = "Too many redirects.";
        Err(AttemptError::new(FailureKind::BadAnswer, why))
    }

    /// Adds the token where `url` may see it.
    fn authorized<B>(&self, request: RequestBuilder<B>, url: &Url) -> RequestBuilder<B> {
        match self.target.authorization(url) {
            Some(authorization) => request.header("Authorization", authorization),
            None => request,
        }
    }

    /// Trickles candidates. Support is optional, so that failures are only logged.
    pub(super) fn trickle(&self, resource: &SessionResource, fragment: &str) {
        let request = self.agent.patch(resource.url.as_str());
        let mut request = self.authorized(request, &resource.url);
        if let Some(etag) = &resource.etag {
            request = request.header("If-Match", etag);
        }
        let request = request
            .config()
            .timeout_global(Some(TRICKLE_TIMEOUT))
            .build();
        let request = request.content_type("application/trickle-ice-sdpfrag");
        log_rejection("further candidates", request.send(fragment));
    }

    /// Deletes the session. Otherwise the server keeps it until its time-out.
    pub(super) fn delete(&self, resource: &SessionResource) {
        let request = self.agent.delete(resource.url.as_str());
        let request = self.authorized(request, &resource.url);
        let request = request
            .config()
            .timeout_global(Some(DELETE_TIMEOUT))
            .build();
        log_rejection("the DELETE request", request.call());
    }
}

fn admission(url: Url, mut response: Response<Body>) -> Result<OfferResponse, AttemptError> {
    let etag = header(&response, "etag").map(str::to_owned);
    let ice_servers = ice_servers(texts(response.headers(), "link"));
    let body = response.body_mut().with_config().limit(ANSWER_BYTES_MAX);
    let answer = body.read_to_string().map_err(|error| unreachable(&error))?;
    Ok(OfferResponse {
        resource: SessionResource { url, etag },
        answer,
        ice_servers,
    })
}

fn texts<'a>(headers: &'a HeaderMap, name: &'a str) -> impl Iterator<Item = &'a str> {
    let values = headers.get_all(name).iter();
    values.filter_map(|value| value.to_str().ok())
}

fn header<'a>(response: &'a Response<Body>, name: &'a str) -> Option<&'a str> {
    texts(response.headers(), name).next()
}

fn log_rejection(what: &str, response: Result<Response<Body>, ureq::Error>) {
    match response {
        Ok(response) if response.status().is_success() => {}
        Ok(response) => {
            let status = response.status().as_u16();
            tracing::debug!(status, "the WHIP server rejected {what}");
        }
        Err(error) => {
            let failure = unreachable(&error);
            tracing::debug!(%failure, "the WHIP server rejected {what}");
        }
    }
}

/// Describes an HTTP error without the URL, which the library's message may contain.
fn unreachable(error: &ureq::Error) -> AttemptError {
    let why = match error {
        ureq::Error::HostNotFound => "The server's name is not known.".to_owned(),
        ureq::Error::Timeout(Timeout::Resolve | Timeout::Connect)
        | ureq::Error::ConnectionFailed => "The server cannot be reached.".to_owned(),
        ureq::Error::Timeout(_) => "The server does not answer in time.".to_owned(),
        ureq::Error::Io(error) => format!("The server cannot be reached: {}.", error.kind()),
        ureq::Error::Tls(_) | ureq::Error::Rustls(_) => {
            "The server's certificate or encryption is not accepted.".to_owned()
        }
        _ => "The server does not speak HTTP as it should.".to_owned(),
    };
    AttemptError::new(FailureKind::Unreachable, why)
}

/// A fragment with the candidates of `now` that `before` lacks; `None` if there are none. Both are local
/// descriptions of one session with one media section.
pub(crate) fn new_candidates(before: &str, now: &str) -> Option<String> {
    let known: Vec<&str> = candidates(before).collect();
    let new: Vec<&str> = candidates(now)
        .filter(|line| !known.contains(line))
        .collect();
    if new.is_empty() {
        return None;
    }
    let line = |prefix: &str| now.lines().find(|line| line.starts_with(prefix));
    let mut lines = vec![line("a=ice-ufrag:")?, line("a=ice-pwd:")?];
    // RFC 9725 4.3.1: port and formats are ignored.
    lines.extend(["m=video 9 UDP/TLS/RTP/SAVPF 0", line("a=mid:")?]);
    lines.extend(new);
    lines.push("a=end-of-candidates");
    Some(lines.join("\r\n") + "\r\n")
}

fn candidates(sdp: &str) -> impl Iterator<Item = &str> {
    sdp.lines().filter(|line| line.starts_with("a=candidate:"))
}
