//! This machine's addresses, asked of the system anew each time: cables and Wi-Fi come and go.

use std::net::IpAddr;

use if_addrs::IfAddr;

use crate::candidates::{HostAddress, HostName, choose};

/// Every address of every interface that is up. Empty when the system does not tell.
pub(crate) fn host_addresses() -> Vec<HostAddress> {
    match if_addrs::get_if_addrs() {
        Ok(interfaces) => interfaces
            .into_iter()
            .filter(|interface| interface.oper_status != if_addrs::IfOperStatus::Down)
            .map(|interface| HostAddress {
                ip: interface.ip(),
                prefix_bits: match interface.addr {
                    IfAddr::V4(v4) => v4.prefixlen,
                    IfAddr::V6(v6) => v6.prefixlen,
                },
                interface: interface.name,
            })
            .collect(),
        Err(error) => {
            tracing::warn!(%error, "cannot list network interfaces; only loopback is offered");
            Vec::new()
        }
    }
}

/// The addresses at which people on the network reach this machine: the very ones that viewers are
/// told. Loopback when there is no other.
#[must_use]
pub fn lan_addresses() -> Vec<IpAddr> {
    choose(&host_addresses(), HostName::Unknown, true).local
}
