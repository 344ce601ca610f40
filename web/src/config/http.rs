//! `[http]`: host names, other sites, and the token of `/metrics`. `[tls]`: the certificate of the pages.
//! `public_url`.

use std::path::{Path, PathBuf};

use axum::http::Uri;
use axum::http::uri::Authority;

use super::error::ConfigError;
use super::token_strength::check_token;

section! {
    /// Everything is off by default.
    #[derive(Debug, Eq)]
    HttpConfig {
        /// Host names that the station answers to, besides those it finds out itself.
        hosts: Vec<String> = Vec::new(),
        /// Origins of other sites whose pages may use the station (CORS).
        origins: Vec<String> = Vec::new(),
        /// Sites that may show the pages in a frame.
        frame_ancestors: Vec<String> = Vec::new(),
        /// Gives the right to read `/metrics`, and no other; `None`: that needs what `/api/viewers` does.
        metrics_token: Option<String> = None,
        /// The prefix that a proxy puts before every path, as in `/cam`.
        base_path: String = String::new(),
    }
}

impl HttpConfig {
    /// The prefix of every path: empty, or without a slash at its end.
    pub(crate) fn prefix(&self) -> &str {
        self.base_path.trim_end_matches('/')
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let quoted =
            |key, value: &str, why| Err(ConfigError::value(key, format!("{value:?}"), why));
        if let Some(host) = self.hosts.iter().find(|host| !is_host_name(host)) {
            let why = "a name alone, as in booth.example, without scheme, port and path";
            return quoted("http.hosts", host, why);
        }
        if let Some(origin) = self.origins.iter().find(|origin| !is_origin(origin)) {
            let why = "scheme, host and port of a page, as in https://player.example; \
                       there is no * for all pages of the internet";
            return quoted("http.origins", origin, why);
        }
        let mut sites = self.frame_ancestors.iter();
        if let Some(site) = sites.find(|site| !is_frame_ancestor(site)) {
            let why = "an origin, as in https://site.example or https://*.site.example";
            return quoted("http.frame_ancestors", site, why);
        }
        if let Some(token) = &self.metrics_token {
            check_token("http.metrics_token", token)?;
        }
        if !is_base_path(&self.base_path) {
            let why = "a path that starts with a slash, as in /cam, of letters, digits and . _ ~ -";
            return quoted("http.base_path", &self.base_path, why);
        }
        Ok(())
    }
}

/// Empty, or segments of unreserved characters (RFC 3986 2.3), which never need escaping.
fn is_base_path(path: &str) -> bool {
    let is_segment = |segment: &str| {
        let unreserved = |c: char| c.is_ascii_alphanumeric() || "._~-".contains(c);
        !matches!(segment, "" | "." | "..") && segment.chars().all(unreserved)
    };
    let trimmed = path.trim_end_matches('/');
    trimmed.is_empty()
        || trimmed
            .strip_prefix('/')
            .is_some_and(|path| path.split('/').all(is_segment))
}

/// A host name or an address, as in a URL before the port.
fn is_host_name(host: &str) -> bool {
    let authority = host.parse::<Authority>();
    authority.is_ok_and(|authority| {
        authority.port().is_none()
            && authority.host() == host
            && !host.contains(['*', '@', '%'])
            && !host.ends_with(':')
    })
}

/// What browsers send as `Origin`: no path, not even a slash.
fn is_origin(origin: &str) -> bool {
    origin_of(origin).is_some_and(|bare| bare == origin) && !origin.contains('*')
}

/// A host source of a Content Security Policy (CSP 3, 2.3.1) with its scheme.
fn is_frame_ancestor(site: &str) -> bool {
    let ends_a_source = |c: char| c.is_whitespace() || ";,'\"".contains(c);
    let without_wildcard = site.replacen("://*.", "://", 1);
    !site.contains(ends_a_source) && is_origin(&without_wildcard)
}

/// `public_url` is scheme, host and port, with or without a slash; a path is `[http] base_path`.
pub(super) fn check_public_url(value: Option<&str>) -> Result<(), ConfigError> {
    let Some(value) = value.filter(|value| origin_of(value).is_none()) else {
        return Ok(());
    };
    let why = "as in https://booth.example or http://192.168.1.20:8080, without a path: what a proxy \
               puts in front of paths is [http] base_path";
    // The part before an @ may be a password.
    if value.contains('@') {
        return Err(ConfigError::hidden("public_url", why));
    }
    Err(ConfigError::value("public_url", value, why))
}

/// `https://booth.example` of `https://booth.example/`; `None` for anything but an origin.
pub(crate) fn origin_of(value: &str) -> Option<String> {
    let uri: Uri = value.parse().ok()?;
    let scheme = uri
        .scheme_str()
        .filter(|scheme| ["http", "https"].contains(scheme))?;
    let authority = uri.authority()?.as_str();
    let bare = uri.path() == "/" && uri.query().is_none() && !authority.contains('@');
    bare.then(|| format!("{scheme}://{authority}"))
}

section! {
    #[derive(Debug, Eq)]
    TlsConfig {
        /// PEM file: this machine's certificate, then the intermediate ones.
        cert: Option<PathBuf> = None,
        /// PEM file: the certificate's private key.
        key: Option<PathBuf> = None,
        /// Without `cert` and `key`: whether one is made at the first start, and kept.
        self_signed: bool = true,
    }
}

/// Where the certificate comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CertificateSource<'a> {
    Files { cert: &'a Path, key: &'a Path },
    SelfSigned,
}

impl TlsConfig {
    pub(crate) fn source(&self) -> Result<CertificateSource<'_>, ConfigError> {
        let absent = |key, why| Err(ConfigError::absent(key, why));
        match (self.cert.as_deref(), self.key.as_deref()) {
            (Some(cert), Some(key)) => Ok(CertificateSource::Files { cert, key }),
            (Some(_), None) => absent("tls.key", "name the PEM file with the key of tls.cert"),
            (None, Some(_)) => absent("tls.cert", "name the PEM file with the certificate"),
            (None, None) if self.self_signed => Ok(CertificateSource::SelfSigned),
            (None, None) => absent(
                "tls.cert",
                "listen_tls needs cert and key, or self_signed = true",
            ),
        }
    }

    /// A certificate without its key is refused even if HTTPS is off.
    pub(super) fn check(&self, listens: bool) -> Result<(), ConfigError> {
        if listens || self.cert.is_some() || self.key.is_some() {
            self.source()?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::error::message;

    fn said(text: &str) -> String {
        let config: HttpConfig = toml::from_str(text).expect("valid TOML");
        message(config.check())
    }

    #[test]
    fn names_and_origins_are_taken_as_browsers_write_them() {
        assert_eq!(said(""), "");
        assert_eq!(
            said(
                "hosts = ['booth.example', 'booth', '[fd00::5]']\n\
                 origins = ['https://player.example', 'http://192.168.1.7:3000']\n\
                 frame_ancestors = ['https://site.example', 'https://*.site.example']\n\
                 metrics_token = 'orchid-lantern-42'"
            ),
            ""
        );
    }

    #[test]
    fn a_prefix_is_a_plain_path() {
        for (given, wanted) in [("", ""), ("/", ""), ("/cam", "/cam"), ("/a/b.c/", "/a/b.c")] {
            let text = format!("base_path = '{given}'");
            assert_eq!(said(&text), "");
            let config: HttpConfig = toml::from_str(&text).expect("valid TOML");
            assert_eq!(config.prefix(), wanted);
        }
        for wrong in [
            "cam",
            "/a b",
            "/a//b",
            "/../b",
            "/%2e",
            "/a?b",
            "https://x.example/cam",
        ] {
            let said = said(&format!("base_path = '{wrong}'"));
            assert!(said.starts_with("http.base_path"), "{wrong}: {said}");
        }
    }

    #[test]
    fn invalid_http_settings_are_named() {
        for host in [
            "http://booth.example",
            "booth.example:80",
            "a b",
            "*",
            "",
            "a/b",
        ] {
            let said = said(&format!("hosts = ['{host}']"));
            assert!(said.starts_with("http.hosts"), "{host}: {said}");
        }
        for origin in [
            "*",
            "null",
            "player.example",
            "https://player.example/",
            "https://*.x.y",
        ] {
            let said = said(&format!("origins = ['{origin}']"));
            assert!(said.starts_with("http.origins"), "{origin}: {said}");
        }
        for site in [
            "*",
            "https:",
            "https://x.example; script-src *",
            "'self'",
            "x.example",
        ] {
            let said = said(&format!("frame_ancestors = [\"{site}\"]"));
            assert!(said.starts_with("http.frame_ancestors"), "{site}: {said}");
        }
        let weak = said("metrics_token = '12345678'");
        assert!(
            weak.starts_with("http.metrics_token") && !weak.contains("1234"),
            "{weak}"
        );
    }

    #[test]
    fn only_an_origin_is_taken() {
        for (given, wanted) in [
            ("https://booth.example", "https://booth.example"),
            ("https://booth.example/", "https://booth.example"),
            ("http://192.168.1.20:8080", "http://192.168.1.20:8080"),
            ("http://[fd00::5]:8080/", "http://[fd00::5]:8080"),
        ] {
            assert_eq!(origin_of(given).as_deref(), Some(wanted));
        }
        for wrong in [
            "booth.example",
            "ftp://booth.example",
            "https://me:secret@booth.example",
            "https://booth.example/there",
            "https://booth.example/?x=1",
            "https://",
            "",
        ] {
            let said = check_public_url(Some(wrong)).expect_err(wrong).to_string();
            assert!(said.starts_with("public_url = "), "{said}");
            assert!(!said.contains("secret"), "{said}");
        }
    }

    #[test]
    fn files_go_before_self_signed_and_half_of_them_is_named() {
        let source = |cert: Option<&str>, key: Option<&str>, self_signed| {
            let config = TlsConfig {
                cert: cert.map(PathBuf::from),
                key: key.map(PathBuf::from),
                self_signed,
            };
            let source = config.source().map(|source| format!("{source:?}"));
            source.unwrap_or_else(|error| error.to_string())
        };
        assert!(source(Some("c.pem"), Some("k.pem"), true).contains("k.pem"));
        assert_eq!(source(None, None, true), "SelfSigned");
        assert!(source(Some("c.pem"), None, true).starts_with("tls.key"));
        assert!(source(None, Some("k.pem"), true).starts_with("tls.cert"));
        assert!(source(None, None, false).contains("self_signed = true"));
        let nothing = TlsConfig {
            self_signed: false,
            ..TlsConfig::default()
        };
        assert!(nothing.check(false).is_ok() && nothing.check(true).is_err());
    }
}
