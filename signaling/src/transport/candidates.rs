//! Chooses the ICE candidates of this machine that a viewer is offered.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::interfaces::{HostAddress, Network, rank};
use super::runs::TransportProtocol;

/// The candidates of one answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Candidates {
    /// Addresses of this machine, best first. Checks are sent from and received on these.
    pub(crate) local: Vec<IpAddr>,
    /// The networks of `local`.
    pub(crate) networks: Vec<Network>,
    /// The address that the viewer's browser used for HTTP, when it is not this machine's own: a port
    /// forward, or the host of a container. Only offered; nothing can be sent from it.
    pub(crate) forwarded: Option<IpAddr>,
    /// Configured public addresses. Only offered, and before all others.
    pub(crate) announced: Vec<SocketAddr>,
}

/// The HTTP `Host` header of a viewer's request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HostName {
    /// An address.
    Address(IpAddr),
    /// `localhost`.
    Loopback,
    /// Another name, or none: it says nothing about addresses.
    Unknown,
}

/// Maximum addresses in an answer; a viewer pairs each with each of its own.
const LOCAL_MAX: usize = 8;

/// Maximum TCP candidates; each costs a viewer a connection.
const TCP_MAX: usize = 4;

/// Prefixes of interfaces to this machine's own containers and virtual machines. Nobody outside can
/// reach them, and each would cost every viewer checks that time out.
const BRIDGES: [&str; 7] = ["docker", "br-", "veth", "cni", "flannel", "virbr", "podman"];

impl HostName {
    /// Parses a `Host` header: `name`, `name:port`, `address:port`, `[v6]:port`.
    pub(crate) fn parse(header: Option<&str>) -> Self {
        let Some(header) = header.map(str::trim) else {
            return Self::Unknown;
        };
        if let Ok(addr) = header.parse::<SocketAddr>() {
            return Self::Address(addr.ip().to_canonical());
        }
        let name = match header.strip_prefix('[') {
            Some(rest) => rest.split(']').next().unwrap_or(rest),
            None => header.split(':').next().unwrap_or(header),
        };
        match name.parse::<IpAddr>() {
            Ok(ip) => Self::Address(ip.to_canonical()),
            Err(_) if name.eq_ignore_ascii_case("localhost") => Self::Loopback,
            Err(_) => Self::Unknown,
        }
    }

    fn is_loopback(self) -> bool {
        match self {
            Self::Address(ip) => ip.is_loopback(),
            Self::Loopback => true,
            Self::Unknown => false,
        }
    }
}

/// Chooses the candidates for one viewer from the current interfaces.
///
/// The address that the viewer already used for HTTP comes first. Loopback is for viewers on this
/// machine, and for a machine without a network.
pub(crate) fn choose(hosts: &[HostAddress], host: HostName, ipv6: bool) -> Candidates {
    let named = match host {
        HostName::Address(ip) if !ip.is_unspecified() && (ipv6 || ip.is_ipv4()) => Some(ip),
        _ => None,
    };
    let mut hosts: Vec<&HostAddress> = hosts.iter().collect();
    hosts.sort_by_key(|address| rank(address));
    let mut local: Vec<IpAddr> = hosts
        .iter()
        .filter(|address| Some(address.ip) == named || is_public(address, ipv6))
        .map(|address| address.ip)
        .collect();
    if host.is_loopback() || local.is_empty() {
        local.push(Ipv4Addr::LOCALHOST.into());
        if ipv6
            && hosts
                .iter()
                .any(|address| address.ip == Ipv6Addr::LOCALHOST)
        {
            local.push(Ipv6Addr::LOCALHOST.into());
        }
    }
    local.sort_by_key(|ip| {
        let loopback_is_better = host.is_loopback();
        (Some(*ip) != named, loopback_is_better != ip.is_loopback())
    });
    local.dedup();
    local.truncate(LOCAL_MAX);
    let forwarded = named.filter(|ip| !local.contains(ip) && !ip.is_loopback());
    let used = hosts.iter().filter(|address| local.contains(&address.ip));
    let networks = used.map(|used| Network {
        address: used.ip,
        prefix_bits: used.prefix_bits,
    });
    Candidates {
        networks: networks.collect(),
        local,
        forwarded,
        announced: Vec::new(),
    }
}

fn is_public(address: &HostAddress, ipv6: bool) -> bool {
    let bridge = BRIDGES
        .iter()
        .any(|prefix| address.interface.starts_with(prefix));
    let usable = match address.ip {
        IpAddr::V4(v4) => !v4.is_link_local(),
        // fe80:: needs a scope that SDP cannot express; fec0:: is deprecated.
        IpAddr::V6(v6) => ipv6 && !v6.is_unicast_link_local(),
    };
    usable
        && !bridge
        && !address.ip.is_loopback()
        && !address.ip.is_unspecified()
        && !address.ip.is_multicast()
}

impl Candidates {
    /// The `a=candidate` values, best first: all UDP candidates, then TCP for networks that block UDP.
    pub(crate) fn lines(&self, port: u16, tcp: bool) -> Vec<String> {
        let own = self.forwarded.iter().chain(&self.local);
        let mut all = self.announced.clone();
        for ip in own {
            let at = SocketAddr::new(*ip, port);
            if !all.contains(&at) {
                all.push(at);
            }
        }
        let over = |protocol| move |at| (protocol, at);
        let udp = all.iter().map(over(TransportProtocol::Udp)).enumerate();
        let tcp = tcp.then(|| self.over_tcp(&all, port));
        let tcp = tcp.into_iter().flatten();
        let tcp = tcp.map(over(TransportProtocol::Tcp)).enumerate();
        udp.chain(tcp)
            .enumerate()
            .map(|(index, (place, (protocol, at)))| host_line(index + 1, protocol, place, *at))
            .collect()
    }

    /// The addresses offered over TCP. This machine's best address is always among them.
    fn over_tcp<'a>(
        &self,
        all: &'a [SocketAddr],
        port: u16,
    ) -> impl Iterator<Item = &'a SocketAddr> {
        let best = self.local.first().map(|ip| SocketAddr::new(*ip, port));
        let place = all.iter().position(|at| Some(*at) == best);
        let (first, kept) = match place {
            Some(place) if place >= TCP_MAX => (TCP_MAX - 1, Some(place)),
            _ => (TCP_MAX, None),
        };
        let rest = kept.map(|place| &all[place]);
        all.iter().take(first).chain(rest)
    }
}

/// Formats a host candidate of the RTP component (RTCP is multiplexed). `place`: 0 is the best.
fn host_line(
    foundation: usize,
    protocol: TransportProtocol,
    place: usize,
    at: SocketAddr,
) -> String {
    let priority = host_priority(protocol, place);
    let (ip, port) = (at.ip(), at.port());
    let (name, end) = match protocol {
        TransportProtocol::Udp => ("udp", ""),
        TransportProtocol::Tcp => ("tcp", " tcptype passive"),
    };
    format!("candidate:{foundation} 1 {name} {priority} {ip} {port} typ host{end}")
}

/// The priority of a host candidate (RFC 8445 5.1.2.1; over TCP: RFC 6544 4.2).
pub(crate) fn host_priority(protocol: TransportProtocol, place: usize) -> u32 {
    const COMPONENT: u32 = 1;
    const UDP_TYPE: u32 = 126;
    /// Below every UDP type except relayed ones, as in Chromium.
    const TCP_TYPE: u32 = 90;
    /// Direction preference of a passive candidate, above 13 bits of our own.
    const PASSIVE: u32 = 4 << 13;
    let place = u32::try_from(place).unwrap_or(u32::MAX);
    let (kind, preference) = match protocol {
        TransportProtocol::Udp => (UDP_TYPE, u32::from(u16::MAX).saturating_sub(place)),
        TransportProtocol::Tcp => (TCP_TYPE, PASSIVE | 0x1fff_u32.saturating_sub(place)),
    };
    (kind << 24) | (preference << 8) | (256 - COMPONENT)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(interface: &str, ip: &str) -> HostAddress {
        HostAddress {
            interface: interface.to_owned(),
            ip: ip.parse().expect("an address"),
            route_metric: None,
            prefix_bits: 24,
        }
    }

    fn laptop() -> Vec<HostAddress> {
        vec![
            host("lo", "127.0.0.1"),
            host("lo", "::1"),
            host("docker0", "172.17.0.1"),
            host("br-1a2b", "172.18.0.1"),
            host("veth9", "169.254.3.4"),
            host("eth0", "192.168.1.20"),
            host("eth0", "fe80::1"),
            host("wlan0", "fd00::7"),
            host("wlan0", "10.0.0.9"),
        ]
    }

    fn ips(list: &[&str]) -> Vec<IpAddr> {
        list.iter()
            .map(|ip| ip.parse().expect("an address"))
            .collect()
    }

    #[test]
    fn bridges_link_local_and_loopback_addresses_are_not_offered() {
        let chosen = choose(&laptop(), HostName::Unknown, true);
        assert_eq!(chosen.local, ips(&["192.168.1.20", "10.0.0.9", "fd00::7"]));
        assert_eq!(chosen.forwarded, None);
        let v4 = choose(&laptop(), HostName::Unknown, false);
        assert_eq!(v4.local, ips(&["192.168.1.20", "10.0.0.9"]));
    }

    #[test]
    fn the_named_address_comes_first_even_on_a_bridge() {
        let lan = choose(&laptop(), HostName::parse(Some("10.0.0.9:8080")), true);
        assert_eq!(lan.local[0], ips(&["10.0.0.9"])[0]);
        let bridge = choose(&laptop(), HostName::parse(Some("172.17.0.1:8080")), true);
        assert_eq!(bridge.local[0], ips(&["172.17.0.1"])[0]);
        assert_eq!(bridge.local.len(), 4);
    }

    #[test]
    fn a_forwarded_address_is_offered_first_but_not_used_locally() {
        let chosen = choose(&laptop(), HostName::parse(Some("203.0.113.5:80")), true);
        assert_eq!(chosen.forwarded, Some(ips(&["203.0.113.5"])[0]));
        let lines = chosen.lines(8189, false);
        assert_eq!(lines.len(), 4);
        assert_eq!(
            lines[0],
            "candidate:1 1 udp 2130706431 203.0.113.5 8189 typ host"
        );
        assert!(!chosen.local.contains(&ips(&["203.0.113.5"])[0]));
    }

    #[test]
    fn loopback_is_offered_to_local_viewers_and_without_a_network() {
        let local = choose(&laptop(), HostName::parse(Some("localhost:8080")), true);
        assert_eq!(local.local[..2], ips(&["127.0.0.1", "::1"]));
        assert_eq!(local.local.len(), 5);
        let v6 = choose(&laptop(), HostName::parse(Some("[::1]:8080")), true);
        assert_eq!(v6.local[0], ips(&["::1"])[0]);
        let alone = choose(&[host("lo", "127.0.0.1")], HostName::Unknown, true);
        assert_eq!(alone.local, ips(&["127.0.0.1"]));
    }

    #[test]
    fn host_headers_are_parsed() {
        let parse = |header| HostName::parse(Some(header));
        let address = |ip: &str| HostName::Address(ip.parse().expect("an address"));
        assert_eq!(parse("192.0.2.1"), address("192.0.2.1"));
        assert_eq!(parse("[fd00::2]"), address("fd00::2"));
        assert_eq!(parse("[fd00::2]:80"), address("fd00::2"));
        assert_eq!(parse("[::ffff:192.0.2.1]:80"), address("192.0.2.1"));
        assert_eq!(parse("LOCALHOST"), HostName::Loopback);
        assert_eq!(parse("carrier.local:8080"), HostName::Unknown);
        assert_eq!(HostName::parse(None), HostName::Unknown);
        for odd in ["", "[", ":::", "[::1"] {
            let _ = parse(odd);
        }
        let any = choose(&laptop(), parse("0.0.0.0:8080"), true);
        assert_eq!(any.forwarded, None);
    }

    #[test]
    fn announced_addresses_come_first_and_tcp_comes_last() {
        let chosen = Candidates {
            announced: vec!["203.0.113.5:30189".parse().expect("an address")],
            ..choose(&laptop(), HostName::Unknown, true)
        };
        let lines = chosen.lines(8189, true);
        let ends: Vec<String> = lines
            .iter()
            .map(|line| {
                let words: Vec<&str> = line.split(' ').collect();
                format!("{} {} {}", words[2], words[4], words[5])
            })
            .collect();
        assert_eq!(
            ends,
            [
                "udp 203.0.113.5 30189",
                "udp 192.168.1.20 8189",
                "udp 10.0.0.9 8189",
                "udp fd00::7 8189",
                "tcp 203.0.113.5 30189",
                "tcp 192.168.1.20 8189",
                "tcp 10.0.0.9 8189",
                "tcp fd00::7 8189",
            ]
        );
        let priorities: Vec<u32> = lines
            .iter()
            .filter_map(|line| line.split(' ').nth(3)?.parse().ok())
            .collect();
        assert!(priorities.is_sorted_by(|a, b| a > b), "{priorities:?}");
        assert!(
            lines[4].ends_with("typ host tcptype passive"),
            "{}",
            lines[4]
        );
        assert!(
            !chosen.local.contains(&ips(&["203.0.113.5"])[0]),
            "not a local address"
        );
    }

    #[test]
    fn announced_addresses_leave_room_for_the_best_local_address_over_tcp() {
        let announced = |last| {
            format!("203.0.113.{last}:30189")
                .parse()
                .expect("an address")
        };
        let chosen = Candidates {
            announced: (1..=8).map(announced).collect(),
            ..choose(&laptop(), HostName::Unknown, true)
        };
        let lines = chosen.lines(8189, true);
        let tcp: Vec<&String> = lines.iter().filter(|line| line.contains(" tcp ")).collect();
        assert_eq!(tcp.len(), TCP_MAX);
        assert!(tcp[TCP_MAX - 1].contains("192.168.1.20 8189"), "{tcp:?}");
    }

    #[test]
    fn candidates_follow_changes_of_the_interfaces() {
        let before = choose(&laptop(), HostName::Unknown, true);
        let mut tethered: Vec<HostAddress> = laptop();
        tethered.retain(|host| host.interface != "wlan0");
        tethered.push(host("usb0", "192.168.42.7"));
        let after = choose(&tethered, HostName::Unknown, true);
        assert!(before.local.contains(&ips(&["10.0.0.9"])[0]));
        assert_eq!(after.local, ips(&["192.168.1.20", "192.168.42.7"]));
    }
}
