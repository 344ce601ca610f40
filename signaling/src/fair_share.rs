//! Who makes room where room is short: the address that has the most gives up its oldest. Pure.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};

/// What counts as one address: of IPv6 the /64, in which a single machine has as many addresses as
/// it likes (RFC 8981); an IPv4 address that came in on an IPv6 socket is what it was.
#[must_use]
pub fn address_group(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(v6) if !v6.is_loopback() => {
            IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX)))
        }
        other => other,
    }
}

/// The one of those who wait that gives up its place first, and how many of its address_group wait.
/// `waiting`: a name, a address_group, and an age that grows with time.
pub fn first_to_go<K: Copy, T: Ord + Copy>(
    waiting: impl Iterator<Item = (K, IpAddr, T)> + Clone,
) -> Option<(K, usize)> {
    let mut counts: HashMap<IpAddr, usize> = HashMap::new();
    for (_, address_group, _) in waiting.clone() {
        *counts.entry(address_group).or_default() += 1;
    }
    let count = |address_group: &IpAddr| counts.get(address_group).copied().unwrap_or(0);
    let first = waiting.max_by_key(|(_, address_group, age)| (count(address_group), *age));
    first.map(|(name, address_group, _)| (name, count(&address_group)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn one_machine_is_one_address_group() {
        let one = |a: &str, b: &str| address_group(ip(a)) == address_group(ip(b));
        assert!(one("192.0.2.1", "::ffff:192.0.2.1") && !one("192.0.2.1", "192.0.2.2"));
        assert!(one("2001:db8:0:7::1", "2001:db8:0:7:aaaa::2"));
        assert!(!one("2001:db8:0:7::1", "2001:db8:0:8::1") && !one("::1", "::2"));
    }

    #[test]
    fn the_oldest_of_who_has_the_most_goes_first() {
        let (many, few) = (ip("192.0.2.1"), ip("192.0.2.2"));
        let waiting = [(1, few, 90), (2, many, 10), (3, many, 30), (4, many, 20)];
        assert_eq!(first_to_go(waiting.into_iter()), Some((3, 3)));
        assert_eq!(first_to_go(waiting[..2].iter().copied()), Some((1, 1)));
        assert_eq!(first_to_go(std::iter::empty::<(u8, IpAddr, u8)>()), None);
    }
}
