//! Pure: which HTTP connections are open, and which one closes when there is no room for another.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Instant;

use signaling::fair_share::{address_group, first_to_go};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct ConnectionId(u64);

/// Open connections, each with a `T` by which it can be told to close.
///
/// There is no fixed share for an address, since a whole hall may sit behind one: while there is room,
/// everybody gets in. When the table is full, the address with the most connections makes room.
#[derive(Debug)]
pub(super) struct ConnectionTable<T> {
    limit: usize,
    open: HashMap<ConnectionId, Connection<T>>,
    per_address: HashMap<IpAddr, usize>,
    next_id: u64,
}

#[derive(Debug)]
struct Connection<T> {
    address: IpAddr,
    /// Since when it has no request, or, while it has one, since when that is so.
    since: Instant,
    requests: usize,
    close: T,
}

/// What becomes of a new connection.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Entry<T> {
    Admitted(ConnectionId),
    /// Admitted in place of another one, which is to be closed.
    InPlaceOf {
        id: ConnectionId,
        closed: Closed<T>,
    },
    /// Every other address holds less than this one, or all are at work.
    Refused,
}

/// A connection that had to make room.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Closed<T> {
    pub(super) close: T,
    pub(super) address: IpAddr,
    /// How many connections that address held before.
    pub(super) held: usize,
}

impl<T> ConnectionTable<T> {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit: limit.max(1),
            open: HashMap::new(),
            per_address: HashMap::new(),
            next_id: 0,
        }
    }

    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    pub(super) fn len(&self) -> usize {
        self.open.len()
    }

    /// Takes a connection from `peer`. It is idle until [`begin_request`](Self::begin_request).
    pub(super) fn admit(&mut self, peer: IpAddr, close: T, now: Instant) -> Entry<T> {
        let address = address_group(peer);
        let closed = if self.open.len() < self.limit {
            None
        } else {
            // overflow: refused: nobody holds more than the newcomer and nobody is idle.
            let Some(victim) = self.victim(address) else {
                return Entry::Refused;
            };
            self.close(victim)
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
            None => Entry::Admitted(id),
            Some(closed) => Entry::InPlaceOf { id, closed },
        }
    }

    /// Closes the connection that has been idle for longest, of the address that has most of them, when no
    /// descriptor is left.
    pub(super) fn shed_idle(&mut self) -> Option<Closed<T>> {
        let idle = self.first_to_go(|one| one.requests == 0)?;
        self.close(idle)
    }

    pub(super) fn begin_request(&mut self, id: ConnectionId, now: Instant) {
        if let Some(one) = self.open.get_mut(&id) {
            one.requests += 1;
            one.since = now;
        }
    }

    pub(super) fn end_request(&mut self, id: ConnectionId, now: Instant) {
        if let Some(one) = self.open.get_mut(&id) {
            one.requests = one.requests.saturating_sub(1);
            one.since = now;
        }
    }

    /// Takes a connection out. `None`: it made room for another before.
    pub(super) fn close(&mut self, id: ConnectionId) -> Option<Closed<T>> {
        let Connection { address, close, .. } = self.open.remove(&id)?;
        let count = self.per_address.entry(address).or_default();
        let held = *count;
        *count = held.saturating_sub(1);
        if *count == 0 {
            self.per_address.remove(&address);
        }
        Some(Closed {
            close,
            address,
            held,
        })
    }

    /// An idle connection if there is one; else one at work, if its address holds more than its share
    /// and more than the newcomer's.
    fn victim(&self, newcomer: IpAddr) -> Option<ConnectionId> {
        let known = usize::from(!self.per_address.contains_key(&newcomer));
        let share = self.limit / (self.per_address.len() + known).max(1);
        let least = share.max(self.held(newcomer) + 1);
        self.first_to_go(|one| one.requests == 0)
            .or_else(|| self.first_to_go(|one| self.held(one.address) > least))
    }

    /// Of those that may close, the oldest of the address that has most of them.
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

    struct Hall {
        table: ConnectionTable<&'static str>,
        now: Instant,
    }

    impl Hall {
        fn new(limit: usize) -> Self {
            Self {
                table: ConnectionTable::new(limit),
                now: Instant::now(),
            }
        }

        /// A second later than the one before.
        fn connect(&mut self, last: u8, name: &'static str) -> Entry<&'static str> {
            self.now += Duration::from_secs(1);
            self.table.admit(ip(last), name, self.now)
        }

        fn idle(&mut self, last: u8, name: &'static str) -> ConnectionId {
            match self.connect(last, name) {
                Entry::Admitted(id) | Entry::InPlaceOf { id, .. } => id,
                Entry::Refused => panic!("{name} was refused"),
            }
        }

        fn busy(&mut self, last: u8, name: &'static str) -> ConnectionId {
            let id = self.idle(last, name);
            self.table.begin_request(id, self.now);
            id
        }

        fn closed_for(&mut self, last: u8) -> Option<&'static str> {
            match self.connect(last, "newcomer") {
                Entry::InPlaceOf { closed, .. } => Some(closed.close),
                Entry::Admitted(_) => panic!("there was room"),
                Entry::Refused => None,
            }
        }
    }

    #[test]
    fn one_address_may_have_all_the_room_that_nobody_else_needs() {
        let mut hall = Hall::new(3);
        let first = hall.idle(1, "first");
        hall.idle(1, "second");
        hall.idle(1, "third");
        assert_eq!(hall.table.len(), 3);
        let closed = hall.table.close(first).expect("open");
        assert_eq!((closed.close, closed.held), ("first", 3));
        assert_eq!(hall.table.close(first), None);
        assert!(matches!(hall.connect(2, "fourth"), Entry::Admitted(_)));
    }

    #[test]
    fn the_oldest_idle_connection_of_whoever_has_most_makes_room() {
        let mut hall = Hall::new(4);
        hall.idle(1, "oldest, of a single one");
        hall.busy(2, "at work");
        let again = hall.idle(2, "used a moment ago");
        hall.idle(2, "idle since long");
        hall.now += Duration::from_secs(5);
        hall.table.begin_request(again, hall.now);
        hall.table.end_request(again, hall.now);
        assert_eq!(hall.closed_for(3), Some("idle since long"));
    }

    #[test]
    fn connections_at_work_close_only_beyond_their_share() {
        let mut hall = Hall::new(4);
        for name in ["a", "b", "c", "d"] {
            hall.busy(1, name);
        }
        assert_eq!(
            hall.closed_for(2),
            Some("a"),
            "2 of 4 are the share of each"
        );
        assert_eq!(
            hall.closed_for(2),
            Some("newcomer"),
            "its own idle one first"
        );
        let mut even = Hall::new(2);
        even.busy(1, "a");
        even.busy(2, "b");
        assert_eq!(even.closed_for(1), None, "it has its share");
        assert_eq!(even.closed_for(3), None, "one each is everybody's share");
        let mut alone = Hall::new(2);
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
        let mut hall = Hall::new(10);
        hall.busy(1, "at work");
        assert_eq!(hall.table.shed_idle(), None);
        hall.idle(2, "idle");
        assert_eq!(hall.table.shed_idle().map(|one| one.close), Some("idle"));
        assert_eq!(hall.table.len(), 1);
    }

    #[test]
    fn addresses_of_one_network_of_ipv6_count_as_one() {
        let mut hall = Hall::new(3);
        let six = |last: u16| IpAddr::from([0x2001, 0xdb8, 0, 7, 0, 0, 0, last]);
        for host in 1..=2 {
            hall.table.admit(six(host), "six", hall.now);
        }
        hall.idle(1, "four");
        hall.now += Duration::from_secs(1);
        assert_eq!(hall.closed_for(2), Some("six"));
    }
}
