//! Packets of one stream back in their order: what is missing is asked for, and waited for a little.
//! Pure.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// How long a missing packet holds up what came after it. Latency first: on the network of the room
/// a retransmission takes 10 to 50 ms, and what takes longer is mended by a keyframe.
pub(crate) const HOLD: Duration = Duration::from_millis(100);
/// Between two requests for one packet, as mediasoup has it (`NackGenerator.cpp`). With [`HOLD`] no
/// packet is asked for more than three times.
const ASK_AGAIN: Duration = Duration::from_millis(40);
/// More missing at once is a new start, not loss.
const MISSING_MAX: usize = 256;
/// Packets that wait for a missing one; a keyframe has a few hundred at most.
const HELD_MAX: usize = 1024;

/// What a packet turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// The next one, or one after it.
    New,
    /// One that was missed.
    Recovered,
    /// Known already, or given up.
    Useless,
}

/// What comes out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Turn<P> {
    /// The next packet.
    Packet(P),
    /// So many packets before the next are lost for good; 0: the stream began anew.
    Gap(u64),
}

#[derive(Debug, Clone, Copy)]
struct Missing {
    since: Instant,
    asked_at: Option<Instant>,
}

/// The order of one stream. `P` is the packet without its number.
#[derive(Debug)]
pub(crate) struct Reorder<P> {
    /// Number of the next packet to come out, without its wrap.
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
    /// Takes a packet with its sequence number.
    pub(crate) fn insert(&mut self, now: Instant, number: u16, packet: P) -> Arrival {
        let Some(next) = self.next else {
            // Far from zero, so that earlier numbers exist.
            self.newest = (1 << 32) | u64::from(number);
            self.next = Some(self.newest);
            self.held.insert(self.newest, packet);
            return Arrival::New;
        };
        let number = self.extended(number);
        if number < next || self.held.contains_key(&number) {
            return Arrival::Useless;
        }
        if number > self.newest {
            self.note_missing(now, number);
            self.newest = number;
        }
        self.held.insert(number, packet);
        match self.missing.remove(&number) {
            Some(_) => Arrival::Recovered,
            None => Arrival::New,
        }
    }

    /// Whether this packet is missed.
    pub(crate) fn lacks(&self, number: u16) -> bool {
        self.next.is_some() && self.missing.contains_key(&self.extended(number))
    }

    /// The next thing in order; `None`: there is nothing, or what is missing may still come.
    pub(crate) fn pop(&mut self, now: Instant) -> Option<Turn<P>> {
        if std::mem::take(&mut self.restarted) {
            return Some(Turn::Gap(0));
        }
        let next = self.next?;
        if let Some(packet) = self.held.remove(&next) {
            self.next = Some(next + 1);
            return Some(Turn::Packet(packet));
        }
        let (first_held, _) = self.held.first_key_value()?;
        let first_held = *first_held;
        let overdue = self
            .missing
            .get(&next)
            .is_none_or(|missing| now >= missing.since + HOLD);
        if !overdue && self.held.len() <= HELD_MAX {
            return None;
        }
        self.missing = self.missing.split_off(&first_held);
        self.next = Some(first_held);
        Some(Turn::Gap(first_held - next))
    }

    /// Numbers to ask the sender for now; they count as asked.
    pub(crate) fn ask(&mut self, now: Instant) -> Vec<u16> {
        let mut asked = Vec::new();
        for (number, missing) in &mut self.missing {
            if missing.asked_at.is_none_or(|at| now >= at + ASK_AGAIN) {
                missing.asked_at = Some(now);
                // The number on the wire has 16 bits.
                asked.push((number & 0xffff) as u16);
            }
        }
        asked
    }

    /// When [`Self::pop`] or [`Self::ask`] is next due.
    pub(crate) fn due(&self) -> Option<Instant> {
        let due = self.missing.values().map(|missing| {
            let ask = missing.asked_at.map_or(missing.since, |at| at + ASK_AGAIN);
            ask.min(missing.since + HOLD)
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
            let missing = Missing {
                since: now,
                asked_at: None,
            };
            (number, missing)
        }));
    }

    /// The number without its wrap: the one nearest to the newest.
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

    /// Packets carry their own number.
    fn drained(order: &mut Reorder<u16>, now: Instant) -> Vec<Turn<u16>> {
        std::iter::from_fn(|| order.pop(now)).collect()
    }

    fn fed(order: &mut Reorder<u16>, now: Instant, numbers: &[u16]) {
        for number in numbers {
            order.insert(now, *number, *number);
        }
    }

    #[test]
    fn reordered_packets_come_out_in_order_across_the_wrap() {
        let (mut order, start) = (Reorder::default(), Instant::now());
        fed(&mut order, start, &[65_534, 0, 65_535, 2, 1]);
        let expected = [65_534, 65_535, 0, 1, 2].map(Turn::Packet);
        assert_eq!(drained(&mut order, start), expected);
        assert_eq!(order.due(), None);
        assert_eq!(order.insert(start, 1, 1), Arrival::Useless);
    }

    #[test]
    fn a_missing_packet_is_asked_for_at_once_and_again_and_is_taken_when_it_comes() {
        let (mut order, start) = (Reorder::default(), Instant::now());
        fed(&mut order, start, &[7, 8, 11]);
        assert_eq!(order.ask(start), [9, 10]);
        assert_eq!(order.ask(start + 39 * MS), [0_u16; 0]);
        assert_eq!(order.insert(start + 39 * MS, 10, 10), Arrival::Recovered);
        assert!(order.lacks(9) && !order.lacks(10) && !order.lacks(12));
        assert_eq!(order.due(), Some(start + 40 * MS));
        assert_eq!(order.ask(start + 40 * MS), [9]);
        assert_eq!(
            drained(&mut order, start + 50 * MS),
            [Turn::Packet(7), Turn::Packet(8)]
        );
        assert_eq!(order.insert(start + 60 * MS, 9, 9), Arrival::Recovered);
        let rest = [9, 10, 11].map(Turn::Packet);
        assert_eq!(drained(&mut order, start + 60 * MS), rest);
    }

    #[test]
    fn a_packet_that_never_comes_is_given_up_after_a_tenth_of_a_second() {
        let (mut order, start) = (Reorder::default(), Instant::now());
        fed(&mut order, start, &[1, 4]);
        assert_eq!(drained(&mut order, start + 99 * MS), [Turn::Packet(1)]);
        let asked: usize = (0..100).map(|ms| order.ask(start + ms * MS).len()).sum();
        assert_eq!(asked, 6, "two packets, three times each");
        assert_eq!(
            drained(&mut order, start + HOLD),
            [Turn::Gap(2), Turn::Packet(4)]
        );
        assert_eq!(order.insert(start + HOLD, 2, 2), Arrival::Useless);
        assert!(order.due().is_none() && !order.lacks(2));
    }

    #[test]
    fn a_jump_is_a_new_start_and_memory_is_bounded() {
        let (mut order, start) = (Reorder::default(), Instant::now());
        fed(&mut order, start, &[1, 2, 1000]);
        assert_eq!(
            drained(&mut order, start),
            [Turn::Gap(0), Turn::Packet(1000)]
        );
        assert!(order.ask(start).is_empty());
        let flood: Vec<u16> = (1002..1002 + HELD_MAX as u16 + 1).collect();
        fed(&mut order, start, &flood);
        assert_eq!(order.pop(start), Some(Turn::Gap(1)), "no longer held up");
        assert!(order.held.len() <= HELD_MAX + 1);
    }
}
