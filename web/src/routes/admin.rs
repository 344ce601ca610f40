//! Routes of the admin: sessions, and the bitrate.

use std::sync::Arc;
use std::time::Instant;

use axum::Json;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::access::admin::COOKIE;
use crate::access::credentials::cookie_headers;
use crate::app::App;
use crate::config::BITRATES_BPS;
use crate::http::Caller;
use crate::http::bodies::Bitrate;
use crate::layers::identify::Requester;

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
    let session = app.admin_sessions.open(Instant::now());
    set_cookie(&COOKIE.set(&session, caller.tls))
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
    for cookie in cookie_headers(&headers) {
        COOKIE
            .values(cookie)
            .for_each(|session| app.admin_sessions.end(session));
    }
    set_cookie(&COOKIE.clear(caller.tls))
}

/// DELETE: ends the sessions of all browsers.
pub(super) async fn log_out_everywhere(
    State(app): State<Arc<App>>,
    ConnectInfo(caller): ConnectInfo<Caller>,
) -> Response {
    app.admin_sessions.end_all();
    set_cookie(&COOKIE.clear(caller.tls))
}

fn set_cookie(cookie: &str) -> Response {
    match HeaderValue::from_str(cookie) {
        Ok(value) => (StatusCode::NO_CONTENT, [(header::SET_COOKIE, value)]).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// PUT: changes the video bitrate while streaming.
pub(super) async fn set_bitrate(
    State(app): State<Arc<App>>,
    Json(Bitrate { bitrate_bps }): Json<Bitrate>,
) -> Response {
    if !BITRATES_BPS.contains(&bitrate_bps) {
        let why = "bitrate_bps: between 50000 and 50000000, please.\n";
        return (StatusCode::UNPROCESSABLE_ENTITY, why).into_response();
    }
    app.set_bitrate(bitrate_bps);
    StatusCode::NO_CONTENT.into_response()
}
