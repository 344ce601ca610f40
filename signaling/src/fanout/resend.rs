//! Whether a lost packet is retransmitted: limits on repeats and rounds, and a byte budget per viewer.
//!
//! Without the budget a viewer behind a slow link would turn its own congestion into retransmissions of
//! five times its media rate, and still see no picture (measured).

#[cfg(test)]
mod tests;

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use rtc::rtp::header::Header;

use crate::metrics::ResendOutcome;

/// A packet is retransmitted at most this often.
const RESENDS_MAX: u8 = 3;
/// Headers of sent packets that are kept: some seconds, like the packets in the ring.
const ORIGINALS_MAX: usize = 1024;
/// Retransmitted packets that are remembered.
const REMEMBERED: usize = 1024;
/// From this round on the packet is sent twice: the viewer has waited two round trips, and a third one
/// would outlast its buffer. At 5 % loss this costs 0.25 % of the media rate and makes the third round,
/// which freezes the picture, twenty times rarer.
const TWICE_FROM_ROUND: u8 = 2;
/// One byte may be retransmitted for this many bytes of media.
const BUDGET_SHARE: u64 = 4;
/// The largest budget: a whole lost keyframe at the default bitrate.
const BUDGET_MOST: u64 = 160 * 1024;
const BUDGET_START: u64 = 96 * 1024;

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
    /// Media was sent: it adds to the budget.
    pub(crate) fn earn(&mut self, media_bytes: usize) {
        self.budget_bytes =
            (self.budget_bytes + media_bytes as u64 / BUDGET_SHARE).min(BUDGET_MOST);
    }

    /// How many copies of packet `number` are sent now; they count as sent. The error is why none is. A NACK within
    /// `answered_within` left before they could have arrived. `is_lossy`: one copy alone is likely to be lost, too.
    pub(crate) fn request(
        &mut self,
        number: u64,
        bytes: usize,
        now: Instant,
        answered_within: Duration,
        is_lossy: bool,
    ) -> Result<u8, ResendOutcome> {
        let before = self.sent.get(&number).copied();
        match before {
            Some((until, _)) if now < until => {
                return Err(ResendOutcome::Repeat);
            }
            Some((_, times)) if times >= RESENDS_MAX => return Err(ResendOutcome::Exhausted),
            _ => {}
        }
        let times = before.map_or(0, |(_, times)| times) + 1;
        let twice = is_lossy || times >= TWICE_FROM_ROUND;
        let copies = if twice { 2 } else { 1 };
        let cost_bytes = bytes as u64 * u64::from(copies);
        let Some(left) = self.budget_bytes.checked_sub(cost_bytes) else {
            return Err(ResendOutcome::OverBudget);
        };
        self.budget_bytes = left;
        let entry = (now + answered_within, times);
        if self.sent.insert(number, entry).is_none() {
            self.order.push_back(number);
        }
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.sent.remove(&oldest);
        }
        Ok(copies)
    }
}

/// The headers of sent packets, for viewers without RTX. Their retransmissions have the same sequence
/// number and therefore the same nonce: they must be byte-identical, since a second message under one
/// nonce would reveal the authentication key (RFC 7714 8.1 forbids it).
#[derive(Debug, Default)]
pub(crate) struct Originals(VecDeque<(u64, Header)>);

impl Originals {
    /// Keeps the header of a packet that is sent, by its extended number; numbers increase.
    pub(crate) fn note(&mut self, number: u64, header: &Header) {
        if self.0.len() >= ORIGINALS_MAX {
            self.0.pop_front();
        }
        self.0.push_back((number, header.clone()));
    }

    pub(crate) fn header(&self, number: u64) -> Option<&Header> {
        let found = self.0.binary_search_by_key(&number, |(number, _)| *number);
        found
            .ok()
            .and_then(|at| self.0.get(at))
            .map(|(_, header)| header)
    }
}
