//! The HTTP side of WHIP (RFC 9725). Every call blocks, for a bounded time.

#[cfg(test)]
mod tests;

use std::time::Duration;

use ureq::http::{HeaderMap, Response};
use ureq::{Agent, Body, Timeout};
use url::Url;

use super::course::{Failure, FailureKind};
use super::link::{IceServer, ice_servers};
use super::target::{PublishTarget, follow};

/// An offer's answer. OBS gives up after 8 s.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
const TRICKLE_WITHIN: Duration = Duration::from_secs(3);
/// Also at the end of the program, which waits for it.
const GOODBYE_WITHIN: Duration = Duration::from_secs(2);
const REDIRECTS_MAX: usize = 3;
/// No answer comes near this.
const ANSWER_BYTES_MAX: u64 = 128 * 1024;

/// Speaks to one server.
#[derive(Debug)]
pub(super) struct WhipClient {
    agent: Agent,
    target: PublishTarget,
}

/// The server's answer to an offer.
pub(super) struct Admission {
    pub(super) resource: Resource,
    pub(super) answer: String,
    pub(super) ice_servers: Vec<IceServer>,
}

/// The session at the server.
#[derive(Debug, Clone)]
pub(super) struct Resource {
    url: Url,
    etag: Option<String>,
}

impl WhipClient {
    pub(super) fn new(target: PublishTarget) -> Self {
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            // Redirects are followed here, where the token's origin is known.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent(concat!("carrier/", env!("CARGO_PKG_VERSION")));
        if target.is_loopback() {
            // What a proxy calls localhost is another machine.
            config = config.proxy(None);
        }
        Self {
            agent: config.build().into(),
            target,
        }
    }

    /// Offers, and follows 307 and 308 (RFC 9725 4.5).
    pub(super) fn offer(&self, offer: &str) -> Result<Admission, Failure> {
        let mut url = self.target.url().clone();
        for _ in 0..=REDIRECTS_MAX {
            let mut request = self.agent.post(url.as_str());
            if let Some(authorization) = self.target.authorization(&url) {
                request = request.header("Authorization", authorization);
            }
            let request = request.config().timeout_global(Some(ANSWER_WITHIN)).build();
            let response = request.content_type("application/sdp").send(offer);
            let response = response.map_err(|error| unreachable(&error))?;
            match (response.status().as_u16(), header(&response, "location")) {
                (201, Some(location)) => {
                    let url = follow(&url, location)?;
                    return admission(url, response);
                }
                (201, None) => {
                    let why = "The server names no session (no Location).";
                    return Err(Failure::new(FailureKind::BadAnswer, why));
                }
                (307 | 308, Some(location)) => url = follow(&url, location)?,
                (status, _) => {
                    return Err(Failure::of_status(status, header(&response, "retry-after")));
                }
            }
        }
        let why = "The server leads in circles.";
        Err(Failure::new(FailureKind::BadAnswer, why))
    }

    /// Adds candidates. Servers may do without, so that a failure is only worth a line in the log.
    pub(super) fn trickle(&self, resource: &Resource, fragment: &str) {
        let mut request = self.agent.patch(resource.url.as_str());
        if let Some(authorization) = self.target.authorization(&resource.url) {
            request = request.header("Authorization", authorization);
        }
        if let Some(etag) = &resource.etag {
            request = request.header("If-Match", etag);
        }
        let request = request
            .config()
            .timeout_global(Some(TRICKLE_WITHIN))
            .build();
        let request = request.content_type("application/trickle-ice-sdpfrag");
        log_refusal("further candidates", request.send(fragment));
    }

    /// Ends the session. A server that does not hear it notices the silence.
    pub(super) fn delete(&self, resource: &Resource) {
        let mut request = self.agent.delete(resource.url.as_str());
        if let Some(authorization) = self.target.authorization(&resource.url) {
            request = request.header("Authorization", authorization);
        }
        let request = request
            .config()
            .timeout_global(Some(GOODBYE_WITHIN))
            .build();
        log_refusal("the goodbye", request.call());
    }
}

fn admission(url: Url, mut response: Response<Body>) -> Result<Admission, Failure> {
    let etag = header(&response, "etag").map(str::to_owned);
    let ice_servers = ice_servers(texts(response.headers(), "link"));
    let body = response.body_mut().with_config().limit(ANSWER_BYTES_MAX);
    let answer = body.read_to_string().map_err(|error| unreachable(&error))?;
    Ok(Admission {
        resource: Resource { url, etag },
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

fn log_refusal(what: &str, response: Result<Response<Body>, ureq::Error>) {
    match response {
        Ok(response) if response.status().is_success() => {}
        Ok(response) => {
            let status = response.status().as_u16();
            tracing::debug!(status, "the WHIP server did not take {what}");
        }
        Err(error) => {
            let failure = unreachable(&error);
            tracing::debug!(%failure, "the WHIP server did not take {what}");
        }
    }
}

/// In our own words: the library's may hold the whole address.
fn unreachable(error: &ureq::Error) -> Failure {
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
    Failure::new(FailureKind::Unreachable, why)
}

/// A fragment with those candidates of `now` that `before` did not have yet; `None` without any.
/// Both are local descriptions of one session with one media section.
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
    // RFC 9725 4.3.1: port and formats say nothing here.
    lines.extend(["m=video 9 UDP/TLS/RTP/SAVPF 0", line("a=mid:")?]);
    lines.extend(new);
    lines.push("a=end-of-candidates");
    Some(lines.join("\r\n") + "\r\n")
}

fn candidates(sdp: &str) -> impl Iterator<Item = &str> {
    sdp.lines().filter(|line| line.starts_with("a=candidate:"))
}
