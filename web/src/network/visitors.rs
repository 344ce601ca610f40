//! The address of the pages that visitors are told, in codes and links. Pure.

use std::net::{IpAddr, SocketAddr};

use super::choice::{AddressReason, Preference, RankedAddress, ranked};
use super::interface::NetworkInterface;
use crate::config::Config;
use crate::http::addresses::{PublicAddress, Served};

/// The URLs of the pages for visitors, and why it is these.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct VisitorsAddress {
    pub(crate) public: PublicAddress,
    pub(crate) reason: AddressReason,
    /// The one whose address stands in the URL.
    pub(crate) interface: Option<String>,
}

pub(crate) fn preference(config: &Config) -> Preference<'_> {
    Preference {
        interface: config.network.prefer.as_deref(),
        ssid: config.wifi.ssid.as_deref(),
    }
}

impl VisitorsAddress {
    /// `config` is the present one, `interfaces` those of now.
    pub(crate) fn now(config: &Config, served: &Served, interfaces: &[NetworkInterface]) -> Self {
        let ranked = ranked(interfaces, &preference(config));
        let hosts: Vec<IpAddr> = ranked.iter().map(|address| address.ip).collect();
        let configured = config.public_url.as_deref();
        let public = PublicAddress::now(configured, served, &hosts, config.http.prefix());
        let listener = match (served.https, public.best.starts_with("https:")) {
            (Some(https), true) => https.at,
            _ => served.http,
        };
        let (reason, interface) = match configured {
            Some(_) => (AddressReason::PublicUrl, None),
            None => reason(listener, &ranked, interfaces),
        };
        Self {
            public,
            reason,
            interface,
        }
    }
}

fn reason(
    listener: SocketAddr,
    ranked: &[RankedAddress],
    interfaces: &[NetworkInterface],
) -> (AddressReason, Option<String>) {
    if !listener.ip().is_unspecified() {
        let has_it = |one: &&NetworkInterface| one.addresses.iter().any(|a| a.ip == listener.ip());
        let interface = interfaces.iter().find(has_it);
        return (
            AddressReason::Listen,
            interface.map(|interface| interface.name.clone()),
        );
    }
    let is_served = |address: &&RankedAddress| listener.is_ipv6() || address.ip.is_ipv4();
    match ranked.iter().find(is_served) {
        Some(best) => (best.reason, Some(best.interface.clone())),
        None => (AddressReason::OnlyLoopback, None),
    }
}
