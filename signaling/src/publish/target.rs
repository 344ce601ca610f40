//! The publishing target: URL, token, and which redirects are followed. Pure.

use std::fmt;

use url::{Host, Url};

use super::lifecycle::{AttemptError, FailureKind};

/// A WHIP endpoint and the token for it.
#[derive(Clone, PartialEq, Eq)]
pub struct PublishTarget {
    url: Url,
    token: Option<String>,
}

/// Why a target is invalid. Never contains the token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// Not a URL.
    #[error("not an address such as https://server/whip/stream: {0}")]
    Url(url::ParseError),
    /// Not HTTP.
    #[error("WHIP is spoken over http or https, not {0}")]
    Scheme(String),
    /// Credentials in the URL would end up in logs.
    #[error("name and password belong into the token, not into the address")]
    Credentials,
    /// The token contains characters that a header cannot.
    #[error("the token holds characters that a header cannot carry")]
    Token,
}

impl PublishTarget {
    /// Validates URL and token.
    pub fn parse(url: &str, token: Option<&str>) -> Result<Self, TargetError> {
        let url = Url::parse(url.trim()).map_err(TargetError::Url)?;
        if !["http", "https"].contains(&url.scheme()) {
            return Err(TargetError::Scheme(url.scheme().to_owned()));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(TargetError::Credentials);
        }
        let token = token.map(str::trim).filter(|token| !token.is_empty());
        // RFC 6750 2.1 allows fewer characters; any that a header can carry is accepted.
        if token.is_some_and(|token| !token.bytes().all(|byte| byte.is_ascii_graphic())) {
            return Err(TargetError::Token);
        }
        Ok(Self {
            url,
            token: token.map(str::to_owned),
        })
    }

    /// Scheme, host and non-default port, which may be shown to anybody.
    #[must_use]
    pub fn host(&self) -> String {
        self.url.origin().ascii_serialization()
    }

    pub(crate) fn url(&self) -> &Url {
        &self.url
    }

    /// Whether the server is this machine, by name or address.
    pub(crate) fn is_loopback(&self) -> bool {
        match self.url.host() {
            Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(Host::Ipv4(ip)) => ip.is_loopback(),
            Some(Host::Ipv6(ip)) => ip.is_loopback(),
            None => false,
        }
    }

    /// The `Authorization` header for `url`; `None` for another origin after a redirect, because the token is
    /// only for the configured one.
    pub(crate) fn authorization(&self, url: &Url) -> Option<String> {
        let token = self.token.as_ref()?;
        (url.origin() == self.url.origin()).then(|| format!("Bearer {token}"))
    }
}

/// Resolves a `Location` relative to `from`; downgrades to plain HTTP are errors.
pub(crate) fn resolve_location(from: &Url, location: &str) -> Result<Url, AttemptError> {
    let bad = |why: &str| AttemptError::new(FailureKind::BadAnswer, why);
    let to = from
        .join(location)
        .map_err(|_| bad("The server names an impossible address."))?;
    match (from.scheme(), to.scheme()) {
        ("https", "https") | ("http", "http" | "https") => Ok(to),
        ("https", "http") => Err(bad("The server redirects from https to http.")),
        _ => Err(bad("The server redirects away from HTTP.")),
    }
}

impl fmt::Debug for PublishTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PublishTarget")
            .field("host", &self.host())
            .field("token", &self.token.is_some())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).expect("an address")
    }

    #[test]
    fn only_http_urls_without_credentials_are_accepted() {
        let parse = |text| PublishTarget::parse(text, None);
        assert!(parse("https://a.example/whip/x?y=z").is_ok());
        assert!(matches!(parse("server/whip"), Err(TargetError::Url(_))));
        assert!(matches!(
            parse("rtmp://a.example/x"),
            Err(TargetError::Scheme(_))
        ));
        assert_eq!(
            parse("https://me:pw@a.example/x"),
            Err(TargetError::Credentials)
        );
        let with_newline = PublishTarget::parse("http://a.example", Some("a\r\nX: y"));
        assert_eq!(with_newline, Err(TargetError::Token));
    }

    #[test]
    fn debug_output_has_neither_path_nor_token() {
        let target = PublishTarget::parse("https://a.example:8443/secret-path?k=v", Some(" tok "))
            .expect("valid");
        assert_eq!(target.host(), "https://a.example:8443");
        let shown = format!("{target:?}");
        assert!(
            !shown.contains("secret-path") && !shown.contains("tok "),
            "{shown}"
        );
    }

    #[test]
    fn the_token_is_sent_to_its_origin_only() {
        let target = PublishTarget::parse("https://a.example/whip", Some("t0")).expect("valid");
        let header = |to: &str| target.authorization(&url(to));
        assert_eq!(
            header("https://a.example/other").as_deref(),
            Some("Bearer t0")
        );
        for other in [
            "https://b.example/",
            "http://a.example/",
            "https://a.example:8443/",
        ] {
            assert_eq!(header(other), None, "{other}");
        }
    }

    #[test]
    fn locations_may_be_relative_but_not_downgrade_to_http() {
        let from = url("https://a.example/whip/room?x=1");
        let to = |location: &str| resolve_location(&from, location).map(String::from);
        assert_eq!(
            to("session/7").as_deref(),
            Ok("https://a.example/whip/session/7")
        );
        assert_eq!(to("/s/7").as_deref(), Ok("https://a.example/s/7"));
        assert_eq!(
            to("https://b.example/s").as_deref(),
            Ok("https://b.example/s")
        );
        for bad in ["http://a.example/s", "file:///etc/passwd", "https://[x"] {
            assert!(to(bad).is_err(), "{bad}");
        }
        assert!(resolve_location(&url("http://a.example/"), "https://a.example/s").is_ok());
    }

    #[test]
    fn loopback_names_and_addresses_are_recognised() {
        let loopback = |text| {
            PublishTarget::parse(text, None)
                .expect("valid")
                .is_loopback()
        };
        for here in ["http://localhost:1/", "http://127.3.0.1/", "http://[::1]/"] {
            assert!(loopback(here), "{here}");
        }
        assert!(!loopback("http://192.168.1.2/") && !loopback("http://localhost.example/"));
    }
}
