//! Lists this machine's addresses, ranks them by how likely people can reach them, and decides which remote
//! addresses are in its networks. Read again each time, because interfaces come and go.

#[cfg(test)]
mod tests;

use std::net::{IpAddr, SocketAddr};

use if_addrs::IfAddr;

/// One address of a network interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostAddress {
    /// The interface's name.
    pub interface: String,
    /// The address.
    pub ip: IpAddr,
    /// The metric of its interface's default route, if it has one.
    pub route_metric: Option<u32>,
    /// Prefix length of its network.
    pub prefix_bits: u8,
}

/// Every address of every interface that is up; empty when the system call fails.
#[must_use]
pub fn host_addresses() -> Vec<HostAddress> {
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

/// Adds the metric of the interface's default route of the same family.
fn with_metrics(
    interfaces: Vec<if_addrs::Interface>,
) -> impl Iterator<Item = (if_addrs::Interface, Option<u32>)> {
    // Without these files no default route is known, and only the interface kind decides.
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

/// Name prefixes of interfaces to containers, virtual machines and tunnels. People in the same room rarely
/// reach them, even where a tunnel has the default route.
const VIRTUAL: &str = "anbox br- cali cilium cni docker dummy flannel gre ham ifb incus ip6tnl ipsec kube lxc lxd \
    mullvad nebula nordlynx ovs podman proton sit tailscale tap tun utun vboxnet veth virbr \
    vmnet vnet weave wg zt";

/// Sort key, best first: physical interfaces, IPv4, the default route with the lowest metric, then
/// private networks.
pub(crate) fn rank(address: &HostAddress) -> impl Ord + use<> {
    (
        is_virtual(&address.interface),
        address.ip.is_ipv6(),
        address.route_metric.unwrap_or(u32::MAX),
        scope(address.ip),
    )
}

fn is_virtual(interface: &str) -> bool {
    let mut prefixes = VIRTUAL.split_ascii_whitespace();
    prefixes.any(|prefix| interface.starts_with(prefix)) || interface.contains("vpn")
}

/// A phone in the same room most likely shares a private network with this machine.
fn scope(ip: IpAddr) -> u8 {
    match ip {
        IpAddr::V4(v4) if v4.is_private() => 0,
        IpAddr::V4(v4) if v4.is_link_local() => 2,
        IpAddr::V6(v6) if v6.is_unique_local() => 0,
        IpAddr::V4(_) | IpAddr::V6(_) => 1,
    }
}

/// Parses `/proc/net/route` (proc(5)): the interfaces of the default routes with their metrics.
pub(crate) fn default_routes(text: &str) -> Vec<(String, u32)> {
    let route = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [name, destination, _, flags, _, _, metric, mask, ..] = fields[..] else {
            return None;
        };
        let is_default = destination == "00000000" && mask == "00000000";
        let usable = is_usable(u32::from_str_radix(flags, 16).ok()?);
        (is_default && usable).then_some((name.to_owned(), metric.parse().ok()?))
    };
    text.lines().filter_map(route).collect()
}

/// Parses `/proc/net/ipv6_route`, which has no heading and hexadecimal metrics.
pub(crate) fn default_routes_v6(text: &str) -> Vec<(String, u32)> {
    let route = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [destination, length, _, _, _, metric, _, _, flags, name] = fields[..] else {
            return None;
        };
        let is_default = length == "00" && destination.bytes().all(|digit| digit == b'0');
        let usable = is_usable(u32::from_str_radix(flags, 16).ok()?) && name != "lo";
        let metric = u32::from_str_radix(metric, 16).ok()?;
        (is_default && usable).then_some((name.to_owned(), metric))
    };
    text.lines().filter_map(route).collect()
}

/// Whether a route is up and not a reject route (linux/route.h).
fn is_usable(flags: u32) -> bool {
    const RTF_UP: u32 = 0x0001;
    const RTF_REJECT: u32 = 0x0200;
    flags & (RTF_UP | RTF_REJECT) == RTF_UP
}

/// Lower ports belong to system services, which must not be sent unsolicited datagrams.
const PORT_MIN: u16 = 1024;

/// A directly connected network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Network {
    /// This machine's address in it.
    pub(crate) address: IpAddr,
    pub(crate) prefix_bits: u8,
}

impl Network {
    /// Whether `remote` is the address of one machine in this network: not broadcast or network address.
    fn has(&self, remote: IpAddr) -> bool {
        let (own, other, bits) = match (self.address, remote) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                (own.to_bits().into(), other.to_bits().into(), u32::BITS)
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => (own.to_bits(), other.to_bits(), u128::BITS),
            _ => return false,
        };
        let host_bits = bits.saturating_sub(self.prefix_bits.into());
        let host_mask = 1_u128.checked_shl(host_bits).unwrap_or(0).wrapping_sub(1);
        let host = other & host_mask;
        let is_one = host_bits < 2 || (host != 0 && host != host_mask);
        own & !host_mask == other & !host_mask && is_one && !remote.is_multicast()
    }
}

/// Whether an address that a lite viewer names may be checked.
pub(crate) fn is_checkable(remote: SocketAddr, networks: &[Network]) -> bool {
    remote.port() >= PORT_MIN && networks.iter().any(|network| network.has(remote.ip()))
}
