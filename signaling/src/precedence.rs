//! Pure: which of this machine's addresses people most likely reach it by.

use std::net::IpAddr;

use crate::candidates::HostAddress;

/// How the names of interfaces begin that lead to this machine's own containers and virtual machines,
/// or through a tunnel: few in the room reach them, even where a tunnel has the default route.
const VIRTUAL: [&str; 36] = [
    "anbox",
    "br-",
    "cali",
    "cilium",
    "cni",
    "docker",
    "dummy",
    "flannel",
    "gre",
    "ham",
    "ifb",
    "incus",
    "ip6tnl",
    "ipsec",
    "kube",
    "lxc",
    "lxd",
    "mullvad",
    "nebula",
    "nordlynx",
    "ovs",
    "podman",
    "proton",
    "sit",
    "tailscale",
    "tap",
    "tun",
    "utun",
    "vboxnet",
    "veth",
    "virbr",
    "vmnet",
    "vnet",
    "weave",
    "wg",
    "zt",
];

/// Sorts best first: what is no known virtual interface, IPv4, the interface of the default route, and
/// what a room's network usually has.
pub(crate) fn rank(address: &HostAddress) -> impl Ord + use<> {
    (
        is_virtual(&address.interface),
        address.ip.is_ipv6(),
        address.route_metric.unwrap_or(u32::MAX),
        scope(address.ip),
    )
}

fn is_virtual(interface: &str) -> bool {
    VIRTUAL.iter().any(|prefix| interface.starts_with(prefix)) || interface.contains("vpn")
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

/// The interfaces of the default routes with their metrics, from the text of `/proc/net/route`
/// (proc(5)).
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

/// The same of `/proc/net/ipv6_route`, which has no heading, and its numbers in hexadecimal.
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

/// Up, and not one that only refuses (linux/route.h).
fn is_usable(flags: u32) -> bool {
    const RTF_UP: u32 = 0x0001;
    const RTF_REJECT: u32 = 0x0200;
    flags & (RTF_UP | RTF_REJECT) == RTF_UP
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(interface: &str, ip: &str, route_metric: Option<u32>) -> HostAddress {
        HostAddress {
            interface: interface.to_owned(),
            ip: ip.parse().expect("an address"),
            prefix_bits: 24,
            route_metric,
        }
    }

    fn best(mut hosts: Vec<HostAddress>) -> Vec<String> {
        hosts.sort_by_key(rank);
        hosts.iter().map(|host| host.ip.to_string()).collect()
    }

    #[test]
    fn the_default_route_comes_first_and_known_virtual_interfaces_last() {
        for (virtual_one, address) in [
            ("lxdbr0", "10.45.0.1"),
            ("vboxnet0", "192.168.56.1"),
            ("wg0", "10.8.0.2"),
            ("tailscale0", "100.101.3.2"),
            ("openvpn", "10.9.0.2"),
        ] {
            for metric in [None, Some(0)] {
                let hosts = vec![
                    host(virtual_one, address, metric),
                    host("eth5", "fd00::9", None),
                    host("eth5", "198.51.100.9", None),
                    host("wlan1", "192.168.1.20", Some(600)),
                ];
                let wanted = ["192.168.1.20", "198.51.100.9", "fd00::9", address];
                assert_eq!(best(hosts), wanted);
            }
        }
        assert_eq!(best(vec![host("wg0", "10.8.0.2", None)]), ["10.8.0.2"]);
    }

    #[test]
    fn of_two_default_routes_the_cheaper_and_without_one_the_private_network() {
        let two = vec![
            host("wlan0", "192.168.1.20", Some(600)),
            host("eth0", "203.0.113.7", Some(100)),
        ];
        assert_eq!(best(two), ["203.0.113.7", "192.168.1.20"]);
        let none = vec![
            host("eth1", "169.254.3.4", None),
            host("eth0", "203.0.113.7", None),
            host("wlan0", "192.168.1.20", None),
        ];
        assert_eq!(best(none), ["192.168.1.20", "203.0.113.7", "169.254.3.4"]);
    }

    #[test]
    fn default_routes_are_read_as_the_kernel_writes_them() {
        let v4 = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n\
                  wlan0\t00000000\t0101A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0\n\
                  wlan0\t0001A8C0\t00000000\t0001\t0\t0\t600\t00FFFFFF\t0\t0\t0\n\
                  tun0\t00000000\t00000000\t0001\t0\t0\t50\t00000080\t0\t0\t0\n";
        assert_eq!(default_routes(v4), [("wlan0".to_owned(), 600)]);
        let zero = "0".repeat(32);
        let v6 = format!(
            "{zero} 00 {zero} 00 fe800000000000000000000000000001 00000400 00000001 00000000 00000003 eth0\n\
             {zero} 00 {zero} 00 {zero} ffffffff 00000001 00000000 00200200 lo\n\
             {zero} 40 {zero} 00 {zero} 00000100 00000001 00000000 00000001 eth1\n"
        );
        assert_eq!(default_routes_v6(&v6), [("eth0".to_owned(), 1024)]);
        assert!(default_routes("").is_empty() && default_routes_v6("x y").is_empty());
    }
}
