//! Refuses requests that name another host (DNS rebinding) or come from another site's page (CSRF), and
//! answers CORS preflights of the sites that the owner named.

use std::sync::Arc;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::app::App;
use crate::http::Caller;
use crate::http::bodies::ApiError;
use crate::http::request_head::{Initiator, OwnOrigins, initiator, named_hosts};
use crate::layers::{is_health, portal};
use crate::network::portal::probe_of;

const CORS_METHODS: &str = "OPTIONS, HEAD, GET, POST, PATCH, PUT, DELETE";
const CORS_REQUEST_HEADERS: &str = "Authorization, Content-Type, If-Match, Idempotency-Key";
const CORS_RESPONSE_HEADERS: &str = "Location, ETag, Link, Retry-After";
const CORS_MAX_AGE_S: &str = "7200";

/// 400 for a request without exactly one host (RFC 9112 3.2), 421 for one that names another site
/// (RFC 9110 15.5.20). Health checks may use any host name, and so may the questions that the captive portal answers.
pub(crate) async fn check_host(
    State(app): State<Arc<App>>,
    request: Request,
    next: Next,
) -> Response {
    let hosts = match named_hosts(request.version(), request.uri(), request.headers()) {
        Ok(hosts) => hosts,
        Err(why) => return (StatusCode::BAD_REQUEST, format!("{why}\n")).into_response(),
    };
    let present = app.settings.present();
    let public_url = present.public_url.as_deref();
    let is_unknown = |host: &&String| !app.host_names.contains(host, public_url);
    let unknown = hosts.iter().find(is_unknown);
    let caller = request.extensions().get::<ConnectInfo<Caller>>();
    let ip = caller.map(|ConnectInfo(caller)| caller.ip);
    let path = request.uri().path();
    if let Some(host) = unknown {
        if present.network.captive_portal
            && let Some(probe) = probe_of(path)
        {
            return portal::answer_probe(&app, probe, ip);
        }
        if !is_health(path) {
            return misdirected(host);
        }
    }
    if let Some(ip) = ip {
        app.network.note_request(ip);
    }
    next.run(request).await
}

fn misdirected(host: &str) -> Response {
    let host: String = host.chars().take(80).collect();
    let message = format!(
        "This station does not answer under the name {host}. If it is yours, say so in the \
         configuration: [http] hosts = [{host:?}].\n"
    );
    (StatusCode::MISDIRECTED_REQUEST, message).into_response()
}

/// Refuses what pages of other sites send, a picture in an `img` element included. Requests of a site
/// that the owner named pass without their cookies, so they need a token. This is a layer, not part of
/// the routes, so that no route can leave it out.
pub(crate) async fn check_origin(
    State(app): State<Arc<App>>,
    ConnectInfo(caller): ConnectInfo<Caller>,
    mut request: Request,
    next: Next,
) -> Response {
    let present = app.settings.present();
    let own = OwnOrigins {
        public_url: present.public_url.as_deref(),
        allowed: &app.config.http.origins,
        tls: caller.tls,
    };
    match initiator(request.method(), request.headers(), &own) {
        Initiator::Own => next.run(request).await,
        Initiator::Foreign if is_health(request.uri().path()) => next.run(request).await,
        Initiator::Foreign => {
            let message = "a page of another site sent this: open the station's own page; whoever runs the \
                           station can name sites that may use it, [http] origins";
            ApiError::new(StatusCode::FORBIDDEN, message).into_response()
        }
        Initiator::Allowed(origin) => {
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

/// A CORS preflight. Browsers send it without a token.
pub(crate) fn is_preflight(method: &Method, headers: &HeaderMap) -> bool {
    method == Method::OPTIONS && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

fn preflight_answer() -> Response {
    let headers = [
        (header::ACCESS_CONTROL_ALLOW_METHODS, CORS_METHODS),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, CORS_REQUEST_HEADERS),
        (header::ACCESS_CONTROL_MAX_AGE, CORS_MAX_AGE_S),
    ];
    (StatusCode::NO_CONTENT, headers).into_response()
}

/// Allows pages of `origin` to read the answer, without credentials.
fn readable_by(origin: HeaderValue, mut answer: Response) -> Response {
    let headers = answer.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    let exposed = HeaderValue::from_static(CORS_RESPONSE_HEADERS);
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_browsers_question_is_a_preflight() {
        let asking: HeaderMap = [(
            header::ACCESS_CONTROL_REQUEST_METHOD,
            "POST".parse().expect("plain text"),
        )]
        .into_iter()
        .collect();
        assert!(is_preflight(&Method::OPTIONS, &asking));
        assert!(!is_preflight(&Method::POST, &asking));
        assert!(!is_preflight(&Method::OPTIONS, &HeaderMap::new()));
    }
}
