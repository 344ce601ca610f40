//! Whether a lost packet is sent again: repeats, rounds and a budget, per viewer.
//!
//! Without a budget a viewer behind a thin link turns its own congestion into five times its media
//! rate of retransmissions, and still sees nothing (measured).

#[cfg(test)]
mod tests;

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use rtc::rtp::header::Header;

/// A packet is sent again at most this often.
const RESENDS_MAX: u8 = 3;
/// Headers of sent packets remembered: some seconds, as the ring keeps them.
const ORIGINALS_MAX: usize = 1024;
/// Packets remembered as resent.
const REMEMBERED: usize = 1024;
/// From this round on the packet goes out twice: the viewer waited two round trips by now, a third would
/// outlast its buffer. Costs a twentieth of a twentieth of the media at 5 % loss, and makes the third
/// round, which is a freeze, twenty times rarer.
const TWICE_FROM_ROUND: u8 = 2;
/// A repeated request within this part of a round trip was on its way before our answer arrived.
const ROUND_TRIP_SHARE: f32 = 0.8;
const WINDOW_LEAST: Duration = Duration::from_millis(10);
const WINDOW_MOST: Duration = Duration::from_millis(100);
/// Round trip assumed until a report tells: a receiver's own first guess (libwebrtc).
const ROUND_TRIP_UNKNOWN: Duration = Duration::from_millis(100);
/// One byte in this many sent as media may be sent again.
const BUDGET_SHARE: u64 = 4;
/// What may be owed at once: a keyframe lost whole, at the default bitrate.
const BUDGET_MOST: u64 = 160 * 1024;
const BUDGET_START: u64 = 96 * 1024;

/// What becomes of one requested packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Send it so many times at once.
    Send { copies: u8 },
    /// It is on its way already.
    Repeat,
    /// It was sent often enough; the viewer will ask for a keyframe.
    Exhausted,
    /// The viewer's budget is spent.
    OverBudget,
}

/// The retransmissions of one viewer.
#[derive(Debug)]
pub(crate) struct ResendLog {
    sent: HashMap<u64, (Instant, u8)>,
    order: VecDeque<u64>,
    budget_bytes: u64,
}

impl Default for ResendLog {
    fn default() -> Self {
        Self {
            sent: HashMap::new(),
            order: VecDeque::new(),
            budget_bytes: BUDGET_START,
        }
    }
}

impl ResendLog {
    /// Media went out: it earns budget.
    pub(crate) fn earn(&mut self, media_bytes: usize) {
        self.budget_bytes =
            (self.budget_bytes + media_bytes as u64 / BUDGET_SHARE).min(BUDGET_MOST);
    }

    /// Decides on packet `number` of `bytes`, and notes the decision.
    pub(crate) fn ask(
        &mut self,
        number: u64,
        bytes: usize,
        now: Instant,
        round_trip: Option<Duration>,
    ) -> Verdict {
        let window = round_trip
            .unwrap_or(ROUND_TRIP_UNKNOWN)
            .mul_f32(ROUND_TRIP_SHARE)
            .clamp(WINDOW_LEAST, WINDOW_MOST);
        let before = self.sent.get(&number).copied();
        match before {
            Some((at, _)) if now.saturating_duration_since(at) < window => return Verdict::Repeat,
            Some((_, times)) if times >= RESENDS_MAX => return Verdict::Exhausted,
            _ => {}
        }
        let times = before.map_or(0, |(_, times)| times) + 1;
        let copies = if times < TWICE_FROM_ROUND { 1 } else { 2 };
        let cost_bytes = bytes as u64 * u64::from(copies);
        let Some(left) = self.budget_bytes.checked_sub(cost_bytes) else {
            return Verdict::OverBudget;
        };
        self.budget_bytes = left;
        if self.sent.insert(number, (now, times)).is_none() {
            self.order.push_back(number);
        }
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.sent.remove(&oldest);
        }
        Verdict::Send { copies }
    }
}

/// For viewers without a retransmission stream. Their packets are sent again under the same number, and
/// so under the same nonce: a header that differs in one bit would give away the key that authenticates
/// all of them (RFC 7714 8.1 forbids it).
#[derive(Debug, Default)]
pub(crate) struct Originals(VecDeque<(u64, Header)>);

impl Originals {
    /// Notes a packet that leaves, by its number with cycles; numbers go up.
    pub(crate) fn note(&mut self, number: u64, header: &Header) {
        if self.0.len() >= ORIGINALS_MAX {
            self.0.pop_front();
        }
        self.0.push_back((number, header.clone()));
    }

    pub(crate) fn of(&self, number: u64) -> Option<&Header> {
        let found = self.0.binary_search_by_key(&number, |(number, _)| *number);
        found
            .ok()
            .and_then(|at| self.0.get(at))
            .map(|(_, header)| header)
    }
}
