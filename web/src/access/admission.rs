//! Limits the number of viewers: in all, and from one address.
//!
//! A place is reserved until its viewer has connected, and is the viewer's from then on. A reserved
//! place may be given to somebody else, so that offers without a viewer behind them cannot keep others
//! out.
//!
//! Three rules share limited places fairly. Here and for HTTP connections, who takes a place evicts
//! another ([`first_to_go`]: the oldest of the address with the most). Uploads and jobs cannot be
//! evicted, so an address with many places is refused early instead (`stylise::share`: a dynamic
//! threshold).

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use signaling::fair_share::{address_group, first_to_go};
use signaling::whep::{Place, ViewerLimit};

use crate::config::ViewersConfig;
use crate::metrics::{CounterBy, ViewerRefusal};

/// A viewer that has not connected within this time may lose its place. Connecting takes a few round
/// trips.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Limit of reserved places, whatever the other limits are: each one costs memory.
const RESERVED_MAX: usize = 512;

/// Admits viewers, of WebRTC and of MJPEG alike.
pub(crate) struct Admission {
    limits: ViewerLimits,
    places: Arc<Mutex<ViewerPlaces>>,
    refused: CounterBy<ViewerRefusal>,
}

/// One viewer's place, freed on drop.
#[derive(Debug)]
pub(crate) struct ViewerPlace {
    number: u64,
    places: Arc<Mutex<ViewerPlaces>>,
}

#[derive(Debug, Clone, Copy)]
struct ViewerLimits {
    max: usize,
    per_address: usize,
}

/// The places that are taken, in order of admission.
#[derive(Debug, Default)]
struct ViewerPlaces {
    next: u64,
    taken: BTreeMap<u64, PlaceState>,
}

#[derive(Debug, Clone, Copy)]
struct PlaceState {
    address_group: IpAddr,
    since: Instant,
    connected: bool,
}

impl Admission {
    pub(crate) fn new(limits: &ViewersConfig, refused: CounterBy<ViewerRefusal>) -> Self {
        Self {
            limits: ViewerLimits {
                max: limits.max.unwrap_or(usize::MAX),
                per_address: limits.per_address.unwrap_or(usize::MAX),
            },
            places: Arc::default(),
            refused,
        }
    }

    pub(crate) fn admit(&self, peer: IpAddr) -> Result<ViewerPlace, ViewerLimit> {
        let admitted = lock(&self.places).admit(Instant::now(), self.limits, address_group(peer));
        // overflow: refused and counted; the client is told when to retry.
        let number = admitted.inspect_err(|why| match why {
            ViewerLimit::Station => self.count(ViewerRefusal::Full),
            ViewerLimit::Address => self.count(ViewerRefusal::AddressFull),
        })?;
        if number.displaced {
            self.count(ViewerRefusal::NeverConnected);
        }
        let (number, places) = (number.number, Arc::clone(&self.places));
        Ok(ViewerPlace { number, places })
    }

    pub(crate) fn count_missing_token(&self) {
        self.count(ViewerRefusal::NoToken);
    }

    fn count(&self, cause: ViewerRefusal) {
        self.refused.get_or_create(&[("cause", cause)]).inc();
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Admitted {
    number: u64,
    /// It was reserved for a viewer that had not connected.
    displaced: bool,
}

impl ViewerPlaces {
    fn admit(
        &mut self,
        now: Instant,
        limits: ViewerLimits,
        asking: IpAddr,
    ) -> Result<Admitted, ViewerLimit> {
        let here = self
            .taken
            .values()
            .filter(|taken| taken.address_group == asking);
        let here = here.count();
        let mut displaced = false;
        if here >= limits.per_address {
            displaced = self.make_room(now, asking, here, Some(asking));
            displaced.then_some(()).ok_or(ViewerLimit::Address)?;
        }
        if self.taken.len() >= limits.max {
            displaced = self.make_room(now, asking, here, None);
            displaced.then_some(()).ok_or(ViewerLimit::Station)?;
        }
        if self.reserved(None).count() >= RESERVED_MAX
            && let Some((number, _)) = first_to_go(self.reserved(None))
        {
            displaced = self.taken.remove(&number).is_some();
        }
        let number = self.next;
        self.next += 1;
        let taken = PlaceState {
            address_group: asking,
            since: now,
            connected: false,
        };
        self.taken.insert(number, taken);
        Ok(Admitted { number, displaced })
    }

    /// Evicts a reserved place: one of an address that has more of them than `asking` has places, one of
    /// `asking` itself if it has several, or one that was reserved long ago.
    fn make_room(&mut self, now: Instant, asking: IpAddr, here: usize, of: Option<IpAddr>) -> bool {
        let Some((number, reserved)) = first_to_go(self.reserved(of)) else {
            return false;
        };
        let taken = self.taken[&number];
        let fair = if taken.address_group == asking {
            1
        } else {
            here
        };
        let late = now.saturating_duration_since(taken.since) >= CONNECT_TIMEOUT;
        (late || reserved > fair) && self.taken.remove(&number).is_some()
    }

    fn reserved(
        &self,
        of: Option<IpAddr>,
    ) -> impl Iterator<Item = (u64, IpAddr, std::cmp::Reverse<u64>)> + Clone {
        let reserved = self.taken.iter().filter(|(_, taken)| !taken.connected);
        reserved
            .filter(move |(_, taken)| of.is_none_or(|of| of == taken.address_group))
            .map(|(number, taken)| (*number, taken.address_group, std::cmp::Reverse(*number)))
    }
}

impl Place for ViewerPlace {
    fn occupy(&self) -> bool {
        let mut places = lock(&self.places);
        let taken = places.taken.get_mut(&self.number);
        taken.map(|taken| taken.connected = true).is_some()
    }

    fn is_lost(&self) -> bool {
        !lock(&self.places).taken.contains_key(&self.number)
    }
}

impl Drop for ViewerPlace {
    fn drop(&mut self) {
        lock(&self.places).taken.remove(&self.number);
    }
}

fn lock(places: &Mutex<ViewerPlaces>) -> MutexGuard<'_, ViewerPlaces> {
    places.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admission(max: Option<usize>, per_address: Option<usize>) -> Admission {
        Admission::new(
            &ViewersConfig {
                max,
                per_address,
                token: None,
            },
            CounterBy::default(),
        )
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    fn connected(admission: &Admission, text: &str) -> ViewerPlace {
        let place = admission.admit(ip(text)).expect("room");
        assert!(place.occupy());
        place
    }

    #[test]
    fn without_limits_everybody_is_admitted() {
        let admission = admission(None, None);
        let places: Vec<ViewerPlace> = (0..5000)
            .map(|_| connected(&admission, "192.0.2.1"))
            .collect();
        drop(places);
        assert!(lock(&admission.places).taken.is_empty());
    }

    #[test]
    fn a_place_is_freed_when_its_viewer_leaves() {
        let admission = admission(Some(2), None);
        let first = connected(&admission, "192.0.2.1");
        let _second = connected(&admission, "192.0.2.2");
        let late = admission.admit(ip("192.0.2.3"));
        assert_eq!(late.err(), Some(ViewerLimit::Station));
        drop(first);
        assert!(admission.admit(ip("192.0.2.3")).is_ok());
    }

    #[test]
    fn one_network_is_one_address() {
        let admission = admission(None, Some(1));
        let taken = |text: &str| admission.admit(ip(text)).err() == Some(ViewerLimit::Address);
        let _four = connected(&admission, "192.0.2.1");
        assert!(taken("::ffff:192.0.2.1") && !taken("192.0.2.2"));
        let _six = connected(&admission, "2001:db8:0:7::1");
        assert!(taken("2001:db8:0:7:aaaa::2") && !taken("2001:db8:0:8::1"));
        let _local = connected(&admission, "::1");
        assert!(!taken("::2"));
    }

    const ATTACKER: &str = "192.0.2.66";
    const HONEST: [&str; 4] = ["192.0.2.11", "192.0.2.12", "192.0.2.13", "192.0.2.14"];

    #[test]
    fn viewers_that_never_connect_are_evicted() {
        const MAX: usize = 8;
        // From another address, and from the same one.
        for same in [false, true] {
            let admission = admission(Some(MAX), None);
            let mut connected_places = Vec::new();
            for (round, honest) in HONEST.into_iter().enumerate() {
                let kept: Vec<ViewerPlace> = (round..MAX)
                    .map(|_| admission.admit(ip(ATTACKER)).expect("room"))
                    .collect();
                let honest = if same { ATTACKER } else { honest };
                let honest = admission.admit(ip(honest)).expect("a place is made");
                assert!(kept[0].is_lost() && !kept[0].occupy(), "the oldest went");
                assert!(honest.occupy());
                connected_places.push(honest);
            }
            connected_places.extend((4..MAX).map(|_| connected(&admission, "192.0.2.8")));
            let one_more = admission.admit(ip("192.0.2.9"));
            assert_eq!(
                one_more.err(),
                Some(ViewerLimit::Station),
                "all are connected"
            );
            assert!(connected_places.iter().all(|place| !place.is_lost()));
        }
    }

    #[test]
    fn a_recent_reservation_is_not_evicted() {
        let limits = ViewerLimits {
            max: 1,
            per_address: 9,
        };
        let (mut places, start) = (ViewerPlaces::default(), Instant::now());
        let first = places.admit(start, limits, ip(HONEST[0])).expect("room");
        let again = |places: &mut ViewerPlaces, at| places.admit(at, limits, ip(HONEST[0]));
        assert_eq!(again(&mut places, start), Err(ViewerLimit::Station));
        let late = again(&mut places, start + CONNECT_TIMEOUT).expect("it had its time");
        assert!(late.displaced && !places.taken.contains_key(&first.number));
    }

    #[test]
    fn the_address_with_fewer_reservations_is_admitted() {
        let limits = ViewerLimits {
            max: 3,
            per_address: 9,
        };
        let (mut places, now) = (ViewerPlaces::default(), Instant::now());
        let mut ask = |who: &str| places.admit(now, limits, ip(who)).map(|it| it.displaced);
        assert_eq!(ask(HONEST[0]), Ok(false));
        assert_eq!([ask(ATTACKER), ask(ATTACKER)], [Ok(false), Ok(false)]);
        // It evicts its own places, never those of an address that has fewer.
        assert_eq!([ask(ATTACKER), ask(ATTACKER)], [Ok(true), Ok(true)]);
        let honest = |places: &ViewerPlaces| {
            let all = places.taken.values();
            all.filter(|taken| taken.address_group == ip(HONEST[0]))
                .count()
        };
        assert_eq!(honest(&places), 1);
    }

    #[test]
    fn an_address_at_its_limit_evicts_its_own_reservation() {
        let admission = admission(None, Some(2));
        let kept = [0, 1].map(|_| admission.admit(ip(HONEST[0])).expect("room"));
        let third = admission
            .admit(ip(HONEST[0]))
            .expect("its oldest has not connected");
        assert!(kept[0].is_lost() && !kept[1].is_lost());
        assert!(third.occupy() && kept[1].occupy());
        let fourth = admission.admit(ip(HONEST[0]));
        assert_eq!(fourth.err(), Some(ViewerLimit::Address));
    }

    #[test]
    fn reserved_places_are_limited() {
        let admission = admission(None, None);
        let places: Vec<ViewerPlace> = (0..2000)
            .map(|_| admission.admit(ip(ATTACKER)).expect("no limit"))
            .collect();
        let honest = admission.admit(ip(HONEST[0])).expect("no limit");
        assert_eq!(lock(&admission.places).taken.len(), RESERVED_MAX);
        assert!(places[0].is_lost() && !places[1999].is_lost());
        assert!(honest.occupy());
    }
}
