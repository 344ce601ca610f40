//! WHEP (draft-ietf-wish-whep) as plain values. The HTTP server maps routes to this.
//!
//! | route | method |
//! |---|---|
//! | `/whep` | `POST` offer, `OPTIONS`, `HEAD`, `GET` |
//! | `/whep/{id}` | `PATCH` candidates or an ICE restart, `DELETE` |
//! | `/whep/{id}/rendition` | `PUT` what to watch |

use super::negotiation::negotiate;
use super::patch;
use super::reply::{
    RETRY_AFTER_S, SDP, SDP_FRAGMENT, checked_body, created, problem, session_problem,
};
use crate::congestion::{RenditionChoice, parse_choice};
use crate::encode::encoder::Rendition;
use crate::engine::EngineHandle;
use crate::metrics::{JoinFailure, count_join_failure};
use crate::transport::session::SessionError;

pub use super::patch::SessionPatch;
pub use super::reply::{BODY_BYTES_MAX, Reply};
pub use crate::fanout::viewer::Place;

/// The WHEP resources.
#[derive(Debug, Clone)]
pub struct Whep {
    engine: EngineHandle,
}

/// A `POST` to the endpoint.
#[derive(Debug, Clone, Copy)]
pub struct WhepPost<'a> {
    /// `Content-Type`.
    pub content_type: Option<&'a str>,
    /// `Host`: the address in it becomes a candidate.
    pub host: Option<&'a str>,
    /// Requested rendition, `?rendition=`: `auto` or a name such as `360p`.
    pub rendition: Option<&'a str>,
    /// The offer.
    pub body: &'a [u8],
}

/// The limit that keeps another viewer out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ViewerLimit {
    /// The viewer limit of the station.
    Station,
    /// The viewer limit per address.
    Address,
}

impl Whep {
    /// The endpoint at `/whep`.
    #[must_use]
    pub fn new(engine: EngineHandle) -> Self {
        Self { engine }
    }

    /// Answers an offer: 201 with the answer and the session's location, or an error.
    pub async fn post(&self, post: WhepPost<'_>) -> Reply {
        self.post_with_place(post, Box::new(())).await
    }

    /// As [`Self::post`]. `place` is dropped when the viewer is gone (by `DELETE`, a DTLS close or a timeout),
    /// or at once if it does not join.
    pub async fn post_with_place(&self, post: WhepPost<'_>, place: Box<dyn Place>) -> Reply {
        let answered = self.try_post(post, place).await;
        answered.unwrap_or_else(|(failure, problem)| {
            count_join_failure(&self.engine.shared().metrics, failure);
            problem
        })
    }

    async fn try_post(
        &self,
        post: WhepPost<'_>,
        place: Box<dyn Place>,
    ) -> Result<Reply, (JoinFailure, Reply)> {
        let refused = |problem| (JoinFailure::Offer, problem);
        let offer = checked_body(post.content_type, SDP, post.body).map_err(refused)?;
        if self.engine.is_full() {
            return Err((JoinFailure::Full, full()));
        }
        let choice = post.rendition.unwrap_or("auto");
        let choice = self.parse_choice(choice).map_err(refused)?;
        let candidates = self.engine.candidates(post.host);
        let shared = self.engine.shared();
        let negotiated = negotiate(shared, &candidates, offer, choice, place);
        let (newcomer, answer) = negotiated.map_err(refused)?;
        let location = format!("whep/{}", newcomer.id);
        let tag = newcomer.peer.names().local.ufrag.clone();
        match self.engine.join(newcomer).await {
            Ok(()) => Ok(created(location, &tag, answer)),
            Err(error @ SessionError::EngineEnded) => {
                Err((JoinFailure::EngineEnded, session_problem(error)))
            }
            Err(_) => Err((JoinFailure::Full, full())),
        }
    }

    /// Adds trickled candidates: 204; or restarts ICE with new credentials: 200.
    pub async fn patch(&self, id: &str, patch: SessionPatch<'_>) -> Reply {
        let patched = patch::patch(&self.engine, id, patch).await;
        patched.unwrap_or_else(|problem| problem)
    }

    /// Selects the rendition of a session: 204. It changes at the next keyframe. The body is `auto` or a
    /// rendition's name, such as `360p`.
    pub async fn put_rendition(&self, id: &str, body: &[u8]) -> Reply {
        let wanted = std::str::from_utf8(body).unwrap_or_default().trim();
        let choice = match self.parse_choice(wanted) {
            Ok(choice) => choice,
            Err(problem) => return problem,
        };
        let owned = id.to_owned();
        let chosen = self.engine.ask_session(id, move |audience, now, _| {
            audience.choose(now, &owned, choice)
        });
        match chosen.await {
            Ok(()) => Reply::new(204),
            Err(error) => session_problem(error),
        }
    }

    fn parse_choice(&self, wanted: &str) -> Result<RenditionChoice, Reply> {
        let renditions = &self.engine.shared().renditions;
        parse_choice(renditions, wanted).ok_or_else(|| {
            let names: Vec<String> = renditions.iter().map(Rendition::name).collect();
            let detail = format!("a rendition is auto or one of {}", names.join(", "));
            problem(422, "No such rendition", &detail)
        })
    }

    /// Ends a session: 200.
    pub async fn delete(&self, id: &str) -> Reply {
        patch::delete(&self.engine, id).await
    }

    /// `OPTIONS` of either resource: 204. The HTTP server handles CORS preflights.
    #[must_use]
    pub fn options(&self) -> Reply {
        Reply::new(204)
            .with("Accept-Post", SDP)
            .with("Accept-Patch", SDP_FRAGMENT)
    }

    /// The response at a viewer limit: 503 or 429, with `Retry-After`.
    #[must_use]
    pub fn limit_reached(&self, why: ViewerLimit) -> Reply {
        match why {
            ViewerLimit::Station => full(),
            ViewerLimit::Address => {
                let detail = "there are as many viewers at your address as one may have; close \
                              another page, or try again in a moment";
                problem(429, "Too many from one address", detail).with("Retry-After", RETRY_AFTER_S)
            }
        }
    }

    /// `HEAD` of the endpoint, by which players detect WHEP.
    #[must_use]
    pub fn head(&self) -> Reply {
        Reply::new(200)
            .with("Content-Type", SDP)
            .with("Accept-Post", SDP)
    }

    /// `GET` of either resource: no content.
    #[must_use]
    pub fn get(&self) -> Reply {
        Reply::new(204).with("Accept-Post", SDP)
    }
}

fn full() -> Reply {
    let detail = "there are as many viewers as this machine serves; try again in a moment";
    problem(503, "Full", detail).with("Retry-After", RETRY_AFTER_S)
}
