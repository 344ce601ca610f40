//! Pure: the address that visitors reach, for codes and links. Asked anew each time, so that it follows
//! the network this machine is on.

use std::net::{IpAddr, SocketAddr};

use crate::addresses::{Scheme, urls};
use crate::config::public_url;

/// Where the pages are served.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Served {
    pub(crate) plain: SocketAddr,
    pub(crate) secure: Option<SecureDoor>,
}

/// HTTPS, beside plain HTTP.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SecureDoor {
    pub(crate) at: SocketAddr,
    /// Of carrier's own making: browsers warn of it.
    pub(crate) self_signed: bool,
}

/// Addresses of the pages, without a slash at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PublicAddress {
    /// What a visitor should open.
    pub(crate) best: String,
    /// The same pages over HTTPS, if there are any.
    pub(crate) https: Option<String>,
}

impl PublicAddress {
    /// `hosts` are this machine's addresses now, `prefix` is what stands in front of every path.
    pub(crate) fn now(
        configured: Option<&str>,
        served: &Served,
        hosts: &[IpAddr],
        prefix: &str,
    ) -> Self {
        let lan = |scheme, at: SocketAddr| {
            let first = urls(scheme, at, hosts).into_iter().next();
            first.map(|url| format!("{}{prefix}", url.trim_end_matches('/')))
        };
        let secure = served.secure.filter(|door| !door.at.ip().is_loopback());
        let https = secure.and_then(|door| lan(Scheme::Https, door.at));
        if let Some(best) = configured.and_then(public_url::origin) {
            let best = format!("{best}{prefix}");
            let https = Some(best.clone())
                .filter(|url| url.starts_with("https:"))
                .or(https);
            return Self { best, https };
        }
        let plain = lan(Scheme::Http, served.plain).unwrap_or_default();
        // A warning of a certificate that nobody vouches for would be the first thing visitors see.
        let prefers_secure =
            served.plain.ip().is_loopback() || secure.is_some_and(|door| !door.self_signed);
        let best = https.clone().filter(|_| prefers_secure).unwrap_or(plain);
        Self { best, https }
    }

    /// The address of a page, with the token that lets people in, if one is asked for. The configuration
    /// takes only tokens that need no escapes.
    pub(crate) fn page(&self, path: &str, token: Option<&str>) -> String {
        link(&self.best, path, token)
    }

    /// The same page over HTTPS.
    pub(crate) fn https_page(&self, path: &str, token: Option<&str>) -> Option<String> {
        self.https.as_ref().map(|origin| link(origin, path, token))
    }
}

fn link(origin: &str, path: &str, token: Option<&str>) -> String {
    let query = token.map_or_else(String::new, |token| format!("?token={token}"));
    format!("{origin}{path}{query}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(configured: Option<&str>, plain: &str, secure: Option<bool>) -> PublicAddress {
        let served = Served {
            plain: plain.parse().expect("an address"),
            secure: secure.map(|self_signed| SecureDoor {
                at: "[::]:8443".parse().expect("an address"),
                self_signed,
            }),
        };
        let hosts = ["192.168.1.20", "fd00::5", "127.0.0.1"];
        PublicAddress::now(
            configured,
            &served,
            &hosts.map(|host| host.parse().expect("an address")),
            "",
        )
    }

    #[test]
    fn it_is_the_address_in_the_network_unless_one_is_configured() {
        let lan = address(None, "[::]:8080", None);
        assert_eq!(lan.best, "http://192.168.1.20:8080");
        assert_eq!(lan.https, None);
        let public = address(Some("https://booth.example/"), "[::]:8080", None);
        assert_eq!(public.best, "https://booth.example");
        assert_eq!(public.https.as_deref(), Some("https://booth.example"));
        let named = address(Some("http://booth.local"), "[::]:8080", Some(true));
        assert_eq!(named.best, "http://booth.local");
        assert_eq!(named.https.as_deref(), Some("https://192.168.1.20:8443"));
    }

    #[test]
    fn https_goes_first_when_browsers_trust_it_or_nothing_else_is_reached() {
        let own = address(None, "[::]:8080", Some(false));
        assert_eq!(own.best, "https://192.168.1.20:8443");
        let self_signed = address(None, "[::]:8080", Some(true));
        assert_eq!(self_signed.best, "http://192.168.1.20:8080");
        assert_eq!(
            self_signed.https.as_deref(),
            Some("https://192.168.1.20:8443")
        );
        let local = address(None, "127.0.0.1:8080", Some(true));
        assert_eq!(local.best, "https://192.168.1.20:8443");
    }

    #[test]
    fn a_prefix_stands_in_front_of_every_path() {
        let served = Served {
            plain: "127.0.0.1:80".parse().expect("an address"),
            secure: None,
        };
        let page = |configured| {
            let address = PublicAddress::now(configured, &served, &[], "/cam");
            address.page("/booth", None)
        };
        assert_eq!(page(None), "http://127.0.0.1/cam/booth");
        let public = page(Some("https://booth.example"));
        assert_eq!(public, "https://booth.example/cam/booth");
    }

    #[test]
    fn links_bring_the_token() {
        let lan = address(None, "127.0.0.1:80", None);
        assert_eq!(lan.page("/booth", None), "http://127.0.0.1/booth");
        let link = lan.page("/", Some("let-me-watch"));
        assert_eq!(link, "http://127.0.0.1/?token=let-me-watch");
    }
}
