//! WHIP (RFC 9725) over HTTP: text in, text out, as [`crate::whep`]. Whoever publishes becomes the
//! source.
//!
//! | route | method |
//! |---|---|
//! | `/whip` | `POST` offer, `OPTIONS`, `HEAD`, `GET` |
//! | `/whip/{id}` | `PATCH` candidates or an ICE restart, `DELETE` |
//!
//! The way of a picture: packets come to the engine's thread by `publisher`, in order and with
//! retransmissions (`reception`); whole access units go to a decoder on a thread of its own
//! (`decode_worker`), and its pictures to a [`SourceSwitch`], where they take the place of the
//! source's.
//!
//! Who may publish is for whoever serves HTTP to decide. A session's address is unguessable and needs
//! no further token.

mod access_unit;
mod decode_worker;
mod decoder;
mod depacketise;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzz;
mod inbox;
mod metrics;
mod negotiation;
mod parameter_sets;
mod publisher;
mod publisher_name;
mod reception;
mod reorder;
mod unit_queue;

use std::sync::Arc;
use std::time::Instant;

use capture::SourceSwitch;

use self::negotiation::{PublishRefusal, negotiate};
use self::publisher::NewcomerParts;
use self::publisher_name::publisher_name;
use self::unit_queue::unit_queue;
use crate::engine::EngineHandle;
use crate::reply::{RETRY_AFTER_S, Reply, SDP, created, ended, problem, readable, refused_offer};
use crate::session_patch;

pub use self::metrics::{UnitDrop, WhipMetrics};
pub(crate) use self::publisher::{Newcomer, Publisher};
pub use crate::session_patch::SessionPatch;

/// The WHIP resources.
#[derive(Debug, Clone)]
pub struct Whip {
    engine: EngineHandle,
    switch: Arc<SourceSwitch>,
    metrics: Arc<WhipMetrics>,
}

/// A `POST` to the endpoint, from somebody who may publish.
#[derive(Debug, Clone, Copy)]
pub struct WhipPost<'a> {
    /// `Content-Type`.
    pub content_type: Option<&'a str>,
    /// `Host`: the address in it becomes a candidate.
    pub host: Option<&'a str>,
    /// `User-Agent`: viewers are told what kind of program it is.
    pub user_agent: Option<&'a str>,
    /// It may have the place of somebody whose picture is on the air.
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

    /// Answers an offer: 201 with the answer and the session's address, or why not.
    pub async fn post(&self, post: WhipPost<'_>) -> Reply {
        let offer = match readable(post.content_type, SDP, post.body) {
            Ok(text) => text,
            Err(reply) => return reply,
        };
        let (sender, receiver) = unit_queue();
        let name = publisher_name(post.user_agent);
        let parts = NewcomerParts {
            units: sender,
            metrics: Arc::clone(&self.metrics),
            switch: Arc::clone(&self.switch),
            name,
            takes_over: post.takes_over,
        };
        let candidates = self.engine.candidates(post.host);
        let shared = self.engine.shared();
        let negotiated = negotiate(shared, &candidates, offer, Instant::now(), parts);
        let (newcomer, answer) = match negotiated {
            Ok(negotiated) => negotiated,
            Err(error) => return refused_negotiation(&error),
        };
        let (id, tag) = (
            newcomer.id.clone(),
            newcomer.peer.names().local.ufrag.clone(),
        );
        let guest = match self.engine.publish(newcomer).await {
            Some(Ok(guest)) => guest,
            Some(Err(_)) => return occupied(),
            None => return ended(),
        };
        let threads = &self.engine.shared().registered;
        let metrics = Arc::clone(&self.metrics);
        if let Err(error) = decode_worker::spawn(receiver, guest, metrics, threads) {
            tracing::error!(%error, "no thread for a decoder");
            self.delete(&id).await;
            let detail = "this machine is out of threads or memory; try again in a moment";
            return problem(503, "Overloaded", detail).with("Retry-After", RETRY_AFTER_S);
        }
        tracing::info!(publisher = name, "somebody publishes");
        created(format!("whip/{id}"), &tag, answer)
    }

    /// For whoever may not publish: 401.
    #[must_use]
    pub fn unauthorised() -> Reply {
        let detail = "publishing needs the admin token, or the whip_token of the configuration: send \
                      Authorization: Bearer TOKEN";
        problem(401, "Not authorised", detail).with("WWW-Authenticate", "Bearer realm=\"carrier\"")
    }

    /// Takes candidates that came after the offer: 204; or, with new credentials, restarts ICE: 200.
    pub async fn patch(&self, id: &str, patch: SessionPatch<'_>) -> Reply {
        session_patch::patch(&self.engine, id, patch).await
    }

    /// Ends a session: 200. The previous source is back.
    pub async fn delete(&self, id: &str) -> Reply {
        session_patch::delete(&self.engine, id).await
    }
}

fn refused_negotiation(error: &PublishRefusal) -> Reply {
    let malformed = matches!(error, PublishRefusal::Offer(error) if error.is_malformed());
    refused_offer(malformed, &error.to_string())
}

fn occupied() -> Reply {
    let detail = "somebody else publishes; when their picture stops, the place is free. Whoever \
                  holds the admin token may take it with ?takeover=1";
    problem(409, "Somebody publishes", detail).with("Retry-After", RETRY_AFTER_S)
}
