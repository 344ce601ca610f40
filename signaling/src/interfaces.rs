//! This machine's addresses, asked of the system anew each time: cables and Wi-Fi come and go.

use std::net::IpAddr;

use if_addrs::IfAddr;

use crate::candidates::{HostAddress, HostName, choose};
use crate::precedence::{default_routes, default_routes_v6};

/// Every address of every interface that is up. Empty when the system does not tell.
pub(crate) fn host_addresses() -> Vec<HostAddress> {
    match if_addrs::get_if_addrs() {
        Ok(interfaces) => with_metrics(interfaces)
            .filter(|(interface, _)| interface.oper_status != if_addrs::IfOperStatus::Down)
            .map(|(interface, route_metric)| HostAddress {
                ip: interface.ip(),
                prefix_bits: match interface.addr {
                    IfAddr::V4(v4) => v4.prefixlen,
                    IfAddr::V6(v6) => v6.prefixlen,
                },
                interface: interface.name,
                route_metric,
            })
            .collect(),
        Err(error) => {
            tracing::warn!(%error, "cannot list network interfaces; only loopback is offered");
            Vec::new()
        }
    }
}

/// Each with the metric of its default route of the same family.
fn with_metrics(
    interfaces: Vec<if_addrs::Interface>,
) -> impl Iterator<Item = (if_addrs::Interface, Option<u32>)> {
    // Without these files no default route is known, and interfaces are ordered by kind alone.
    let read = |path| std::fs::read_to_string(path).unwrap_or_default();
    let v4 = default_routes(&read("/proc/net/route"));
    let v6 = default_routes_v6(&read("/proc/net/ipv6_route"));
    interfaces.into_iter().map(move |interface| {
        let routes = if interface.ip().is_ipv4() { &v4 } else { &v6 };
        let own = routes.iter().filter(|(name, _)| *name == interface.name);
        let metric = own.map(|(_, metric)| *metric).min();
        (interface, metric)
    })
}

/// The addresses at which people on the network reach this machine: the very ones that viewers are
/// told. Loopback when there is no other.
#[must_use]
pub fn lan_addresses() -> Vec<IpAddr> {
    choose(&host_addresses(), HostName::Unknown, true).local
}
