//! Jitter buffer: puts packets in order, and requests retransmission of missing ones. Pure.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// How long a missing packet may delay later ones. On a local network a retransmission takes 10 to 50 ms; a
/// longer gap is repaired by a keyframe, to keep latency low.
pub(crate) const MAX_WAIT: Duration = Duration::from_millis(100);
/// Interval between NACKs for one packet, as in mediasoup (`NackGenerator.cpp`). With [`MAX_WAIT`], a packet is
/// requested at most three times.
const NACK_INTERVAL: Duration = Duration::from_millis(40);
/// A larger gap is a restart of the stream, not loss.
const MISSING_MAX: usize = 256;
/// Maximum buffered packets; a keyframe has a few hundred at most.
const BUFFERED_MAX: usize = 1024;

/// What a packet was, relative to the expected order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Insertion {
    /// In order, or after a gap.
    New,
    /// It was missing.
    Recovered,
    /// A duplicate, or given up before.
    Stale,
}

/// The next element of the ordered stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Element<P> {
    /// The next packet.
    Packet(P),
    /// This many packets before the next are lost; 0 after a restart of the stream.
    Gap(u64),
}

#[derive(Debug, Clone, Copy)]
struct Missing {
    since: Instant,
    asked_at: Option<Instant>,
}

/// The jitter buffer of one stream. `P`: the packet without its sequence number.
#[derive(Debug)]
pub(crate) struct Reorder<P> {
    /// Sequence number of the next packet to return, extended to 64 bits.
    next: Option<u64>,
    newest: u64,
    held: BTreeMap<u64, P>,
    missing: BTreeMap<u64, Missing>,
    restarted: bool,
}

impl<P> Default for Reorder<P> {
    fn default() -> Self {
        Self {
            next: None,
            newest: 0,
            held: BTreeMap::new(),
            missing: BTreeMap::new(),
            restarted: false,
        }
    }
}

impl<P> Reorder<P> {
    /// Adds a packet.
    pub(crate) fn insert(&mut self, now: Instant, number: u16, packet: P) -> Insertion {
        let Some(next) = self.next else {
            // Start above zero, so that earlier packets have valid numbers.
            self.newest = (1 << 32) | u64::from(number);
            self.next = Some(self.newest);
            self.held.insert(self.newest, packet);
            return Insertion::New;
        };
        let number = self.extended(number);
        if number < next || self.held.contains_key(&number) {
            return Insertion::Stale;
        }
        if number > self.newest {
            self.note_missing(now, number);
            self.newest = number;
        }
        self.held.insert(number, packet);
        match self.missing.remove(&number) {
            Some(_) => Insertion::Recovered,
            None => Insertion::New,
        }
    }

    /// Whether this packet is missing.
    pub(crate) fn is_missing(&self, number: u16) -> bool {
        self.next.is_some() && self.missing.contains_key(&self.extended(number))
    }

    /// The next element; `None` if there is none or a missing packet may still arrive.
    pub(crate) fn pop(&mut self, now: Instant) -> Option<Element<P>> {
        if std::mem::take(&mut self.restarted) {
            return Some(Element::Gap(0));
        }
        let next = self.next?;
        if let Some(packet) = self.held.remove(&next) {
            self.next = Some(next + 1);
            return Some(Element::Packet(packet));
        }
        let (first_held, _) = self.held.first_key_value()?;
        let first_held = *first_held;
        let overdue = self
            .missing
            .get(&next)
            .is_none_or(|missing| now >= missing.since + MAX_WAIT);
        if !overdue && self.held.len() <= BUFFERED_MAX {
            return None;
        }
        self.missing = self.missing.split_off(&first_held);
        self.next = Some(first_held);
        Some(Element::Gap(first_held - next))
    }

    /// Sequence numbers to request now.
    pub(crate) fn nacks_due(&mut self, now: Instant) -> Vec<u16> {
        let mut asked = Vec::new();
        for (number, missing) in &mut self.missing {
            if missing.asked_at.is_none_or(|at| now >= at + NACK_INTERVAL) {
                missing.asked_at = Some(now);
                // The sequence number in the packet has 16 bits.
                asked.push((number & 0xffff) as u16);
            }
        }
        asked
    }

    /// When [`Self::pop`] or [`Self::nacks_due`] must be called next.
    pub(crate) fn due(&self) -> Option<Instant> {
        let due = self.missing.values().map(|missing| {
            let ask = missing
                .asked_at
                .map_or(missing.since, |at| at + NACK_INTERVAL);
            ask.min(missing.since + MAX_WAIT)
        });
        due.min()
    }

    fn note_missing(&mut self, now: Instant, number: u64) {
        let between = self.newest + 1..number;
        let count = usize::try_from(between.end - between.start).unwrap_or(usize::MAX);
        if self.missing.len().saturating_add(count) > MISSING_MAX {
            self.missing.clear();
            self.held.clear();
            self.next = Some(number);
            self.restarted = true;
            return;
        }
        self.missing.extend(between.map(|number| {
            let (since, asked_at) = (now, None);
            (number, Missing { since, asked_at })
        }));
    }

    /// Extends a sequence number to 64 bits, nearest to the newest.
    fn extended(&self, number: u16) -> u64 {
        let ahead = number
            .wrapping_sub((self.newest & 0xffff) as u16)
            .cast_signed();
        self.newest.saturating_add_signed(i64::from(ahead))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// Packets contain their own number.
    fn drained(order: &mut Reorder<u16>, now: Instant) -> Vec<Element<u16>> {
        std::iter::from_fn(|| order.pop(now)).collect()
    }

    fn fed(order: &mut Reorder<u16>, now: Instant, numbers: &[u16]) {
        for number in numbers {
            order.insert(now, *number, *number);
        }
    }

    #[test]
    fn packets_are_returned_in_order_across_the_wrap_around() {
        let (mut order, start) = (Reorder::default(), Instant::now());
        fed(&mut order, start, &[65_534, 0, 65_535, 2, 1]);
        let expected = [65_534, 65_535, 0, 1, 2].map(Element::Packet);
        assert_eq!(drained(&mut order, start), expected);
        assert_eq!(order.due(), None);
        assert_eq!(order.insert(start, 1, 1), Insertion::Stale);
    }

    #[test]
    fn a_missing_packet_is_requested_repeatedly_until_it_arrives() {
        let (mut order, start) = (Reorder::default(), Instant::now());
        fed(&mut order, start, &[7, 8, 11]);
        assert_eq!(order.nacks_due(start), [9, 10]);
        assert_eq!(order.nacks_due(start + 39 * MS), [0_u16; 0]);
        assert_eq!(order.insert(start + 39 * MS, 10, 10), Insertion::Recovered);
        assert!(order.is_missing(9) && !order.is_missing(10) && !order.is_missing(12));
        assert_eq!(order.due(), Some(start + 40 * MS));
        assert_eq!(order.nacks_due(start + 40 * MS), [9]);
        assert_eq!(
            drained(&mut order, start + 50 * MS),
            [Element::Packet(7), Element::Packet(8)]
        );
        assert_eq!(order.insert(start + 60 * MS, 9, 9), Insertion::Recovered);
        let rest = [9, 10, 11].map(Element::Packet);
        assert_eq!(drained(&mut order, start + 60 * MS), rest);
    }

    #[test]
    fn a_missing_packet_is_given_up_after_100_ms() {
        let (mut order, start) = (Reorder::default(), Instant::now());
        fed(&mut order, start, &[1, 4]);
        assert_eq!(drained(&mut order, start + 99 * MS), [Element::Packet(1)]);
        let asked: usize = (0..100)
            .map(|ms| order.nacks_due(start + ms * MS).len())
            .sum();
        assert_eq!(asked, 6, "two packets, three times each");
        assert_eq!(
            drained(&mut order, start + MAX_WAIT),
            [Element::Gap(2), Element::Packet(4)]
        );
        assert_eq!(order.insert(start + MAX_WAIT, 2, 2), Insertion::Stale);
        assert!(order.due().is_none() && !order.is_missing(2));
    }

    #[test]
    fn a_large_jump_restarts_the_stream_and_memory_is_bounded() {
        let (mut order, start) = (Reorder::default(), Instant::now());
        fed(&mut order, start, &[1, 2, 1000]);
        assert_eq!(
            drained(&mut order, start),
            [Element::Gap(0), Element::Packet(1000)]
        );
        assert!(order.nacks_due(start).is_empty());
        let flood: Vec<u16> = (1002..1002 + BUFFERED_MAX as u16 + 1).collect();
        fed(&mut order, start, &flood);
        assert_eq!(order.pop(start), Some(Element::Gap(1)), "full");
        assert!(order.held.len() <= BUFFERED_MAX + 1);
    }
}
