//! The host names of this station. A website can point its own name at this machine's address (DNS
//! rebinding) and would then share the station's origin in a browser; the `Host` header shows the
//! difference.

use std::net::IpAddr;
use std::sync::Arc;

use axum::http::Uri;

use crate::config::{Config, http};
use crate::http::tls::CurrentCertificate;

/// The configured names. The public address may change, and the machine's own names are read on each use, because they may change.
pub(crate) struct HostNames {
    configured: Vec<String>,
    certificate: Option<Arc<CurrentCertificate>>,
}

impl HostNames {
    pub(crate) fn new(config: &Config, certificate: Option<Arc<CurrentCertificate>>) -> Self {
        Self {
            configured: config.http.hosts.iter().map(|name| plain(name)).collect(),
            certificate,
        }
    }

    /// Whether `host`, without a port, is a name of this station. `public_url` is the present one.
    pub(crate) fn contains(&self, host: &str, public_url: Option<&str>) -> bool {
        let host = plain(host);
        let certificate = self.certificate.as_ref();
        is_local(&host)
            || self.configured.contains(&host)
            || certificate.is_some_and(|certificate| certificate.names(&host))
            || host_of(public_url).is_some_and(|public| public == host)
            || this_machine().contains(&host)
    }
}

fn host_of(public_url: Option<&str>) -> Option<String> {
    let uri: Uri = http::origin_of(public_url?)?.parse().ok()?;
    uri.host().map(plain)
}

/// The name in lower case, without the final dot of a fully qualified one.
fn plain(host: &str) -> String {
    let host = host.strip_suffix('.').unwrap_or(host);
    host.to_ascii_lowercase()
}

/// Names that public DNS does not resolve: addresses, `localhost`, and mDNS names (RFC 6762 3).
fn is_local(host: &str) -> bool {
    let bare = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    let is_address = bare.unwrap_or(host).parse::<IpAddr>().is_ok();
    let is_mdns = host
        .strip_suffix(".local")
        .is_some_and(|name| !name.is_empty());
    is_address || is_mdns || host == "localhost"
}

/// This machine's name, alone and with the domains of its network.
fn this_machine() -> Vec<String> {
    let read = |path| std::fs::read_to_string(path).unwrap_or_default();
    machine_names(
        &read("/proc/sys/kernel/hostname"),
        &read("/etc/resolv.conf"),
    )
}

/// `laptop`, and `laptop.fritz.box` if resolv.conf has `search fritz.box`.
fn machine_names(hostname: &str, resolver: &str) -> Vec<String> {
    let full = plain(hostname.trim());
    let Some(short) = full.split('.').next().filter(|short| !short.is_empty()) else {
        return Vec::new();
    };
    let mut names = vec![full.clone(), short.to_owned()];
    for line in resolver.lines() {
        let mut words = line.split_whitespace();
        if matches!(words.next(), Some("search" | "domain")) {
            let domains = words.map(plain).filter(|domain| !domain.is_empty());
            names.extend(domains.map(|domain| format!("{short}.{domain}")));
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn station(hosts: &[&str]) -> HostNames {
        let mut config = Config::default();
        config.http.hosts = hosts.iter().map(|host| (*host).to_owned()).collect();
        HostNames::new(&config, None)
    }

    #[test]
    fn addresses_and_local_names_are_host_names() {
        let station = station(&[]);
        for host in [
            "192.168.1.20",
            "[fd00::5]",
            "[::1]",
            "localhost",
            "LOCALHOST.",
            "Booth.local",
        ] {
            assert!(station.contains(host, None), "{host}");
        }
        for host in [
            "evil.test",
            "localhost.evil.test",
            "evil.local.test",
            ".local",
            "local",
            "",
            "192.168.1.20.evil.test",
            "127.0.0.1.nip.io",
            "xlocalhost",
            "[evil.test]",
            "0x7f000001",
        ] {
            assert!(!station.contains(host, None), "{host}");
        }
    }

    #[test]
    fn configured_names_are_host_names() {
        let station = station(&["booth.example", "carrier"]);
        let public_url = Some("https://Public.example:8443/");
        for host in [
            "booth.example",
            "BOOTH.EXAMPLE.",
            "carrier",
            "public.example",
        ] {
            assert!(station.contains(host, public_url), "{host}");
        }
        for host in ["www.booth.example", "example"] {
            assert!(!station.contains(host, public_url), "{host}");
        }
        assert!(!station.contains("public.example", None));
    }

    #[test]
    fn the_machine_has_the_names_that_its_network_gives_it() {
        let resolver = "# made by a daemon\nnameserver 192.168.1.1\nsearch fritz.box lan. \n";
        let names = machine_names("Laptop\n", resolver);
        assert_eq!(
            names,
            ["laptop", "laptop", "laptop.fritz.box", "laptop.lan"]
        );
        assert_eq!(machine_names("a.b.example", ""), ["a.b.example", "a"]);
        assert!(machine_names("\n", "search evil.test").is_empty());
        let own = std::fs::read_to_string("/proc/sys/kernel/hostname").expect("Linux");
        assert!(station(&[]).contains(own.trim(), None));
    }
}
