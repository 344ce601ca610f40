//! Headers that tell browsers what an answer may be used for.

use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;

use crate::config::HttpConfig;

/// Pages load nothing from other origins and run no inline script or style.
const CONTENT_POLICY: &str = "default-src 'self'; script-src 'self'; style-src 'self'; \
     img-src 'self' blob: data:; media-src 'self' blob:; connect-src 'self'; object-src 'none'; \
     base-uri 'none'; form-action 'self'; frame-ancestors 'self'";

const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");
const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
const ROBOTS_TAG: HeaderName = HeaderName::from_static("x-robots-tag");

/// Pages that use a camera: the one that makes a phone the source, and the booth.
const CAMERA_PAGES: [&str; 2] = ["/camera", "/booth"];

/// The `Content-Security-Policy` of this run: the layer's state.
pub(crate) fn content_policy(config: &HttpConfig) -> HeaderValue {
    let policy = with_frame_ancestors(&config.frame_ancestors);
    // The configuration has checked that these are header text.
    HeaderValue::from_str(&policy).unwrap_or(HeaderValue::from_static(CONTENT_POLICY))
}

fn with_frame_ancestors(sites: &[String]) -> String {
    let policy = CONTENT_POLICY.to_owned();
    sites
        .iter()
        .fold(policy, |policy, site| policy + " " + site)
}

/// The outermost layer, so that refusals have these headers too.
pub(crate) async fn add(
    State(policy): State<HeaderValue>,
    request: Request,
    next: Next,
) -> Response {
    let permissions = permissions_policy(request.uri().path());
    let mut answer = next.run(request).await;
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    let fixed = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // The first URL of a visit may contain the viewer token.
        (header::REFERRER_POLICY, "no-referrer"),
        (PERMISSIONS_POLICY, permissions),
        (OPENER_POLICY, "same-origin"),
        (RESOURCE_POLICY, "same-origin"),
        // Photos of visitors must not be indexed.
        (ROBOTS_TAG, "noindex"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    answer
}

/// Features that a page does not use are denied to it, in case it ever runs injected script.
fn permissions_policy(path: &str) -> &'static str {
    // A proxy may have added a prefix: only the end of the path counts.
    let path = path.trim_end_matches('/');
    let is_page = path.rsplit('/').nth(1) != Some("api");
    if is_page && CAMERA_PAGES.iter().any(|page| path.ends_with(page)) {
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
        assert!(with_frame_ancestors(&[]).ends_with("; frame-ancestors 'self'"));
        let named = ["https://a.example", "https://*.b.example"].map(str::to_owned);
        let policy = with_frame_ancestors(&named);
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
            ("/cam/camera", true),
            ("/api/camera", false),
        ] {
            let policy = permissions_policy(path);
            assert_eq!(policy.contains("camera=(self)"), may, "{path}: {policy}");
        }
    }
}
