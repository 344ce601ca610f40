//! How many may watch: in all, and from one address.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

use prometheus_client::encoding::EncodeLabelValue;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;
use signaling::whep::NoPlace;

use crate::config::ViewersConfig;

/// Gives out places to viewers, of WebRTC and of the simple stream alike.
pub(crate) struct Admission {
    max: usize,
    per_address: usize,
    taken: Arc<Mutex<Taken>>,
    refused: Family<[(&'static str, Cause); 1], Counter>,
}

#[derive(Debug, Default)]
struct Taken {
    places: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// Why somebody was not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelValue)]
pub(crate) enum Cause {
    Full,
    AddressFull,
    NoToken,
}

/// One viewer's place. It is free again when this is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    address: IpAddr,
    taken: Arc<Mutex<Taken>>,
}

impl Admission {
    pub(crate) fn new(limits: &ViewersConfig) -> Self {
        Self {
            max: limits.max.unwrap_or(usize::MAX),
            per_address: limits.per_address.unwrap_or(usize::MAX),
            taken: Arc::default(),
            refused: Family::default(),
        }
    }

    pub(crate) fn register(&self, registry: &mut Registry) {
        let help = "Viewers not let in";
        registry.register("carrier_viewers_refused", help, self.refused.clone());
    }

    /// A place for a viewer who is connected from `peer`.
    pub(crate) fn admit(&self, peer: IpAddr) -> Result<Place, NoPlace> {
        let address = household(peer);
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        // overflow: refused and counted: whoever comes too late is told when to come again.
        if taken.places >= self.max {
            self.count(Cause::Full);
            return Err(NoPlace::Station);
        }
        let here = taken.by_address.entry(address).or_default();
        if *here >= self.per_address {
            self.count(Cause::AddressFull);
            return Err(NoPlace::Address);
        }
        *here += 1;
        taken.places += 1;
        let taken = Arc::clone(&self.taken);
        Ok(Place { address, taken })
    }

    /// Somebody came without the viewer token.
    pub(crate) fn count_stranger(&self) {
        self.count(Cause::NoToken);
    }

    fn count(&self, cause: Cause) {
        self.refused.get_or_create(&[("cause", cause)]).inc();
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.places = taken.places.saturating_sub(1);
        if let Some(here) = taken.by_address.get_mut(&self.address) {
            *here -= 1;
            if *here == 0 {
                taken.by_address.remove(&self.address);
            }
        }
    }
}

/// What counts as one address: of IPv6 the /64, in which a single machine has as many addresses as
/// it likes (RFC 8981); an IPv4 address that came in on an IPv6 socket is what it was.
pub(crate) fn household(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(v6) if !v6.is_loopback() => {
            IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX)))
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admission(max: Option<usize>, per_address: Option<usize>) -> Admission {
        Admission::new(&ViewersConfig {
            max,
            per_address,
            token: None,
        })
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn without_limits_everybody_comes_in_and_nothing_stays_behind() {
        let admission = admission(None, None);
        let places: Vec<Place> = (0..5000)
            .map(|_| admission.admit(ip("192.0.2.1")).expect("no limit"))
            .collect();
        drop(places);
        let taken = admission.taken.lock().expect("sound");
        assert_eq!((taken.places, taken.by_address.len()), (0, 0));
    }

    #[test]
    fn a_place_is_free_again_when_its_viewer_is_gone() {
        let admission = admission(Some(2), None);
        let first = admission.admit(ip("192.0.2.1")).expect("room");
        let _second = admission.admit(ip("192.0.2.2")).expect("room");
        let late = admission.admit(ip("192.0.2.3"));
        assert_eq!(late.err(), Some(NoPlace::Station));
        drop(first);
        assert!(admission.admit(ip("192.0.2.3")).is_ok());
    }

    #[test]
    fn one_address_is_one_household() {
        let admission = admission(None, Some(1));
        let taken = |text: &str| admission.admit(ip(text)).err() == Some(NoPlace::Address);
        let _four = admission.admit(ip("192.0.2.1")).expect("room");
        assert!(taken("::ffff:192.0.2.1") && !taken("192.0.2.2"));
        let _six = admission.admit(ip("2001:db8:0:7::1")).expect("room");
        assert!(taken("2001:db8:0:7:aaaa::2") && !taken("2001:db8:0:8::1"));
        let _local = admission.admit(ip("::1")).expect("room");
        assert!(!taken("::2"));
    }
}
