//! Which addresses are of the networks that this machine is on. Pure.

use std::net::{IpAddr, SocketAddr};

/// Below are the services of systems, which answer in ways of their own.
const PORT_LEAST: u16 = 1024;

/// What an interface reaches by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Network {
    /// This machine's address in it.
    pub(crate) address: IpAddr,
    pub(crate) prefix_bits: u8,
}

impl Network {
    /// Whether an address is one machine's in this network: neither its broadcast address nor its own
    /// name.
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
    remote.port() >= PORT_LEAST && networks.iter().any(|network| network.has(remote.ip()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checkable(remote: &str, networks: &[(&str, u8)]) -> bool {
        let networks: Vec<Network> = networks
            .iter()
            .map(|(address, prefix_bits)| Network {
                address: address.parse().expect("an address"),
                prefix_bits: *prefix_bits,
            })
            .collect();
        is_checkable(remote.parse().expect("an address"), &networks)
    }

    #[test]
    fn only_machines_of_our_networks_are_checked() {
        let lan = [("192.168.1.20", 24), ("fd00::7", 64)];
        assert!(checkable("192.168.1.77:5000", &lan));
        assert!(checkable("[fd00::99]:5000", &lan));
        for other in [
            "192.168.2.77:5000",
            "203.0.113.5:5000",
            "192.168.1.255:5000",
            "192.168.1.0:5000",
            "255.255.255.255:5000",
            "224.0.0.251:5353",
            "127.0.0.1:5000",
            "0.0.0.0:5000",
            "192.168.1.77:80",
            "192.168.1.77:1023",
            "[fd00:0:0:1::99]:5000",
            "[ff02::fb]:5353",
            "[::1]:5000",
        ] {
            assert!(!checkable(other, &lan), "{other}");
        }
    }

    #[test]
    fn loopback_is_checked_where_it_is_listened_on() {
        let own = [("127.0.0.1", 8), ("::1", 128)];
        assert!(checkable("127.0.0.1:5000", &own) && checkable("127.0.0.2:5000", &own));
        assert!(checkable("[::1]:5000", &own));
        assert!(!checkable("127.255.255.255:5000", &own));
        assert!(!checkable("127.0.0.1:5000", &[("192.168.1.20", 24)]));
        assert!(
            checkable("10.0.0.0:5000", &[("10.0.0.1", 31)]),
            "no broadcast there"
        );
        assert!(!checkable("10.0.0.3:5000", &[("10.0.0.1", 32)]));
        assert!(
            checkable("10.0.0.3:5000", &[("192.0.2.1", 0)]),
            "point to everywhere"
        );
    }
}
