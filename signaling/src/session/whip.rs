//! WHIP (RFC 9725) as plain values, like [`crate::whep`]. The publisher becomes the video source.
//!
//! | route | method |
//! |---|---|
//! | `/whip` | `POST` offer, `OPTIONS`, `HEAD`, `GET` |
//! | `/whip/{id}` | `PATCH` candidates or an ICE restart, `DELETE` |
//!
//! The HTTP server authorises publishers. A session's location is unguessable and needs no further token.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use capture::SourceSwitch;

use super::negotiation::negotiate_publisher;
use super::patch;
use super::reply::{RETRY_AFTER_S, Reply, SDP, checked_body, created, problem, session_problem};
use crate::engine::EngineHandle;
use crate::ingest::decode_worker;
use crate::ingest::publisher::NewPublisherParts;
use crate::ingest::unit_queue::unit_queue;
use crate::transport::session::SessionError;

pub use super::patch::SessionPatch;
pub use crate::ingest::metrics::{UnitDrop, WhipMetrics};

/// The WHIP resources.
#[derive(Debug, Clone)]
pub struct Whip {
    engine: EngineHandle,
    switch: Arc<SourceSwitch>,
    metrics: Arc<WhipMetrics>,
}

/// A `POST` to the endpoint, from an authorised publisher.
#[derive(Debug, Clone, Copy)]
pub struct WhipPost<'a> {
    /// `Content-Type`.
    pub content_type: Option<&'a str>,
    /// `Host`: the address in it becomes a candidate.
    pub host: Option<&'a str>,
    /// `User-Agent`, from which the source name is derived.
    pub user_agent: Option<&'a str>,
    /// Whether it may replace a publisher whose picture is live.
    pub takes_over: bool,
    /// The offer.
    pub body: &'a [u8],
}

impl Whip {
    /// The endpoint at `/whip`. Published pictures go to `switch`.
    #[must_use]
    pub fn new(engine: EngineHandle, switch: Arc<SourceSwitch>, metrics: Arc<WhipMetrics>) -> Self {
        Self {
            engine,
            switch,
            metrics,
        }
    }

    /// Answers an offer: 201 with the answer and the session's location, or an error.
    pub async fn post(&self, post: WhipPost<'_>) -> Reply {
        self.try_post(post).await.unwrap_or_else(|problem| problem)
    }

    async fn try_post(&self, post: WhipPost<'_>) -> Result<Reply, Reply> {
        let offer = checked_body(post.content_type, SDP, post.body)?;
        let (sender, receiver) = unit_queue();
        let name = publisher_name(post.user_agent);
        let parts = NewPublisherParts {
            units: sender,
            metrics: Arc::clone(&self.metrics),
            switch: Arc::clone(&self.switch),
            name,
            takes_over: post.takes_over,
        };
        let candidates = self.engine.candidates(post.host);
        let shared = self.engine.shared();
        let (newcomer, answer) = negotiate_publisher(shared, &candidates, offer, parts)?;
        let id = newcomer.id.clone();
        let tag = newcomer.peer.names().local.ufrag.clone();
        let guest = match self.engine.publish(newcomer).await {
            Ok(guest) => guest,
            Err(error @ SessionError::EngineEnded) => return Err(session_problem(error)),
            Err(_) => return Err(occupied()),
        };
        let metrics = Arc::clone(&self.metrics);
        if let Err(error) = decode_worker::spawn(receiver, guest, metrics, &shared.registered) {
            tracing::error!(%error, "cannot start a decoder thread");
            self.delete(&id).await;
            let detail = "this machine is out of threads or memory; try again in a moment";
            return Err(problem(503, "Overloaded", detail).with("Retry-After", RETRY_AFTER_S));
        }
        tracing::info!(publisher = name, "a publisher has joined");
        Ok(created(format!("whip/{id}"), &tag, answer))
    }

    /// The response to an unauthorised publisher: 401.
    #[must_use]
    pub fn unauthorised() -> Reply {
        let detail = "publishing needs the admin token, or the whip_token of the configuration: send \
                      Authorization: Bearer TOKEN";
        problem(401, "Not authorised", detail).with("WWW-Authenticate", "Bearer realm=\"carrier\"")
    }

    /// Adds trickled candidates: 204; or restarts ICE with new credentials: 200.
    pub async fn patch(&self, id: &str, patch: SessionPatch<'_>) -> Reply {
        let patched = patch::patch(&self.engine, id, patch).await;
        patched.unwrap_or_else(|problem| problem)
    }

    /// Ends a session: 200. The previous source becomes active again.
    pub async fn delete(&self, id: &str) -> Reply {
        patch::delete(&self.engine, id).await
    }
}

fn occupied() -> Reply {
    let detail = "somebody else publishes; when their picture stops, the place is free. Whoever \
                  holds the admin token may take it with ?takeover=1";
    problem(409, "Somebody publishes", detail).with("Retry-After", RETRY_AFTER_S)
}

/// A readable source name for a `User-Agent`.
fn publisher_name(user_agent: Option<&str>) -> &'static str {
    let agent = user_agent.unwrap_or_default().to_ascii_lowercase();
    let says = |word: &str| agent.contains(word);
    // OBS and phones also contain "Mozilla".
    let names = [
        ("obs", "OBS"),
        ("lavf", "ffmpeg"),
        ("gstreamer", "GStreamer"),
        ("android", "phone camera"),
        ("iphone", "phone camera"),
        ("ipad", "tablet camera"),
        ("mobile", "phone camera"),
        ("mozilla", "camera of a browser"),
    ];
    let found = names.iter().find(|(word, _)| says(word));
    found.map_or("published picture", |(_, name)| name)
}
