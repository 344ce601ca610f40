//! Routes of the admin: sessions, and the bitrate.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::access::admin::COOKIE;
use crate::access::credentials::cookie_headers;
use crate::app::App;
use crate::http::Caller;
use crate::http::bodies::{ApiError, Bitrate};
use crate::layers::identify::Requester;
use crate::routes::contract::operation::Operation;
use crate::routes::settings;

/// POST: opens a session for the admin token and sets its cookie.
pub(super) async fn log_in(
    State(app): State<Arc<App>>,
    ConnectInfo(caller): ConnectInfo<Caller>,
    requester: Requester,
) -> Response {
    if !requester.showed_admin_token {
        let why = "A new session needs the admin token itself, not the cookie of another one.\n";
        return (StatusCode::UNAUTHORIZED, why).into_response();
    }
    // The disk may be slow.
    match tokio::task::spawn_blocking(move || app.admin_sessions.open()).await {
        Ok(session) => set_cookie(&COOKIE.set(&session, caller.tls)),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// GET: 204 with admin rights; the page asks before it shows the controls.
pub(super) async fn session() -> StatusCode {
    StatusCode::NO_CONTENT
}

/// DELETE: ends the session and deletes the cookie.
pub(super) async fn log_out(
    State(app): State<Arc<App>>,
    ConnectInfo(caller): ConnectInfo<Caller>,
    headers: HeaderMap,
) -> Response {
    let ending = tokio::task::spawn_blocking(move || {
        for session in cookie_headers(&headers).flat_map(|cookie| COOKIE.values(cookie)) {
            app.admin_sessions.end(session);
        }
    });
    match ending.await {
        Ok(()) => set_cookie(&COOKIE.clear(caller.tls)),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// DELETE: ends the sessions of all browsers.
pub(super) async fn log_out_everywhere(
    State(app): State<Arc<App>>,
    ConnectInfo(caller): ConnectInfo<Caller>,
) -> Response {
    match tokio::task::spawn_blocking(move || app.admin_sessions.end_all()).await {
        Ok(()) => set_cookie(&COOKIE.clear(caller.tls)),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

fn set_cookie(cookie: &str) -> Response {
    match HeaderValue::from_str(cookie) {
        Ok(value) => (StatusCode::NO_CONTENT, [(header::SET_COOKIE, value)]).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// PUT: changes the bitrate of the largest rendition, as PATCH `/api/settings` does.
pub(super) async fn set_bitrate(
    State(app): State<Arc<App>>,
    body: Result<Json<Bitrate>, JsonRejection>,
) -> Result<StatusCode, ApiError> {
    let Json(Bitrate { bitrate_bps }) = body?;
    let mut renditions = app.settings.present().renditions.clone();
    if let Some(largest) = renditions.first_mut() {
        largest.bitrate_bps = bitrate_bps;
    }
    settings::apply(&app, json!({ "renditions": renditions }), None, false).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// For the OpenAPI document.
pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::post(
            "/api/admin/session",
            "Opens a session of a browser for the admin token, and sets its cookie.",
        )
        .empty(204),
        Operation::get(
            "/api/admin/session",
            "Whether the request has the rights of the admin.",
        )
        .empty(204),
        Operation::delete("/api/admin/session", "Ends the session.").empty(204),
        Operation::delete("/api/admin/sessions", "Ends the sessions of all browsers.").empty(204),
        Operation::put(
            "/api/admin/bitrate",
            "The bitrate of the largest rendition.",
        )
        .takes::<Bitrate>()
        .empty(204),
    ]
}
