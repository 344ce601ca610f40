//! What every answer tells browsers about what may be done with it.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;

use crate::app::App;
use crate::config::HttpConfig;

/// Everything comes from here: no other origin may load, or be loaded, in our pages; no script or style
/// stands in the page itself.
const CONTENT_POLICY: &str = "default-src 'self'; script-src 'self'; style-src 'self'; \
     img-src 'self' blob: data:; media-src 'self' blob:; connect-src 'self'; object-src 'none'; \
     base-uri 'none'; form-action 'self'; frame-ancestors 'self'";

const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");
const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
const ROBOTS_TAG: HeaderName = HeaderName::from_static("x-robots-tag");

/// Pages that ask for a camera: the one that makes a phone the source, and the booth.
const CAMERA_PAGES: [&str; 2] = ["/camera", "/booth"];

/// The headers that are the same for every answer of a run.
pub(crate) struct SecurityHeaders {
    policy: HeaderValue,
}

impl SecurityHeaders {
    pub(crate) fn new(config: &HttpConfig) -> Self {
        let policy = content_policy(&config.frame_ancestors);
        Self {
            // The configuration takes only what is header text.
            policy: HeaderValue::from_str(&policy)
                .unwrap_or(HeaderValue::from_static(CONTENT_POLICY)),
        }
    }
}

fn content_policy(frame_ancestors: &[String]) -> String {
    frame_ancestors
        .iter()
        .fold(CONTENT_POLICY.to_owned(), |policy, site| {
            policy + " " + site
        })
}

/// The outermost layer: refusals have these headers too.
pub(super) async fn add(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let permissions = permissions_policy(request.uri().path());
    let mut answer = next.run(request).await;
    let headers = answer.headers_mut();
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        app.security_headers.policy.clone(),
    );
    let fixed = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // The viewer token stands in the first address.
        (header::REFERRER_POLICY, "no-referrer"),
        (PERMISSIONS_POLICY, permissions),
        (OPENER_POLICY, "same-origin"),
        (RESOURCE_POLICY, "same-origin"),
        // Faces of visitors are for nobody's index, and neither is the rest.
        (ROBOTS_TAG, "noindex"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    answer
}

/// What a page has no use for is off, should a script of somebody else's ever run in it.
fn permissions_policy(path: &str) -> &'static str {
    // A proxy may put a prefix in front.
    let path = path.trim_end_matches('/');
    if CAMERA_PAGES.iter().any(|page| path.ends_with(page)) {
        "camera=(self), microphone=(), geolocation=(), display-capture=(), payment=(), usb=()"
    } else {
        "camera=(), microphone=(), geolocation=(), display-capture=(), payment=(), usb=()"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn named_sites_may_frame_the_pages_and_nothing_is_inline() {
        assert!(content_policy(&[]).ends_with("; frame-ancestors 'self'"));
        let named = ["https://a.example", "https://*.b.example"].map(str::to_owned);
        let policy = content_policy(&named);
        assert!(
            policy.ends_with("frame-ancestors 'self' https://a.example https://*.b.example"),
            "{policy}"
        );
        assert!(!policy.contains("unsafe"), "{policy}");
    }

    #[test]
    fn only_the_pages_with_a_camera_may_ask_for_one() {
        for (path, may) in [
            ("/camera", true),
            ("/booth", true),
            ("/booth/", true),
            ("/", false),
            ("/gallery", false),
            ("/camera/main.js", false),
        ] {
            let policy = permissions_policy(path);
            assert_eq!(policy.contains("camera=(self)"), may, "{path}: {policy}");
        }
    }
}
