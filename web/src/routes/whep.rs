//! WHEP: HTTP in and out, the meaning is `signaling`'s.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{ConnectInfo, Path, Query, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use signaling::whep::{Reply, SessionPatch, WhepPost};

use super::gate::is_preflight;
use crate::app::App;
use crate::connections::Caller;

/// `?rendition=720p`
#[derive(Debug, serde::Deserialize)]
pub(super) struct Wanted {
    rendition: Option<String>,
}

pub(super) async fn endpoint(
    State(app): State<Arc<App>>,
    ConnectInfo(caller): ConnectInfo<Caller>,
    Query(query): Query<Wanted>,
    method: Method,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let reply = match method {
        Method::POST => {
            let post = WhepPost {
                content_type: text(&headers, header::CONTENT_TYPE),
                host: text(&headers, header::HOST),
                rendition: query.rendition.as_deref(),
                body: &body,
            };
            match app.admission.admit(caller.ip) {
                Ok(place) => app.whep.post_seated(post, Box::new(place)).await,
                Err(why) => app.whep.no_place(why),
            }
        }
        Method::OPTIONS => app.whep.options(),
        Method::HEAD => app.whep.head(),
        Method::GET => app.whep.get(),
        _ => return not_allowed(),
    };
    // OPTIONS too, for clients that must know before they make an offer (RFC 9725 4.6).
    let asks = method == Method::OPTIONS && !is_preflight(&method, &headers);
    let tells = asks || reply.status == StatusCode::CREATED.as_u16();
    let mut response = respond(reply);
    for link in app.ice_links.iter().filter(|_| tells) {
        response.headers_mut().append(header::LINK, link.clone());
    }
    response
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
            app.whep
                .patch(&session, session_patch(&headers, &body))
                .await
        }
        Method::DELETE => app.whep.delete(&session).await,
        Method::OPTIONS => app.whep.options(),
        Method::HEAD => app.whep.head(),
        Method::GET => app.whep.get(),
        _ => return not_allowed(),
    };
    respond(reply)
}

/// PUT: what a session watches. Whoever knows its unguessable name may say so.
pub(super) async fn rendition(
    State(app): State<Arc<App>>,
    Path(session): Path<String>,
    body: Bytes,
) -> Response {
    respond(app.whep.put_rendition(&session, &body).await)
}

pub(super) fn session_patch<'a>(headers: &'a HeaderMap, body: &'a [u8]) -> SessionPatch<'a> {
    SessionPatch {
        if_match: text(headers, header::IF_MATCH),
        content_type: text(headers, header::CONTENT_TYPE),
        host: text(headers, header::HOST),
        body,
    }
}

pub(super) fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

pub(super) fn respond(reply: Reply) -> Response {
    let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, reply.body).into_response();
    response.headers_mut().remove(header::CONTENT_TYPE);
    for (name, value) in reply.headers {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(&value)) {
            response.headers_mut().append(name, value);
        }
    }
    response
}

pub(super) fn not_allowed() -> Response {
    let allowed = [(header::ALLOW, "OPTIONS, HEAD, GET, POST, PATCH, DELETE")];
    (StatusCode::METHOD_NOT_ALLOWED, allowed).into_response()
}
