//! What a request's head says: the hosts it names, and the site of the page that sent it. It has no
//! other dependencies in this crate, so that it can be fuzzed alone.

use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, Version, header};

/// The hosts that a request names, without ports: in `Host`, and in a target in absolute form. HTTP/1.0
/// requests may name none.
pub(crate) fn named_hosts(
    version: Version,
    uri: &Uri,
    headers: &HeaderMap,
) -> Result<Vec<String>, &'static str> {
    let mut given = headers.get_all(header::HOST).iter();
    let header = match (given.next(), given.next()) {
        (_, Some(_)) => return Err("There are several Host headers: send one."),
        (None, None) if version == Version::HTTP_11 => {
            return Err("There is no Host header: send the name or address of this station.");
        }
        (host, None) => host,
    };
    let wrong = "Host is not a name or an address, with or without a port.";
    let header = header.map(|value| {
        let text = value.to_str().ok();
        let authority = text.and_then(|text| text.parse::<Authority>().ok());
        authority.as_ref().and_then(host_of).ok_or(wrong)
    });
    let target = uri
        .authority()
        .map(|authority| host_of(authority).ok_or(wrong));
    header.into_iter().chain(target).collect()
}

fn host_of(authority: &Authority) -> Option<String> {
    let host = authority.host();
    let is_plain = !host.is_empty() && !authority.as_str().contains('@');
    // After the colon comes a port or nothing (RFC 3986 3.2.3).
    let rest = authority.as_str().strip_prefix(host).unwrap_or("");
    let port = rest.strip_prefix(':').unwrap_or(rest);
    let port_is_fine = port.is_empty() || port.parse::<u16>().is_ok();
    (is_plain && port_is_fine).then(|| host.to_owned())
}

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
const FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");

/// The page that initiated a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Initiator {
    /// A page of this station, a typed address, a followed link, or a client that is no browser.
    Own,
    /// A page of a site that the owner allowed, with its origin.
    Allowed(HeaderValue),
    Foreign,
}

/// The origins of this station's pages.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OwnOrigins<'a> {
    pub(crate) public_url: Option<&'a str>,
    pub(crate) allowed: &'a [String],
    pub(crate) tls: bool,
}

/// Uses only headers that browsers set and pages cannot.
pub(crate) fn initiator(method: &Method, headers: &HeaderMap, ours: &OwnOrigins<'_>) -> Initiator {
    let origins: Vec<_> = headers.get_all(header::ORIGIN).iter().collect();
    if origins.len() > 1 {
        return Initiator::Foreign;
    }
    let origin = origins.first().copied();
    let named = origin.filter(|value| {
        ours.allowed
            .iter()
            .any(|one| one.as_bytes() == value.as_bytes())
    });
    // `Sec-Fetch-Site` is only sent to trustworthy origins, but then it is right even behind a proxy
    // that changes Host (W3C Fetch Metadata).
    let site = header_text(headers, FETCH_SITE);
    match site {
        Some("same-origin" | "none") => return Initiator::Own,
        Some(_) if is_followed_link(method, headers) => return Initiator::Own,
        _ => {}
    }
    if let Some(named) = named {
        return Initiator::Allowed(named.clone());
    }
    let is_own = match origin {
        _ if site.is_some() => false,
        Some(origin) => origin
            .to_str()
            .is_ok_and(|origin| is_ours(origin, headers, ours)),
        // Not a browser, or an old one: those omit Origin only on requests that change nothing and whose
        // answer the page cannot read.
        None => true,
    };
    if is_own {
        Initiator::Own
    } else {
        Initiator::Foreign
    }
}

/// A top-level navigation from another site, not an embedded object.
fn is_followed_link(method: &Method, headers: &HeaderMap) -> bool {
    let navigates = header_text(headers, FETCH_MODE) == Some("navigate");
    let is_embedded = matches!(header_text(headers, FETCH_DEST), Some("object" | "embed"));
    method == Method::GET && navigates && !is_embedded
}

/// Whether `origin` is the host that the request names, or the public URL.
fn is_ours(origin: &str, headers: &HeaderMap, ours: &OwnOrigins<'_>) -> bool {
    let Some(page) = Site::of_url(origin) else {
        return false;
    };
    // A plain page could have been modified in transit: it may not send requests over HTTPS.
    let downgraded = ours.tls && page.scheme != "https";
    let here =
        header_text(headers, header::HOST).and_then(|host| Site::of_host(host, &page.scheme));
    let public = ours.public_url.and_then(Site::of_url);
    (here.as_ref() == Some(&page) && !downgraded) || public.as_ref() == Some(&page)
}

/// Scheme, host and port: what origins are compared by (RFC 6454 5).
#[derive(Debug, PartialEq, Eq)]
struct Site {
    scheme: String,
    host: String,
    port: u16,
}

impl Site {
    /// `None` for the origin `null`.
    fn of_url(url: &str) -> Option<Self> {
        let uri: Uri = url.parse().ok()?;
        let scheme = uri.scheme_str()?.to_ascii_lowercase();
        Self::of_host(uri.authority()?.as_str(), &scheme)
    }

    /// The scheme is that of the origin to compare with, since a proxy may terminate HTTPS.
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

/// A header's value, if it is text.
pub(crate) fn header_text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(version: Version, target: &str, hosts: &[&str]) -> Result<Vec<String>, &'static str> {
        let headers = hosts
            .iter()
            .map(|host| (header::HOST, host.parse().expect("header text")))
            .collect();
        named_hosts(version, &target.parse().expect("a target"), &headers)
    }

    #[test]
    fn a_request_names_one_host() {
        let one = |host: &str| named(Version::HTTP_11, "/", &[host]);
        for (given, host) in [
            ("192.168.1.20:8080", "192.168.1.20"),
            ("booth.local", "booth.local"),
            ("booth.local:", "booth.local"),
            ("[fd00::5]:80", "[fd00::5]"),
        ] {
            assert_eq!(one(given), Ok(vec![host.to_owned()]));
        }
        for wrong in [
            "", "a@b", "a b", "a/b", "a:b", "a:99999", "http://a", "a,b:x",
        ] {
            assert!(one(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_request_needs_exactly_one_host() {
        assert!(named(Version::HTTP_11, "/", &[]).is_err());
        assert!(named(Version::HTTP_11, "/", &["a", "a"]).is_err());
        assert!(named(Version::HTTP_10, "/", &["a", "b"]).is_err());
        assert_eq!(named(Version::HTTP_10, "/", &[]), Ok(Vec::new()));
    }

    #[test]
    fn a_target_in_absolute_form_counts_beside_the_header() {
        let both = named(Version::HTTP_11, "http://evil.test/", &["127.0.0.1"]);
        assert_eq!(both.expect("two"), ["127.0.0.1", "evil.test"]);
        assert!(named(Version::HTTP_11, "http://127.0.0.1/", &[]).is_err());
    }

    const PLAIN: OwnOrigins<'_> = OwnOrigins {
        public_url: None,
        allowed: &[],
        tls: false,
    };

    fn judged(method: &str, list: &[(&'static str, &str)], ours: &OwnOrigins<'_>) -> Initiator {
        let headers = list
            .iter()
            .map(|(name, value)| {
                let value = value.parse().expect("header text");
                (HeaderName::from_static(name), value)
            })
            .collect();
        initiator(&method.parse().expect("a method"), &headers, ours)
    }

    fn is_own(method: &str, list: &[(&'static str, &str)], ours: &OwnOrigins<'_>) -> bool {
        judged(method, list, ours) == Initiator::Own
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
                assert_eq!(behalf, Initiator::Foreign, "{method} {strange:?}");
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
        assert_eq!(
            initiator(&Method::GET, &headers, &PLAIN),
            Initiator::Foreign
        );
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
        let ours = OwnOrigins {
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
    fn a_page_over_http_is_foreign_to_https() {
        let secure = OwnOrigins { tls: true, ..PLAIN };
        let origin = |scheme: &'static str| [("host", "booth.example"), ("origin", scheme)];
        assert!(is_own("POST", &origin("https://booth.example"), &secure));
        assert!(!is_own("POST", &origin("http://booth.example"), &secure));
    }

    #[test]
    fn sec_fetch_site_takes_precedence() {
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
    fn allowed_origins_pass_whatever_sec_fetch_site_says() {
        let named = ["https://player.example".to_owned()];
        let ours = OwnOrigins {
            allowed: &named,
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
                Initiator::Allowed(HeaderValue::from_static("https://player.example"))
            );
        }
        for other in [
            "https://player.example.evil.test",
            "http://player.example",
            "https://player.example:8443",
        ] {
            assert_eq!(
                judged("POST", &from(other), &ours),
                Initiator::Foreign,
                "{other}"
            );
        }
    }
}
