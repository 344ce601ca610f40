//! Pure: on whose behalf a browser sends a request: our own pages, a site that the owner named, or another.

use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header};

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
const FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");

/// On whose behalf a request comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Behalf {
    /// One of our own pages, a person who typed the address or followed a link, or no browser at all.
    Own,
    /// A page of a site that the owner named, with its origin.
    Named(HeaderValue),
    /// A page of any other site.
    Foreign,
}

/// What our own pages' origins look like.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ours<'a> {
    pub(super) public_url: Option<&'a str>,
    pub(super) named: &'a [String],
    /// This request came over HTTPS.
    pub(super) tls: bool,
}

/// Judges by what only a browser writes, not the page in it.
pub(super) fn behalf(method: &Method, headers: &HeaderMap, ours: &Ours<'_>) -> Behalf {
    let origins: Vec<_> = headers.get_all(header::ORIGIN).iter().collect();
    if origins.len() > 1 {
        return Behalf::Foreign;
    }
    let origin = origins.first().copied();
    let named = origin.filter(|value| {
        ours.named
            .iter()
            .any(|one| one.as_bytes() == value.as_bytes())
    });
    // The browser says itself how the page stands to us; only to origins that it trusts, but then it is
    // right even behind a proxy that changes Host (W3C Fetch Metadata).
    let site = text(headers, FETCH_SITE);
    match site {
        Some("same-origin" | "none") => return Behalf::Own,
        Some(_) if is_followed_link(method, headers) => return Behalf::Own,
        _ => {}
    }
    if let Some(named) = named {
        return Behalf::Named(named.clone());
    }
    let is_own = match origin {
        _ if site.is_some() => false,
        Some(origin) => origin
            .to_str()
            .is_ok_and(|origin| is_ours(origin, headers, ours)),
        // No browser, or an old one that does not say: those leave Origin out of what changes nothing
        // and cannot be read by the page.
        None => true,
    };
    if is_own { Behalf::Own } else { Behalf::Foreign }
}

/// A person goes from another site's page to ours, which is then a page of its own. Not what the other
/// page embeds.
fn is_followed_link(method: &Method, headers: &HeaderMap) -> bool {
    let navigates = text(headers, FETCH_MODE) == Some("navigate");
    let is_embedded = matches!(text(headers, FETCH_DEST), Some("object" | "embed"));
    method == Method::GET && navigates && !is_embedded
}

/// Whether an `Origin` is that of the page which this request would be answered with: the host it names,
/// or the public address.
fn is_ours(origin: &str, headers: &HeaderMap, ours: &Ours<'_>) -> bool {
    let Some(page) = Site::of_url(origin) else {
        return false;
    };
    // What came over HTTPS is no affair of plain pages, which anybody on the way can change.
    let downgraded = ours.tls && page.scheme != "https";
    let here = text(headers, header::HOST).and_then(|host| Site::of_host(host, &page.scheme));
    let public = ours.public_url.and_then(Site::of_url);
    (here.as_ref() == Some(&page) && !downgraded) || public.as_ref() == Some(&page)
}

/// Scheme, host and port, as two origins are compared (RFC 6454 5).
#[derive(Debug, PartialEq, Eq)]
struct Site {
    scheme: String,
    host: String,
    port: u16,
}

impl Site {
    /// `null` has none.
    fn of_url(url: &str) -> Option<Self> {
        let uri: Uri = url.parse().ok()?;
        let scheme = uri.scheme_str()?.to_ascii_lowercase();
        Self::of_host(uri.authority()?.as_str(), &scheme)
    }

    /// A proxy in front may speak HTTPS for us: a host has the scheme of the page it is compared with.
    fn of_host(host: &str, scheme: &str) -> Option<Self> {
        let authority: Authority = host.parse().ok()?;
        let usual = match scheme {
            "http" => 80,
            "https" => 443,
            _ => return None,
        };
        Some(Self {
            scheme: scheme.to_owned(),
            host: authority.host().to_ascii_lowercase(),
            port: authority.port_u16().unwrap_or(usual),
        })
    }
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Ours<'_> = Ours {
        public_url: None,
        named: &[],
        tls: false,
    };

    fn judged(method: &str, list: &[(&'static str, &str)], ours: &Ours<'_>) -> Behalf {
        let headers = list
            .iter()
            .map(|(name, value)| {
                let value = value.parse().expect("header text");
                (HeaderName::from_static(name), value)
            })
            .collect();
        behalf(&method.parse().expect("a method"), &headers, ours)
    }

    fn is_own(method: &str, list: &[(&'static str, &str)], ours: &Ours<'_>) -> bool {
        judged(method, list, ours) == Behalf::Own
    }

    #[test]
    fn pages_of_other_sites_are_told_apart_by_their_origin() {
        let host = ("host", "192.168.1.20:8080");
        for method in ["GET", "POST", "DELETE", "OPTIONS"] {
            assert!(is_own(method, &[host], &PLAIN), "no browser");
            let own = ("origin", "http://192.168.1.20:8080");
            assert!(is_own(method, &[host, own], &PLAIN));
            for strange in [
                "http://192.168.1.20",
                "https://elsewhere.example",
                "null",
                "file://",
                "",
            ] {
                let strange = ("origin", strange);
                let behalf = judged(method, &[host, strange], &PLAIN);
                assert_eq!(behalf, Behalf::Foreign, "{method} {strange:?}");
            }
        }
        let twice = [
            host,
            ("origin", "http://192.168.1.20:8080"),
            ("origin", "http://evil.test"),
        ];
        let mut headers = HeaderMap::new();
        for (name, value) in twice {
            headers.append(name, value.parse().expect("header text"));
        }
        assert_eq!(behalf(&Method::GET, &headers, &PLAIN), Behalf::Foreign);
    }

    #[test]
    fn a_usual_port_may_be_left_out() {
        for (host, origin, own) in [
            ("booth.example:80", "http://booth.example", true),
            ("booth.example", "http://booth.example:80", true),
            ("booth.example:443", "https://booth.example", true),
            ("BOOTH.example", "https://booth.example", true),
            ("[fd00::5]:80", "http://[fd00::5]", true),
            ("booth.example:8080", "http://booth.example", false),
            ("booth.example:80", "https://booth.example", false),
            ("booth.example", "http://other.example", false),
        ] {
            let headers = [("host", host), ("origin", origin)];
            assert_eq!(is_own("POST", &headers, &PLAIN), own, "{host} {origin}");
        }
    }

    #[test]
    fn the_public_address_is_ours_behind_a_proxy_that_changes_host() {
        let ours = Ours {
            public_url: Some("https://booth.example:443/"),
            ..PLAIN
        };
        let proxied = [
            ("host", "127.0.0.1:8080"),
            ("origin", "https://booth.example"),
        ];
        assert!(is_own("POST", &proxied, &ours) && !is_own("POST", &proxied, &PLAIN));
    }

    #[test]
    fn a_plain_page_is_not_the_page_over_https() {
        let secure = Ours { tls: true, ..PLAIN };
        let origin = |scheme: &'static str| [("host", "booth.example"), ("origin", scheme)];
        assert!(is_own("POST", &origin("https://booth.example"), &secure));
        assert!(!is_own("POST", &origin("http://booth.example"), &secure));
    }

    #[test]
    fn what_the_browser_says_itself_goes_first() {
        let host = ("host", "127.0.0.1:8080");
        let site = |value| ("sec-fetch-site", value);
        let moved = [host, ("origin", "https://y.example"), site("same-origin")];
        assert!(is_own("POST", &moved, &PLAIN), "a proxy changed Host");
        for strange in ["cross-site", "same-site", "something-new"] {
            for method in ["GET", "POST"] {
                let embedded = [host, site(strange), ("sec-fetch-mode", "no-cors")];
                assert!(!is_own(method, &embedded, &PLAIN), "{method} {strange}");
                let lies = [host, site(strange), ("origin", "http://127.0.0.1:8080")];
                assert!(!is_own(method, &lies, &PLAIN), "{method} {strange}");
            }
        }
    }

    #[test]
    fn a_link_may_be_followed_and_a_form_not_be_sent() {
        let link = |dest| {
            [
                ("sec-fetch-site", "cross-site"),
                ("sec-fetch-mode", "navigate"),
                ("sec-fetch-dest", dest),
            ]
        };
        assert!(is_own("GET", &link("document"), &PLAIN));
        assert!(
            is_own("GET", &link("iframe"), &PLAIN),
            "frame-ancestors decides"
        );
        assert!(!is_own("GET", &link("object"), &PLAIN));
        assert!(!is_own("POST", &link("document"), &PLAIN));
    }

    #[test]
    fn named_sites_are_let_in_whatever_the_browser_calls_them() {
        let named = ["https://player.example".to_owned()];
        let ours = Ours {
            named: &named,
            ..PLAIN
        };
        let from = |origin| {
            [
                ("host", "192.168.1.20:8080"),
                ("origin", origin),
                ("sec-fetch-site", "cross-site"),
            ]
        };
        for method in ["OPTIONS", "POST", "GET"] {
            let behalf = judged(method, &from("https://player.example"), &ours);
            assert_eq!(
                behalf,
                Behalf::Named(HeaderValue::from_static("https://player.example"))
            );
        }
        for other in [
            "https://player.example.evil.test",
            "http://player.example",
            "https://player.example:8443",
        ] {
            assert_eq!(
                judged("POST", &from(other), &ours),
                Behalf::Foreign,
                "{other}"
            );
        }
    }
}
