//! What multicast DNS says of this station: a name, addresses and a port, and nothing secret. Pure.

use std::net::{IpAddr, SocketAddr};

use super::choice::{AddressReason, ranked};
use super::interface::NetworkInterface;
use super::visitors::preference;
use crate::config::Config;

/// The longest label of DNS (RFC 1035 2.3.4).
const LABEL_BYTES: usize = 63;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Advertisement {
    /// Before `.local`.
    pub(crate) label: String,
    /// The station's name, as people see it in lists of services.
    pub(crate) name: String,
    /// Of plain HTTP.
    pub(crate) port: u16,
    pub(crate) path: String,
    pub(crate) addresses: Vec<IpAddr>,
    /// Nothing is sent over others: tunnels, and containers beside a real network, need not know.
    pub(crate) interfaces: Vec<String>,
}

impl Advertisement {
    /// `None`: it is off, or the pages are not for other machines.
    pub(crate) fn wanted(
        config: &Config,
        listen: SocketAddr,
        interfaces: &[NetworkInterface],
    ) -> Option<Self> {
        if !config.network.mdns || listen.ip().is_loopback() {
            return None;
        }
        let ip = listen.ip();
        let is_served = |other: IpAddr| {
            ip == other || (ip.is_unspecified() && (listen.is_ipv6() || other.is_ipv4()))
        };
        let told: Vec<_> = ranked(interfaces, &preference(config))
            .into_iter()
            .filter(|one| one.reason != AddressReason::OnlyTunnel && is_served(one.ip))
            .collect();
        let mut names: Vec<String> = told.iter().map(|one| one.interface.clone()).collect();
        names.sort();
        names.dedup();
        Some(Self {
            label: label(&config.name),
            name: config.name[..config.name.floor_char_boundary(LABEL_BYTES)].to_owned(),
            port: listen.port(),
            path: format!("{}/", config.http.prefix()),
            addresses: told.into_iter().map(|one| one.ip).collect(),
            interfaces: names,
        })
        .filter(|one| !one.addresses.is_empty())
    }
}

/// A host name of letters, digits and hyphens (RFC 1123 2.1).
fn label(name: &str) -> String {
    let words = name.to_ascii_lowercase();
    let words = words.split(|c: char| !c.is_ascii_alphanumeric());
    let mut label = words
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join("-");
    label.truncate(LABEL_BYTES);
    match label.trim_end_matches('-') {
        "" => "carrier".to_owned(),
        label => label.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::interface::{InterfaceAddress, InterfaceKind};

    fn interface(name: &str, kind: InterfaceKind, ip: &str) -> NetworkInterface {
        NetworkInterface {
            name: name.to_owned(),
            kind,
            is_up: true,
            addresses: vec![InterfaceAddress {
                ip: ip.parse().expect("an address"),
                route_metric: None,
            }],
            wifi: None,
        }
    }

    #[test]
    fn a_name_becomes_a_label() {
        for (name, wanted) in [
            ("carrier", "carrier"),
            ("Hall 3", "hall-3"),
            (" (Café) №2! ", "caf-2"),
            ("日本", "carrier"),
            ("", "carrier"),
        ] {
            assert_eq!(label(name), wanted);
        }
        let long = label(&"ab ".repeat(40));
        assert!(long.len() <= LABEL_BYTES && !long.ends_with('-'), "{long}");
    }

    #[test]
    fn local_networks_are_told_and_nothing_where_the_pages_are_for_this_machine() {
        let interfaces = [
            interface("wlan0", InterfaceKind::Wifi, "10.0.0.9"),
            interface("docker0", InterfaceKind::Virtual, "172.17.0.1"),
            interface("wg0", InterfaceKind::Tunnel, "10.8.0.2"),
        ];
        let wanted = |config: &Config, listen: &str, interfaces: &[NetworkInterface]| {
            Advertisement::wanted(config, listen.parse().expect("an address"), interfaces)
        };
        let mut config = Config::default();
        let told = wanted(&config, "[::]:8080", &interfaces).expect("told");
        assert_eq!(told.interfaces, ["wlan0"]);
        assert_eq!(told.addresses, ["10.0.0.9".parse::<IpAddr>().expect("one")]);
        assert_eq!((told.label.as_str(), told.port), ("carrier", 8080));
        assert_eq!(wanted(&config, "127.0.0.1:8080", &interfaces), None);
        assert_eq!(wanted(&config, "10.8.0.2:8080", &interfaces), None);
        assert_eq!(wanted(&config, "[::]:8080", &interfaces[1..]), None);
        config.network.mdns = false;
        assert_eq!(wanted(&config, "[::]:8080", &interfaces), None);
    }
}
