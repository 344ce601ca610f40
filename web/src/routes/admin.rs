//! Routes that change what others see, and the cookie a page gets for the token.

use std::sync::Arc;

use axum::Json;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use crate::admin::COOKIE;
use crate::app::App;
use crate::config::BITRATES_BPS;
use crate::connections::Caller;

/// Lets a request through only with the token or the cookie.
pub(super) async fn require(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    request: Request,
    next: Next,
) -> Response {
    if is_admin(&app, &headers) {
        return next.run(request).await;
    }
    let challenge = [(header::WWW_AUTHENTICATE, "Bearer realm=\"carrier\"")];
    let why = "This needs the admin token: send `Authorization: Bearer TOKEN`.\n";
    (StatusCode::UNAUTHORIZED, challenge, why).into_response()
}

/// Whether these headers come from the admin.
pub(super) fn is_admin(app: &App, headers: &HeaderMap) -> bool {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let (authorization, cookie) = (text(header::AUTHORIZATION), text(header::COOKIE));
    app.admin.admits(authorization, cookie)
}

/// POST: whoever shows the token gets the cookie.
pub(super) async fn log_in(
    State(app): State<Arc<App>>,
    ConnectInfo(caller): ConnectInfo<Caller>,
) -> Response {
    set_cookie(&COOKIE.set(app.admin.session(), caller.tls))
}

/// GET: 204 when the request is admitted, which a page asks before it shows the controls.
pub(super) async fn session() -> StatusCode {
    StatusCode::NO_CONTENT
}

/// DELETE: the page forgets the cookie.
pub(super) async fn log_out(ConnectInfo(caller): ConnectInfo<Caller>) -> Response {
    set_cookie(&COOKIE.clear(caller.tls))
}

fn set_cookie(cookie: &str) -> Response {
    match HeaderValue::from_str(cookie) {
        Ok(value) => (StatusCode::NO_CONTENT, [(header::SET_COOKIE, value)]).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Bitrate {
    bitrate_bps: u32,
}

/// PUT: the video bitrate from now on, without a break in the picture.
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
