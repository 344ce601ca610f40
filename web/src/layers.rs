//! Middleware: what every request passes before its route, and every answer on its way out.
//!
//! In: requests as [`crate::http`] parsed them. Out: requests with a [`Requester`](identify::Requester),
//! for `routes`; or a refusal. `routes::router` puts the layers in order.

pub(crate) mod host_and_origin;
pub(crate) mod identify;
pub(crate) mod measure;
pub(crate) mod path;
pub(crate) mod portal;
pub(crate) mod problem;
pub(crate) mod security_headers;

/// Health checks of load balancers and supervisors, which may use any host name and send no token.
pub(crate) fn is_health(path: &str) -> bool {
    ["/healthz", "/readyz"].contains(&path.trim_end_matches('/'))
}
