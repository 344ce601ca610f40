//! One direction of a simulated path.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::time::{Duration, Instant};

use crate::conditions::{Conditions, Queue};
use crate::loss::LossState;
use crate::random::Random;

/// Size of IPv4 and UDP headers, which the bottleneck also counts.
pub const HEADERS_BYTES: usize = 28;

/// Datagram counters. Datagrams neither delivered nor dropped are in flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Datagrams sent.
    pub offered: u64,
    /// Their bytes, without headers.
    pub offered_bytes: u64,
    /// Datagrams delivered.
    pub delivered: u64,
    /// Their bytes, without headers.
    pub delivered_bytes: u64,
    /// Randomly lost.
    pub lost: u64,
    /// Dropped by the full queue.
    pub overflowed: u64,
}

/// One direction of a path. It uses only the length of a datagram.
#[derive(Debug)]
pub struct Link<T> {
    conditions: Conditions,
    random: Random,
    loss: LossState,
    /// Queue before the bottleneck; the first datagram is passing it.
    waiting: VecDeque<Waiting<T>>,
    waiting_bytes: usize,
    /// When the first datagram began to pass.
    passing_since: Option<Instant>,
    /// After the bottleneck, by arrival time.
    in_flight: BinaryHeap<Reverse<InFlight<T>>>,
    newest_arrival: Option<Instant>,
    sequence: u64,
    counters: Counters,
}

#[derive(Debug)]
struct Waiting<T> {
    bytes: usize,
    datagram: T,
}

#[derive(Debug)]
struct InFlight<T> {
    arrives: Instant,
    sequence: u64,
    bytes: usize,
    datagram: T,
}

impl<T> Link<T> {
    /// An empty path.
    #[must_use]
    pub fn new(conditions: Conditions, seed: u64) -> Self {
        Self {
            conditions,
            random: Random::new(seed),
            loss: LossState::default(),
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            passing_since: None,
            in_flight: BinaryHeap::new(),
            newest_arrival: None,
            sequence: 0,
            counters: Counters::default(),
        }
    }

    /// Changes the parameters at `now`. Datagrams after the bottleneck are not affected; the one that is
    /// passing it starts again at the new rate.
    pub fn change(&mut self, now: Instant, conditions: Conditions) {
        self.advance(now);
        self.conditions = conditions;
        self.passing_since = (!self.waiting.is_empty()).then_some(now);
        self.advance(now);
    }

    /// The current parameters.
    #[must_use]
    pub fn conditions(&self) -> &Conditions {
        &self.conditions
    }

    /// Sends a datagram of `bytes`. `now` must not decrease.
    pub fn offer(&mut self, now: Instant, bytes: usize, datagram: T) {
        self.advance(now);
        self.counters.offered += 1;
        self.counters.offered_bytes += bytes as u64;
        if self.is_full(bytes) {
            self.counters.overflowed += 1;
            return;
        }
        self.waiting_bytes += bytes + HEADERS_BYTES;
        self.waiting.push_back(Waiting { bytes, datagram });
        self.passing_since.get_or_insert(now);
        self.advance(now);
    }

    /// When to call [`take`](Self::take) next. It may find nothing then, but never misses a datagram.
    #[must_use]
    pub fn due(&self) -> Option<Instant> {
        let arrival = self.in_flight.peek().map(|Reverse(next)| next.arrives);
        [arrival, self.passed_at()].into_iter().flatten().min()
    }

    /// The next datagram that has arrived by `now`, with its arrival time.
    pub fn take(&mut self, now: Instant) -> Option<(Instant, T)> {
        self.advance(now);
        if self.in_flight.peek()?.0.arrives > now {
            return None;
        }
        let Reverse(next) = self.in_flight.pop()?;
        self.counters.delivered += 1;
        self.counters.delivered_bytes += next.bytes as u64;
        Some((next.arrives, next.datagram))
    }

    /// The counters so far.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// Bytes of IP packets in the queue, including the one passing the bottleneck.
    #[must_use]
    pub fn waiting_bytes(&self) -> usize {
        self.waiting_bytes
    }

    /// Queueing delay of a datagram sent now; `None` in an outage.
    #[must_use]
    pub fn waiting_time(&self) -> Option<Duration> {
        self.passing_time(self.waiting_bytes)
    }

    fn is_full(&self, bytes: usize) -> bool {
        if self.waiting.is_empty() {
            return false;
        }
        match self.conditions.queue {
            Queue::Time(most) => self.waiting_time().is_none_or(|time| time > most),
            Queue::Bytes(most) => self.waiting_bytes + bytes + HEADERS_BYTES > most,
        }
    }

    /// Time for `bytes` to pass the bottleneck; `None` in an outage.
    fn passing_time(&self, bytes: usize) -> Option<Duration> {
        match self.conditions.rate_bps {
            None => Some(Duration::ZERO),
            Some(_) if bytes == 0 => Some(Duration::ZERO),
            Some(0) => None,
            Some(rate) => Some(Duration::from_secs_f64(bytes as f64 * 8.0 / rate as f64)),
        }
    }

    /// When the first datagram will have passed the bottleneck.
    fn passed_at(&self) -> Option<Instant> {
        let first = self.waiting.front()?;
        let time = self.passing_time(first.bytes + HEADERS_BYTES)?;
        Some(self.passing_since? + time)
    }

    /// Moves datagrams that have passed the bottleneck by `now` into flight.
    fn advance(&mut self, now: Instant) {
        while let Some(passed) = self.passed_at().filter(|passed| *passed <= now) {
            let Some(Waiting { bytes, datagram }) = self.waiting.pop_front() else {
                return;
            };
            self.waiting_bytes -= bytes + HEADERS_BYTES;
            self.passing_since = (!self.waiting.is_empty()).then_some(passed);
            if self.loss.loses(self.conditions.loss, &mut self.random) {
                self.counters.lost += 1;
                continue;
            }
            let arrives = self.arrival(passed);
            self.in_flight.push(Reverse(InFlight {
                arrives,
                sequence: self.sequence,
                bytes,
                datagram,
            }));
            self.sequence += 1;
        }
    }

    fn arrival(&mut self, passed: Instant) -> Instant {
        let Conditions { delay, jitter, .. } = self.conditions;
        let mut arrives = passed + delay;
        if !jitter.most.is_zero() {
            arrives += jitter.most.mul_f64(self.random.share());
        }
        if jitter.keeps_order {
            arrives = self.newest_arrival.map_or(arrives, |at| arrives.max(at));
        }
        self.newest_arrival = self.newest_arrival.max(Some(arrives));
        arrives
    }
}

impl<T> InFlight<T> {
    /// Datagrams with the same arrival time keep their order.
    fn key(&self) -> (Instant, u64) {
        (self.arrives, self.sequence)
    }
}

impl<T> PartialEq for InFlight<T> {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl<T> Eq for InFlight<T> {}

impl<T> PartialOrd for InFlight<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for InFlight<T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

#[cfg(test)]
mod tests;
