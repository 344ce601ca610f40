//! How many may watch: in all, and from one address.
//!
//! A place is a viewer's own once it has connected. Until then it is only kept, and somebody else may get
//! it: offers that nobody stands behind must not keep others out.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use prometheus_client::encoding::EncodeLabelValue;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;
pub(crate) use signaling::fair_share::address_group;
use signaling::fair_share::first_to_go;
use signaling::whep::{NoPlace, Seat};

use crate::config::ViewersConfig;

/// A viewer that has not connected by then loses its place to whoever asks for one. It takes a few round
/// trips.
const CONNECTS_WITHIN: Duration = Duration::from_secs(5);
/// Most places kept for viewers that have not connected, whatever the limits are: each costs memory.
const WAITING_MAX: usize = 512;

/// Gives out places to viewers, of WebRTC and of the simple stream alike.
pub(crate) struct Admission {
    limits: Limits,
    seats: Arc<Mutex<Seats>>,
    refused: Family<[(&'static str, Cause); 1], Counter>,
}

/// Why somebody was not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelValue)]
pub(crate) enum Cause {
    Full,
    AddressFull,
    NoToken,
    /// Was let in, and gave its place to another because it did not connect.
    NeverConnected,
}

/// One viewer's place. It is free again when this is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    number: u64,
    seats: Arc<Mutex<Seats>>,
}

#[derive(Debug, Clone, Copy)]
struct Limits {
    max: usize,
    per_address: usize,
}

/// Who has a place, in the order they came.
#[derive(Debug, Default)]
struct Seats {
    next: u64,
    taken: BTreeMap<u64, Taken>,
}

#[derive(Debug, Clone, Copy)]
struct Taken {
    address_group: IpAddr,
    since: Instant,
    connected: bool,
}

impl Admission {
    pub(crate) fn new(limits: &ViewersConfig) -> Self {
        Self {
            limits: Limits {
                max: limits.max.unwrap_or(usize::MAX),
                per_address: limits.per_address.unwrap_or(usize::MAX),
            },
            seats: Arc::default(),
            refused: Family::default(),
        }
    }

    pub(crate) fn register(&self, registry: &mut Registry) {
        let help = "Viewers not let in";
        registry.register("carrier_viewers_refused", help, self.refused.clone());
    }

    /// A place for a viewer who is connected from `peer`.
    pub(crate) fn admit(&self, peer: IpAddr) -> Result<Place, NoPlace> {
        let admitted = lock(&self.seats).admit(Instant::now(), self.limits, address_group(peer));
        // overflow: refused and counted: whoever comes too late is told when to come again.
        let number = admitted.inspect_err(|why| match why {
            NoPlace::Station => self.count(Cause::Full),
            NoPlace::Address => self.count(Cause::AddressFull),
        })?;
        if number.displaced {
            self.count(Cause::NeverConnected);
        }
        let (number, seats) = (number.number, Arc::clone(&self.seats));
        Ok(Place { number, seats })
    }

    /// Somebody came without the viewer token.
    pub(crate) fn count_stranger(&self) {
        self.count(Cause::NoToken);
    }

    fn count(&self, cause: Cause) {
        self.refused.get_or_create(&[("cause", cause)]).inc();
    }
}

/// A place given out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Admitted {
    number: u64,
    /// It was kept for another, who had not connected.
    displaced: bool,
}

impl Seats {
    fn admit(&mut self, now: Instant, limits: Limits, asks: IpAddr) -> Result<Admitted, NoPlace> {
        let here = self
            .taken
            .values()
            .filter(|taken| taken.address_group == asks);
        let here = here.count();
        let mut displaced = false;
        if here >= limits.per_address {
            displaced = self.make_room(now, asks, here, Some(asks));
            displaced.then_some(()).ok_or(NoPlace::Address)?;
        }
        if self.taken.len() >= limits.max {
            displaced = self.make_room(now, asks, here, None);
            displaced.then_some(()).ok_or(NoPlace::Station)?;
        }
        if self.waiting(None).count() >= WAITING_MAX
            && let Some((number, _)) = first_to_go(self.waiting(None))
        {
            displaced = self.taken.remove(&number).is_some();
        }
        let number = self.next;
        self.next += 1;
        let taken = Taken {
            address_group: asks,
            since: now,
            connected: false,
        };
        self.taken.insert(number, taken);
        Ok(Admitted { number, displaced })
    }

    /// Takes back a place that is kept for somebody who has not connected: of an address that keeps more
    /// of them than `asks` has places, of one that keeps several itself, or one that was kept long enough.
    fn make_room(&mut self, now: Instant, asks: IpAddr, here: usize, of: Option<IpAddr>) -> bool {
        let Some((number, waiting)) = first_to_go(self.waiting(of)) else {
            return false;
        };
        let taken = self.taken[&number];
        let fair = if taken.address_group == asks { 1 } else { here };
        let late = now.saturating_duration_since(taken.since) >= CONNECTS_WITHIN;
        (late || waiting > fair) && self.taken.remove(&number).is_some()
    }

    fn waiting(
        &self,
        of: Option<IpAddr>,
    ) -> impl Iterator<Item = (u64, IpAddr, std::cmp::Reverse<u64>)> + Clone {
        let waiting = self.taken.iter().filter(|(_, taken)| !taken.connected);
        waiting
            .filter(move |(_, taken)| of.is_none_or(|of| of == taken.address_group))
            .map(|(number, taken)| (*number, taken.address_group, std::cmp::Reverse(*number)))
    }
}

impl Seat for Place {
    fn occupy(&self) -> bool {
        let mut seats = lock(&self.seats);
        let taken = seats.taken.get_mut(&self.number);
        taken.map(|taken| taken.connected = true).is_some()
    }

    fn is_lost(&self) -> bool {
        !lock(&self.seats).taken.contains_key(&self.number)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        lock(&self.seats).taken.remove(&self.number);
    }
}

fn lock(seats: &Mutex<Seats>) -> MutexGuard<'_, Seats> {
    seats.lock().unwrap_or_else(PoisonError::into_inner)
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

    fn connected(admission: &Admission, text: &str) -> Place {
        let place = admission.admit(ip(text)).expect("room");
        assert!(place.occupy());
        place
    }

    #[test]
    fn without_limits_everybody_comes_in_and_nothing_stays_behind() {
        let admission = admission(None, None);
        let places: Vec<Place> = (0..5000)
            .map(|_| connected(&admission, "192.0.2.1"))
            .collect();
        drop(places);
        assert!(lock(&admission.seats).taken.is_empty());
    }

    #[test]
    fn a_place_is_free_again_when_its_viewer_is_gone() {
        let admission = admission(Some(2), None);
        let first = connected(&admission, "192.0.2.1");
        let _second = connected(&admission, "192.0.2.2");
        let late = admission.admit(ip("192.0.2.3"));
        assert_eq!(late.err(), Some(NoPlace::Station));
        drop(first);
        assert!(admission.admit(ip("192.0.2.3")).is_ok());
    }

    #[test]
    fn one_network_is_one_address() {
        let admission = admission(None, Some(1));
        let taken = |text: &str| admission.admit(ip(text)).err() == Some(NoPlace::Address);
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
    fn offers_that_never_connect_keep_nobody_out() {
        const MAX: usize = 8;
        // From another address, and from behind the same router.
        for same in [false, true] {
            let admission = admission(Some(MAX), None);
            let mut seated = Vec::new();
            for (round, honest) in HONEST.into_iter().enumerate() {
                let kept: Vec<Place> = (round..MAX)
                    .map(|_| admission.admit(ip(ATTACKER)).expect("room"))
                    .collect();
                let honest = if same { ATTACKER } else { honest };
                let honest = admission.admit(ip(honest)).expect("a place is made");
                assert!(kept[0].is_lost() && !kept[0].occupy(), "the oldest went");
                assert!(honest.occupy());
                seated.push(honest);
            }
            seated.extend((4..MAX).map(|_| connected(&admission, "192.0.2.8")));
            let one_more = admission.admit(ip("192.0.2.9"));
            assert_eq!(one_more.err(), Some(NoPlace::Station), "all are connected");
            assert!(seated.iter().all(|place| !place.is_lost()));
        }
    }

    #[test]
    fn a_viewer_that_has_just_asked_is_left_its_place() {
        let limits = Limits {
            max: 1,
            per_address: 9,
        };
        let (mut seats, start) = (Seats::default(), Instant::now());
        let first = seats.admit(start, limits, ip(HONEST[0])).expect("room");
        let again = |seats: &mut Seats, at| seats.admit(at, limits, ip(HONEST[0]));
        assert_eq!(again(&mut seats, start), Err(NoPlace::Station));
        let late = again(&mut seats, start + CONNECTS_WITHIN).expect("it had its time");
        assert!(late.displaced && !seats.taken.contains_key(&first.number));
    }

    #[test]
    fn of_two_addresses_the_one_with_less_comes_first() {
        let limits = Limits {
            max: 3,
            per_address: 9,
        };
        let (mut seats, now) = (Seats::default(), Instant::now());
        let mut ask = |who: &str| seats.admit(now, limits, ip(who)).map(|it| it.displaced);
        assert_eq!(ask(HONEST[0]), Ok(false));
        assert_eq!([ask(ATTACKER), ask(ATTACKER)], [Ok(false), Ok(false)]);
        // It makes room for itself, never at the cost of who has less.
        assert_eq!([ask(ATTACKER), ask(ATTACKER)], [Ok(true), Ok(true)]);
        let honest = |seats: &Seats| {
            let all = seats.taken.values();
            all.filter(|taken| taken.address_group == ip(HONEST[0]))
                .count()
        };
        assert_eq!(honest(&seats), 1);
    }

    #[test]
    fn an_address_that_has_its_share_waiting_makes_room_for_itself() {
        let admission = admission(None, Some(2));
        let kept = [0, 1].map(|_| admission.admit(ip(HONEST[0])).expect("room"));
        let third = admission
            .admit(ip(HONEST[0]))
            .expect("its oldest has not connected");
        assert!(kept[0].is_lost() && !kept[1].is_lost());
        assert!(third.occupy() && kept[1].occupy());
        let fourth = admission.admit(ip(HONEST[0]));
        assert_eq!(fourth.err(), Some(NoPlace::Address));
    }

    #[test]
    fn however_many_ask_few_are_waited_for() {
        let admission = admission(None, None);
        let places: Vec<Place> = (0..2000)
            .map(|_| admission.admit(ip(ATTACKER)).expect("no limit"))
            .collect();
        let honest = admission.admit(ip(HONEST[0])).expect("no limit");
        assert_eq!(lock(&admission.seats).taken.len(), WAITING_MAX);
        assert!(places[0].is_lost() && !places[1999].is_lost());
        assert!(honest.occupy());
    }
}
