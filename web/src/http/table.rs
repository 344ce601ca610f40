//! The open HTTP connections, and which one to close when the table is full.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Instant;

use signaling::fair_share::{address_group, first_to_go};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct ConnectionId(u64);

/// Open connections, each with a `T` by which it can be told to close.
///
/// Addresses have no fixed share, since many visitors may share one: while there is room, everybody is
/// admitted. When the table is full, the address with the most connections loses one.
#[derive(Debug)]
pub(crate) struct ConnectionTable<T> {
    limit: usize,
    open: HashMap<ConnectionId, Connection<T>>,
    per_address: HashMap<IpAddr, usize>,
    next_id: u64,
}

#[derive(Debug)]
struct Connection<T> {
    address: IpAddr,
    /// When its state last changed between idle and busy.
    since: Instant,
    requests: usize,
    close: T,
}

/// The result of [`ConnectionTable::admit`].
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum AdmitOutcome<T> {
    Admitted(ConnectionId),
    /// Admitted in place of another one, which the caller closes.
    Evicting {
        id: ConnectionId,
        closed: EvictedConnection<T>,
    },
    /// No connection is idle, and no address exceeds its share.
    Refused,
}

/// A connection that was closed to make room.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct EvictedConnection<T> {
    pub(crate) close: T,
    pub(crate) address: IpAddr,
    pub(crate) held: usize,
}

impl<T> ConnectionTable<T> {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            limit: limit.max(1),
            open: HashMap::new(),
            per_address: HashMap::new(),
            next_id: 0,
        }
    }

    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    pub(crate) fn len(&self) -> usize {
        self.open.len()
    }

    /// Adds a connection of `peer`. It is idle until [`begin_request`](Self::begin_request).
    pub(crate) fn admit(&mut self, peer: IpAddr, close: T, now: Instant) -> AdmitOutcome<T> {
        let address = address_group(peer);
        let closed = if self.open.len() < self.limit {
            None
        } else {
            // overflow: refused: no address has more than the newcomer's, and none is idle.
            let Some(eviction_candidate) = self.eviction_candidate(address) else {
                return AdmitOutcome::Refused;
            };
            self.close(eviction_candidate)
        };
        let id = ConnectionId(self.next_id);
        self.next_id += 1;
        *self.per_address.entry(address).or_default() += 1;
        let connection = Connection {
            address,
            since: now,
            requests: 0,
            close,
        };
        self.open.insert(id, connection);
        match closed {
            None => AdmitOutcome::Admitted(id),
            Some(closed) => AdmitOutcome::Evicting { id, closed },
        }
    }

    /// Closes the longest idle connection of the address with the most idle ones, when descriptors run
    /// out.
    pub(crate) fn shed_idle(&mut self) -> Option<EvictedConnection<T>> {
        let idle = self.first_to_go(|one| one.requests == 0)?;
        self.close(idle)
    }

    pub(crate) fn begin_request(&mut self, id: ConnectionId, now: Instant) {
        if let Some(one) = self.open.get_mut(&id) {
            one.requests += 1;
            one.since = now;
        }
    }

    pub(crate) fn end_request(&mut self, id: ConnectionId, now: Instant) {
        if let Some(one) = self.open.get_mut(&id) {
            one.requests = one.requests.saturating_sub(1);
            one.since = now;
        }
    }

    /// Removes a connection. `None`: it was closed to make room before.
    pub(crate) fn close(&mut self, id: ConnectionId) -> Option<EvictedConnection<T>> {
        let Connection { address, close, .. } = self.open.remove(&id)?;
        let count = self.per_address.entry(address).or_default();
        let held = *count;
        *count = held.saturating_sub(1);
        if *count == 0 {
            self.per_address.remove(&address);
        }
        Some(EvictedConnection {
            close,
            address,
            held,
        })
    }

    /// An idle connection if there is one; else a busy one of an address that exceeds its share and the
    /// newcomer's count.
    fn eviction_candidate(&self, newcomer: IpAddr) -> Option<ConnectionId> {
        let known = usize::from(!self.per_address.contains_key(&newcomer));
        let share = self.limit / (self.per_address.len() + known).max(1);
        let least = share.max(self.held(newcomer) + 1);
        self.first_to_go(|one| one.requests == 0)
            .or_else(|| self.first_to_go(|one| self.held(one.address) > least))
    }

    /// The oldest candidate of the address that has the most.
    fn first_to_go(
        &self,
        may_close: impl Fn(&Connection<T>) -> bool + Copy,
    ) -> Option<ConnectionId> {
        let candidates = self.open.iter().filter(move |(_, one)| may_close(one));
        let aged = candidates.map(|(id, one)| (*id, one.address, Reverse((one.since, *id))));
        first_to_go(aged).map(|(id, _)| id)
    }

    fn held(&self, address: IpAddr) -> usize {
        self.per_address.get(&address).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::time::Duration;

    use super::*;

    fn ip(last: u8) -> IpAddr {
        IpAddr::V4(Ipv4Addr::new(192, 0, 2, last))
    }

    struct Fixture {
        table: ConnectionTable<&'static str>,
        now: Instant,
    }

    impl Fixture {
        fn new(limit: usize) -> Self {
            Self {
                table: ConnectionTable::new(limit),
                now: Instant::now(),
            }
        }

        /// Connects a second later than the one before.
        fn connect(&mut self, last: u8, name: &'static str) -> AdmitOutcome<&'static str> {
            self.now += Duration::from_secs(1);
            self.table.admit(ip(last), name, self.now)
        }

        fn idle(&mut self, last: u8, name: &'static str) -> ConnectionId {
            match self.connect(last, name) {
                AdmitOutcome::Admitted(id) | AdmitOutcome::Evicting { id, .. } => id,
                AdmitOutcome::Refused => panic!("{name} was refused"),
            }
        }

        fn busy(&mut self, last: u8, name: &'static str) -> ConnectionId {
            let id = self.idle(last, name);
            self.table.begin_request(id, self.now);
            id
        }

        fn closed_for(&mut self, last: u8) -> Option<&'static str> {
            match self.connect(last, "newcomer") {
                AdmitOutcome::Evicting { closed, .. } => Some(closed.close),
                AdmitOutcome::Admitted(_) => panic!("there was room"),
                AdmitOutcome::Refused => None,
            }
        }
    }

    #[test]
    fn one_address_may_use_the_whole_table_while_it_is_alone() {
        let mut fixture = Fixture::new(3);
        let first = fixture.idle(1, "first");
        fixture.idle(1, "second");
        fixture.idle(1, "third");
        assert_eq!(fixture.table.len(), 3);
        let closed = fixture.table.close(first).expect("open");
        assert_eq!((closed.close, closed.held), ("first", 3));
        assert_eq!(fixture.table.close(first), None);
        assert!(matches!(
            fixture.connect(2, "fourth"),
            AdmitOutcome::Admitted(_)
        ));
    }

    #[test]
    fn the_oldest_idle_connection_of_the_busiest_address_is_evicted() {
        let mut fixture = Fixture::new(4);
        fixture.idle(1, "oldest, of a single one");
        fixture.busy(2, "at work");
        let again = fixture.idle(2, "used a moment ago");
        fixture.idle(2, "idle since long");
        fixture.now += Duration::from_secs(5);
        fixture.table.begin_request(again, fixture.now);
        fixture.table.end_request(again, fixture.now);
        assert_eq!(fixture.closed_for(3), Some("idle since long"));
    }

    #[test]
    fn busy_connections_close_only_beyond_their_share() {
        let mut fixture = Fixture::new(4);
        for name in ["a", "b", "c", "d"] {
            fixture.busy(1, name);
        }
        assert_eq!(
            fixture.closed_for(2),
            Some("a"),
            "2 of 4 are the share of each"
        );
        assert_eq!(
            fixture.closed_for(2),
            Some("newcomer"),
            "its own idle one first"
        );
        let mut even = Fixture::new(2);
        even.busy(1, "a");
        even.busy(2, "b");
        assert_eq!(even.closed_for(1), None, "it has its share");
        assert_eq!(even.closed_for(3), None, "one each is everybody's share");
        let mut alone = Fixture::new(2);
        alone.busy(1, "a");
        alone.busy(1, "b");
        assert_eq!(
            alone.closed_for(1),
            None,
            "nothing is won by closing its own"
        );
    }

    #[test]
    fn without_descriptors_only_idle_connections_close() {
        let mut fixture = Fixture::new(10);
        fixture.busy(1, "at work");
        assert_eq!(fixture.table.shed_idle(), None);
        fixture.idle(2, "idle");
        assert_eq!(fixture.table.shed_idle().map(|one| one.close), Some("idle"));
        assert_eq!(fixture.table.len(), 1);
    }

    #[test]
    fn addresses_of_one_network_of_ipv6_count_as_one() {
        let mut fixture = Fixture::new(3);
        let six = |last: u16| IpAddr::from([0x2001, 0xdb8, 0, 7, 0, 0, 0, last]);
        for host in 1..=2 {
            fixture.table.admit(six(host), "six", fixture.now);
        }
        fixture.idle(1, "four");
        fixture.now += Duration::from_secs(1);
        assert_eq!(fixture.closed_for(2), Some("six"));
    }
}
