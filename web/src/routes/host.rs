//! A request must name this station: its `Host` is what a browser believes it talks to.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::health::is_health;
use super::named_hosts::named_hosts;
use crate::app::App;

/// 400 for a request without one clear host (RFC 9112 3.2), 421 for one that means another site
/// (RFC 9110 15.5.20). Probes of a load balancer may ask under any name whether the station is well.
pub(super) async fn require(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let hosts = match named_hosts(request.version(), request.uri(), request.headers()) {
        Ok(hosts) => hosts,
        Err(why) => return (StatusCode::BAD_REQUEST, format!("{why}\n")).into_response(),
    };
    let strange = hosts.iter().find(|host| !app.host_names.admit(host));
    match strange {
        Some(host) if !is_health(request.uri().path()) => misdirected(host),
        _ => next.run(request).await,
    }
}

fn misdirected(host: &str) -> Response {
    let host: String = host.chars().take(80).collect();
    let words = format!(
        "This station does not answer under the name {host}. If it is yours, say so in the \
         configuration: [http] hosts = [{host:?}].\n"
    );
    (StatusCode::MISDIRECTED_REQUEST, words).into_response()
}
