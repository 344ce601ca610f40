//! Pure: whether a browser sends a request on behalf of one of our own pages.

use axum::http::{HeaderMap, HeaderName, Uri, header};

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// A form of any other site can be posted here by a visitor's browser without a question before
/// (WHATWG Fetch, "CORS-safelisted"): pictures of strangers would get into the queue and the gallery.
/// Programs that are no browsers send neither header, and are let through.
pub(super) fn is_same_origin(headers: &HeaderMap, public_url: Option<&str>) -> bool {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    // Told on trustworthy origins alone (W3C Fetch Metadata), but then it is right even behind a proxy
    // that changes Host.
    if let Some(site) = text(FETCH_SITE) {
        return ["same-origin", "none"].contains(&site);
    }
    let Some(origin) = headers.get(header::ORIGIN) else {
        return true;
    };
    let Some(origin) = origin.to_str().ok().and_then(host_of) else {
        return false;
    };
    let ours = [
        text(header::HOST).map(str::to_owned),
        public_url.and_then(host_of),
    ];
    ours.iter()
        .flatten()
        .any(|host| host.eq_ignore_ascii_case(&origin))
}

/// Host and port; none of an origin that is `null`.
fn host_of(origin: &str) -> Option<String> {
    let uri: Uri = origin.parse().ok()?;
    uri.scheme()?;
    uri.authority()
        .map(|authority| authority.as_str().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(list: &[(&'static str, &str)], public_url: Option<&str>) -> bool {
        let headers = list
            .iter()
            .map(|(name, value)| {
                (
                    HeaderName::from_static(name),
                    value.parse().expect("header text"),
                )
            })
            .collect();
        is_same_origin(&headers, public_url)
    }

    #[test]
    fn pages_of_other_sites_are_told_apart() {
        let host = ("host", "192.168.1.20:8080");
        let origin = |value| ("origin", value);
        assert!(allowed(&[host], None), "no browser");
        assert!(allowed(&[host, origin("http://192.168.1.20:8080")], None));
        for strange in ["http://192.168.1.20", "https://elsewhere.example", "null"] {
            assert!(!allowed(&[host, origin(strange)], None), "{strange}");
        }
        let proxied = [("host", "127.0.0.1:8080"), origin("https://booth.example")];
        assert!(!allowed(&proxied, None));
        assert!(allowed(&proxied, Some("https://booth.example/")));
    }

    #[test]
    fn what_the_browser_says_itself_goes_first() {
        let site = |value| ("sec-fetch-site", value);
        assert!(allowed(
            &[("host", "x"), ("origin", "https://y"), site("same-origin")],
            None
        ));
        assert!(!allowed(&[("host", "x"), site("cross-site")], None));
    }
}
