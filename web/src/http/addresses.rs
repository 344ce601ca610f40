//! URLs of the pages on this machine, and the one that visitors should open. Computed on each use,
//! because the machine's addresses may change.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use crate::config::http;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scheme {
    Http,
    Https,
}

/// URLs of the pages, best first. `hosts` are this machine's addresses, best first; `listen` is the
/// bound address. A wildcard listener answers on all of them, any other on its own.
pub(crate) fn urls(scheme: Scheme, listen: SocketAddr, hosts: &[IpAddr]) -> Vec<String> {
    if !listen.ip().is_unspecified() {
        return vec![url(scheme, listen.ip(), listen.port())];
    }
    let mut reachable: Vec<IpAddr> = hosts
        .iter()
        .copied()
        .filter(|host| listen.is_ipv6() || host.is_ipv4())
        .filter(|host| !host.is_loopback())
        .collect();
    reachable.dedup();
    reachable.push(IpAddr::V4(Ipv4Addr::LOCALHOST));
    reachable
        .into_iter()
        .map(|host| url(scheme, host, listen.port()))
        .collect()
}

fn url(scheme: Scheme, host: IpAddr, port: u16) -> String {
    let (name, usual) = match scheme {
        Scheme::Http => ("http", 80),
        Scheme::Https => ("https", 443),
    };
    if port == usual {
        let host = SocketAddr::new(host, 0).to_string();
        return format!("{name}://{}/", host.trim_end_matches(":0"));
    }
    format!("{name}://{}/", SocketAddr::new(host, port))
}

/// The addresses of the pages.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Served {
    pub(crate) http: SocketAddr,
    pub(crate) https: Option<HttpsAddress>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct HttpsAddress {
    pub(crate) at: SocketAddr,
    /// The certificate is self-signed: browsers warn of it.
    pub(crate) self_signed: bool,
}

/// URLs of the pages for visitors, without a slash at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PublicAddress {
    pub(crate) best: String,
    /// `None`: there is no HTTPS.
    pub(crate) https: Option<String>,
}

impl PublicAddress {
    /// `hosts` are this machine's current addresses, `prefix` that of a proxy.
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
        let secure = served.https.filter(|https| !https.at.ip().is_loopback());
        let https = secure.and_then(|https| lan(Scheme::Https, https.at));
        if let Some(best) = configured.and_then(http::origin_of) {
            let best = format!("{best}{prefix}");
            let https = Some(best.clone())
                .filter(|url| url.starts_with("https:"))
                .or(https);
            return Self { best, https };
        }
        let plain = lan(Scheme::Http, served.http).unwrap_or_default();
        // With a self-signed certificate, visitors would first see a warning: prefer plain HTTP.
        let prefers_secure =
            served.http.ip().is_loopback() || secure.is_some_and(|https| !https.self_signed);
        let best = https.clone().filter(|_| prefers_secure).unwrap_or(plain);
        Self { best, https }
    }

    /// The URL of a page, with a viewer token if one is given. The configuration accepts only tokens
    /// that need no escapes.
    pub(crate) fn page(&self, path: &str, token: Option<&str>) -> String {
        link(&self.best, path, token)
    }

    /// Like [`page`](Self::page), over HTTPS.
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

    fn hosts() -> Vec<IpAddr> {
        [
            "192.168.1.20",
            "203.0.113.7",
            "fd00::5",
            "127.0.0.1",
            "2001:db8::5",
        ]
        .map(|host| host.parse().expect("an address"))
        .to_vec()
    }

    #[test]
    fn a_wildcard_lists_every_address_in_order_and_loopback_last() {
        let listen = "[::]:8080".parse().expect("valid");
        let urls = urls(Scheme::Http, listen, &hosts());
        assert_eq!(urls[0], "http://192.168.1.20:8080/");
        assert_eq!(urls[1], "http://203.0.113.7:8080/");
        assert_eq!(urls[2], "http://[fd00::5]:8080/");
        assert_eq!(
            urls.last().map(String::as_str),
            Some("http://127.0.0.1:8080/")
        );
    }

    #[test]
    fn an_ipv4_wildcard_names_no_ipv6_and_a_plain_listener_only_itself() {
        let urls4 = urls(Scheme::Http, "0.0.0.0:80".parse().expect("valid"), &hosts());
        assert!(urls4.iter().all(|url| !url.contains('[')), "{urls4:?}");
        assert_eq!(urls4[0], "http://192.168.1.20/");
        let local = urls(Scheme::Http, "[::1]:8080".parse().expect("valid"), &hosts());
        assert_eq!(local, ["http://[::1]:8080/"]);
        let tls = |listen: &str| urls(Scheme::Https, listen.parse().expect("valid"), &[]);
        assert_eq!(tls("192.0.2.1:8443"), ["https://192.0.2.1:8443/"]);
        assert_eq!(tls("192.0.2.1:443"), ["https://192.0.2.1/"]);
    }

    fn address(configured: Option<&str>, plain: &str, secure: Option<bool>) -> PublicAddress {
        let served = Served {
            http: plain.parse().expect("an address"),
            https: secure.map(|self_signed| HttpsAddress {
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
    fn the_public_address_is_the_lan_address_unless_configured() {
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
    fn the_base_path_prefixes_every_path() {
        let served = Served {
            http: "127.0.0.1:80".parse().expect("an address"),
            https: None,
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
