//! `[http]`: under which names the station answers, which other sites may use it, and who reads metrics.

use axum::http::uri::Authority;
use serde::{Deserialize, Serialize};

use super::{ConfigError, check_token, public_url};

/// Names, other sites, and the token of `/metrics`. Everything is off by default.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct HttpConfig {
    /// Names under which the station answers, besides those it knows by itself.
    pub(crate) hosts: Vec<String>,
    /// Origins of other sites whose pages may use the station (CORS).
    pub(crate) origins: Vec<String>,
    /// Sites that may show the pages in a frame.
    pub(crate) frame_ancestors: Vec<String>,
    /// Lets its holder read `/metrics`, and nothing else; absent: as `/api/viewers`.
    pub(crate) metrics_token: Option<String>,
}

impl HttpConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        for host in &self.hosts {
            if !is_host_name(host) {
                let why = "a name alone, as in booth.example, without scheme, port and path";
                return wrong("http.hosts", host, why);
            }
        }
        for origin in &self.origins {
            if !is_origin(origin) {
                let why = "scheme, host and port of a page, as in https://player.example; \
                           there is no * for all pages of the internet";
                return wrong("http.origins", origin, why);
            }
        }
        for site in &self.frame_ancestors {
            if !is_frame_ancestor(site) {
                let why = "an origin, as in https://site.example or https://*.site.example";
                return wrong("http.frame_ancestors", site, why);
            }
        }
        if let Some(token) = &self.metrics_token {
            check_token("http.metrics_token", token)?;
        }
        Ok(())
    }
}

fn wrong(key: &'static str, value: &str, why: &str) -> Result<(), ConfigError> {
    Err(ConfigError::Value {
        key,
        value: format!("{value:?}"),
        why: why.to_owned(),
    })
}

/// A host name or an address, as it stands in an address bar before the port.
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
    public_url::origin(origin).is_some_and(|bare| bare == origin) && !origin.contains('*')
}

/// A host source of a Content Security Policy (CSP 3, 2.3.1) with its scheme.
fn is_frame_ancestor(site: &str) -> bool {
    let ends_a_source = |c: char| c.is_whitespace() || ";,'\"".contains(c);
    let named = site.replacen("://*.", "://", 1);
    !site.contains(ends_a_source) && is_origin(&named)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> String {
        let config: HttpConfig = toml::from_str(text).expect("valid TOML");
        let checked = config.check();
        checked.map_or_else(|error| error.to_string(), |()| String::new())
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
    fn anything_else_is_named() {
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
}
