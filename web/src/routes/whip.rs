//! WHIP: HTTP in and out and who may; the meaning is `signaling`'s.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, Method, header};
use axum::response::Response;
use serde::Deserialize;
use signaling::whip::{Whip, WhipPost};

use super::identify::Requester;
use super::whep::{not_allowed, respond, session_patch, text};
use super::yes_no;
use crate::app::App;
use crate::rights::PublishRight;

#[derive(Debug, Deserialize)]
pub(super) struct PublishQuery {
    #[serde(default, deserialize_with = "yes_no::field")]
    takeover: Option<bool>,
}

pub(super) async fn endpoint(
    State(app): State<Arc<App>>,
    Query(query): Query<PublishQuery>,
    requester: Requester,
    method: Method,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let reply = match method {
        Method::POST => {
            let Some(right) = requester.rights.publish else {
                return respond(Whip::unauthorised());
            };
            let post = WhipPost {
                content_type: text(&headers, header::CONTENT_TYPE),
                host: text(&headers, header::HOST),
                user_agent: text(&headers, header::USER_AGENT),
                takes_over: query.takeover == Some(true) && right == PublishRight::TakeOver,
                body: &body,
            };
            app.whip.post(post).await
        }
        // The same for both directions.
        Method::OPTIONS => app.whep.options(),
        Method::HEAD => app.whep.head(),
        Method::GET => app.whep.get(),
        _ => return not_allowed(),
    };
    respond(reply)
}

pub(super) async fn session(
    State(app): State<Arc<App>>,
    Path(session): Path<String>,
    method: Method,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let reply = match method {
        Method::PATCH => {
            app.whip
                .patch(&session, session_patch(&headers, &body))
                .await
        }
        Method::DELETE => app.whip.delete(&session).await,
        Method::OPTIONS => app.whep.options(),
        Method::HEAD => app.whep.head(),
        Method::GET => app.whep.get(),
        _ => return not_allowed(),
    };
    respond(reply)
}
