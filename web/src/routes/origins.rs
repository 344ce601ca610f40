//! The one place where every request is judged by the page that it comes from.

use std::sync::Arc;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::behalf::{Behalf, Ours, behalf};
use super::gate::is_preflight;
use super::health::is_health;
use super::problem::Problem;
use crate::app::App;
use crate::connections::Caller;

const CORS_METHODS: &str = "OPTIONS, HEAD, GET, POST, PATCH, PUT, DELETE";
const CORS_REQUEST_HEADERS: &str = "Authorization, Content-Type, If-Match, Idempotency-Key";
const CORS_RESPONSE_HEADERS: &str = "Location, ETag, Link, Retry-After";
const CORS_MAX_AGE_S: &str = "7200";

/// Every request passes here, so that no route can forget it. What a page of another site asks for is
/// refused, and so is what it would only see (a picture in an `img`); where the owner named the site, its
/// cookies are taken away: it needs a token.
pub(super) async fn require(
    State(app): State<Arc<App>>,
    ConnectInfo(caller): ConnectInfo<Caller>,
    mut request: Request,
    next: Next,
) -> Response {
    let ours = Ours {
        public_url: app.config.public_url.as_deref(),
        named: &app.config.http.origins,
        tls: caller.tls,
    };
    let behalf = behalf(request.method(), request.headers(), &ours);
    match behalf {
        Behalf::Own => next.run(request).await,
        Behalf::Foreign if is_health(request.uri().path()) => next.run(request).await,
        Behalf::Foreign => {
            let words = "a page of another site sent this: open the station's own page; whoever runs the \
                         station can name sites that may use it, [http] origins";
            Problem::new(StatusCode::FORBIDDEN, words).into_response()
        }
        Behalf::Named(origin) => {
            let preflight = is_preflight(request.method(), request.headers());
            request.headers_mut().remove(header::COOKIE);
            let answer = if preflight {
                preflight_answer()
            } else {
                next.run(request).await
            };
            readable_by(origin, answer)
        }
    }
}

fn preflight_answer() -> Response {
    let headers = [
        (header::ACCESS_CONTROL_ALLOW_METHODS, CORS_METHODS),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, CORS_REQUEST_HEADERS),
        (header::ACCESS_CONTROL_MAX_AGE, CORS_MAX_AGE_S),
    ];
    (StatusCode::NO_CONTENT, headers).into_response()
}

/// Lets the page of that origin read the answer. Never with credentials.
fn readable_by(origin: HeaderValue, mut answer: Response) -> Response {
    let headers = answer.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    let exposed = HeaderValue::from_static(CORS_RESPONSE_HEADERS);
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
    answer
}
