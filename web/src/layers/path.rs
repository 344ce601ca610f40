//! Normalises the path of a request: removes the prefix of a proxy and slashes at the end.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// Pages with relative links: a slash at the end would change what these refer to.
const PAGES: [&str; 8] = [
    "/admin",
    "/booth",
    "/gallery",
    "/join",
    "/play",
    "/screen",
    "/camera",
    "/api/docs",
];

#[derive(Debug, PartialEq, Eq)]
enum Routed {
    Path {
        path: String,
        /// Prefix for a relative `Location`, which clients resolve against the path they sent.
        location_prefix: &'static str,
    },
    /// Answer with a redirect to this relative reference.
    Redirect(String),
}

/// `base` is `[http] base_path`: empty, or as `/cam`; a proxy may keep or remove it. `reads`: the method
/// is GET or HEAD.
fn route(path: &str, base: &str, reads: bool) -> Routed {
    if !base.is_empty() && path == base {
        // Links in the page are relative to a folder.
        let name = base.rsplit('/').next().unwrap_or_default();
        return Routed::Redirect(format!("{name}/"));
    }
    let inner = match path.strip_prefix(base) {
        Some(inner) if inner.starts_with('/') => inner,
        Some(_) | None => path,
    };
    let trimmed = inner.trim_end_matches('/');
    if trimmed.is_empty() || trimmed.len() == inner.len() {
        let path = if trimmed.is_empty() { "/" } else { trimmed };
        return Routed::Path {
            path: path.to_owned(),
            location_prefix: "",
        };
    }
    if reads && PAGES.contains(&trimmed) {
        let up = "../".repeat(inner.len() - trimmed.len());
        let name = trimmed.rsplit('/').next().unwrap_or_default();
        return Routed::Redirect(format!("{up}{name}"));
    }
    Routed::Path {
        path: trimmed.to_owned(),
        location_prefix: "../",
    }
}

/// Applies [`route`] to a request.
pub(crate) async fn normalise(
    State(base): State<Arc<str>>,
    mut request: Request,
    next: Next,
) -> Response {
    let reads = [Method::GET, Method::HEAD].contains(request.method());
    let (path, location_prefix) = match route(request.uri().path(), &base, reads) {
        Routed::Path {
            path,
            location_prefix,
        } => (path, location_prefix),
        Routed::Redirect(mut to) => {
            if let Some(query) = request.uri().query() {
                to = format!("{to}?{query}");
            }
            return (StatusCode::PERMANENT_REDIRECT, [(header::LOCATION, to)]).into_response();
        }
    };
    if path != request.uri().path() {
        let query = request.uri().query().map(|query| format!("?{query}"));
        let mut parts = request.uri().clone().into_parts();
        // A part of a valid URI is valid.
        parts.path_and_query = format!("{path}{}", query.unwrap_or_default()).parse().ok();
        *request.uri_mut() = Uri::from_parts(parts).unwrap_or_default();
    }
    let mut response = next.run(request).await;
    let relative = response
        .headers()
        .get(header::LOCATION)
        .filter(|_| !location_prefix.is_empty());
    if let Some(location) = relative
        && let Ok(location) =
            HeaderValue::from_bytes(&[location_prefix.as_bytes(), location.as_bytes()].concat())
    {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(path: &str) -> Routed {
        Routed::Path {
            path: path.to_owned(),
            location_prefix: "",
        }
    }

    fn trimmed(path: &str) -> Routed {
        Routed::Path {
            path: path.to_owned(),
            location_prefix: "../",
        }
    }

    #[test]
    fn a_slash_at_the_end_of_an_endpoint_is_left_out() {
        assert_eq!(route("/", "", true), path("/"));
        assert_eq!(route("/whep", "", false), path("/whep"));
        assert_eq!(route("/whep/", "", false), trimmed("/whep"));
        assert_eq!(route("/api/status/", "", true), trimmed("/api/status"));
        assert_eq!(route("//", "", true), path("/"));
    }

    #[test]
    fn pages_are_found_without_it() {
        assert_eq!(
            route("/booth/", "", true),
            Routed::Redirect("../booth".into())
        );
        assert_eq!(
            route("/booth//", "", true),
            Routed::Redirect("../../booth".into())
        );
        assert_eq!(
            route("/api/docs/", "", true),
            Routed::Redirect("../docs".into())
        );
        assert_eq!(route("/booth/", "", false), trimmed("/booth"));
    }

    #[test]
    fn the_prefix_of_a_proxy_may_be_there_or_not() {
        assert_eq!(route("/cam/whep", "/cam", false), path("/whep"));
        assert_eq!(route("/whep", "/cam", false), path("/whep"));
        assert_eq!(route("/cam/", "/cam", true), path("/"));
        assert_eq!(route("/cam", "/cam", true), Routed::Redirect("cam/".into()));
        assert_eq!(
            route("/a/cam", "/a/cam", true),
            Routed::Redirect("cam/".into())
        );
        assert_eq!(route("/camera", "/cam", true), path("/camera"));
        assert_eq!(
            route("/cam/booth/", "/cam", true),
            Routed::Redirect("../booth".into())
        );
    }
}
