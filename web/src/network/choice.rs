//! Which of this machine's addresses visitors are told, and why. Pure.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::Serialize;

use super::interface::{InterfaceAddress, InterfaceKind, NetworkInterface};

/// What the configuration says of it.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Preference<'a> {
    /// The interface that the owner has chosen.
    pub(crate) interface: Option<&'a str>,
    /// The Wi-Fi network that visitors join.
    pub(crate) ssid: Option<&'a str>,
}

/// An address of this machine, and why it has its place among the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RankedAddress {
    pub(crate) ip: IpAddr,
    pub(crate) interface: String,
    pub(crate) reason: AddressReason,
}

/// The reasons, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AddressReason {
    /// `public_url` of the configuration.
    PublicUrl,
    /// The pages listen on this address alone.
    Listen,
    /// The interface that the owner has chosen.
    Preferred,
    /// It is in the Wi-Fi network that visitors join.
    VisitorsWifi,
    /// The default route goes over this Wi-Fi or cable.
    DefaultRoute,
    /// Wi-Fi or cable without a default route.
    LocalNetwork,
    /// A phone at a USB cable, or a mobile network.
    OnlyTether,
    /// An address that the machine gave itself (RFC 3927).
    OnlyLinkLocal,
    OnlyTunnel,
    /// A bridge, a container or a virtual machine.
    OnlyVirtual,
    /// This machine alone reaches the pages.
    OnlyLoopback,
}

impl AddressReason {
    pub(crate) fn in_words(self) -> &'static str {
        match self {
            Self::PublicUrl => "it is the configured public_url",
            Self::Listen => "the pages listen on this address alone",
            Self::Preferred => "its interface is the one that [network] prefer names",
            Self::VisitorsWifi => "it is in the Wi-Fi network that visitors join ([wifi] ssid)",
            Self::DefaultRoute => "the default route goes over this network",
            Self::LocalNetwork => "it is the best local network, and has no default route",
            Self::OnlyTether => "there is no other network than a phone's or a mobile one",
            Self::OnlyLinkLocal => {
                "no network has given this machine an address, which made this one itself"
            }
            Self::OnlyTunnel => "there is no other network than a tunnel",
            Self::OnlyVirtual => {
                "there is no other network than those of containers and virtual machines"
            }
            Self::OnlyLoopback => "this machine is in no network",
        }
    }

    /// Phones in the room are likely to reach it.
    pub(crate) fn is_reachable(self) -> bool {
        self < Self::OnlyTether
    }
}

/// The addresses of interfaces that are up, best first: by reason, then IPv4, then the default route with the lowest
/// metric, then private addresses, then Wi-Fi. Bridges and containers are left out where there is anything else.
/// Loopback is never among them, nor are IPv6 addresses that need a scope.
pub(crate) fn ranked(
    interfaces: &[NetworkInterface],
    preference: &Preference<'_>,
) -> Vec<RankedAddress> {
    let mut found = Vec::new();
    for interface in interfaces.iter().filter(|interface| interface.is_up) {
        let usable = interface.addresses.iter().filter(|one| is_usable(one.ip));
        found.extend(usable.map(|address| {
            let reason = reason(interface, address, preference);
            (
                sort_key(interface, address, reason),
                RankedAddress {
                    ip: address.ip,
                    interface: interface.name.clone(),
                    reason,
                },
            )
        }));
    }
    found.sort_by_key(|(key, _)| *key);
    let has_other = found
        .iter()
        .any(|(_, one)| one.reason != AddressReason::OnlyVirtual);
    found
        .into_iter()
        .map(|(_, one)| one)
        .filter(|one| !has_other || one.reason != AddressReason::OnlyVirtual)
        .collect()
}

fn is_usable(ip: IpAddr) -> bool {
    let needs_scope = matches!(ip, IpAddr::V6(v6) if v6.is_unicast_link_local());
    !needs_scope && !ip.is_loopback() && !ip.is_unspecified() && !ip.is_multicast()
}

fn reason(
    interface: &NetworkInterface,
    address: &InterfaceAddress,
    preference: &Preference<'_>,
) -> AddressReason {
    let ssid = interface
        .wifi
        .as_ref()
        .and_then(|wifi| wifi.ssid.as_deref());
    if preference.interface == Some(interface.name.as_str()) {
        return AddressReason::Preferred;
    }
    match interface.kind {
        InterfaceKind::Loopback => AddressReason::OnlyLoopback,
        InterfaceKind::Virtual => AddressReason::OnlyVirtual,
        InterfaceKind::Tunnel => AddressReason::OnlyTunnel,
        _ if matches!(address.ip, IpAddr::V4(v4) if v4.is_link_local()) => {
            AddressReason::OnlyLinkLocal
        }
        InterfaceKind::UsbTether | InterfaceKind::Other => AddressReason::OnlyTether,
        InterfaceKind::Wifi if ssid.is_some() && ssid == preference.ssid => {
            AddressReason::VisitorsWifi
        }
        InterfaceKind::Wifi | InterfaceKind::Ethernet => match address.route_metric {
            Some(_) => AddressReason::DefaultRoute,
            None => AddressReason::LocalNetwork,
        },
    }
}

fn sort_key(
    interface: &NetworkInterface,
    address: &InterfaceAddress,
    reason: AddressReason,
) -> impl Ord + Copy + use<> {
    let is_routable = match address.ip {
        IpAddr::V4(v4) => !v4.is_private(),
        IpAddr::V6(v6) => !v6.is_unique_local(),
    };
    // A default route over IPv6 alone does not make IPv6 better than a local IPv4 address: not every phone has it.
    let place = match reason {
        AddressReason::LocalNetwork => AddressReason::DefaultRoute,
        other => other,
    };
    (
        place,
        address.ip.is_ipv6(),
        address.route_metric.unwrap_or(u32::MAX),
        is_routable,
        interface.kind != InterfaceKind::Wifi,
    )
}
