//! Whether a lost packet is sent again: repeats, rounds and a budget, per viewer.
//!
//! Without a budget a viewer behind a thin link turns its own congestion into five times its media
//! rate of retransmissions, and still sees nothing (measured).

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

/// A packet is sent again at most this often.
const RESENDS_MAX: u8 = 3;
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

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);
    const ONCE: Verdict = Verdict::Send { copies: 1 };
    const TWICE: Verdict = Verdict::Send { copies: 2 };

    #[test]
    fn repeats_within_a_round_trip_are_ignored_and_rounds_end() {
        let (mut log, start) = (ResendLog::default(), Instant::now());
        let round_trip = Some(50 * MS);
        assert_eq!(log.ask(7, 1000, start, round_trip), ONCE);
        assert_eq!(
            log.ask(7, 1000, start + 39 * MS, round_trip),
            Verdict::Repeat
        );
        assert_eq!(log.ask(7, 1000, start + 41 * MS, round_trip), TWICE);
        assert_eq!(log.ask(8, 1000, start + 41 * MS, round_trip), ONCE);
        assert_eq!(log.ask(7, 1000, start + 90 * MS, round_trip), TWICE);
        assert_eq!(
            log.ask(7, 1000, start + 190 * MS, round_trip),
            Verdict::Exhausted
        );
    }

    #[test]
    fn the_budget_is_a_share_of_the_media() {
        let (mut log, now) = (ResendLog::default(), Instant::now());
        let sends = (0..1000)
            .filter(|number| log.ask(*number, 1024, now, None) == ONCE)
            .count();
        assert_eq!(sends, 96, "the starting credit");
        log.earn(8 * 1024);
        let more = (1000..1010)
            .map(|number| log.ask(number, 1024, now, None))
            .filter(|verdict| *verdict == ONCE)
            .count();
        assert_eq!(more, 2);
        (0..1000).for_each(|_| log.earn(1 << 20));
        assert_eq!(log.budget_bytes, BUDGET_MOST);
    }

    #[test]
    fn memory_is_bounded() {
        let (mut log, now) = (ResendLog::default(), Instant::now());
        (0..10_000).for_each(|number| {
            log.earn(1 << 20);
            log.ask(number, 10, now, None);
        });
        assert!(log.sent.len() <= REMEMBERED && log.order.len() <= REMEMBERED);
    }
}
