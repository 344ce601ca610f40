//! What one carrier may send to another: token buckets for messages and bytes. Pure.

use std::time::{Duration, Instant};

const MESSAGES_PER_S: f64 = 20.0;
const MESSAGES_BURST: f64 = 400.0;
/// Twice a whole log of records can arrive at once after a day apart.
const BYTES_PER_S: f64 = 64.0 * 1024.0;
const BYTES_BURST: f64 = 4.0 * 1024.0 * 1024.0;

#[derive(Debug, Clone)]
pub(crate) struct RateLimit {
    messages: f64,
    bytes: f64,
    refilled_at: Instant,
}

impl RateLimit {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            messages: MESSAGES_BURST,
            bytes: BYTES_BURST,
            refilled_at: now,
        }
    }

    /// Takes one message of `bytes`. `false`: the sender is above what an honest carrier sends.
    pub(crate) fn take(&mut self, bytes: usize, now: Instant) -> bool {
        let passed = now.saturating_duration_since(self.refilled_at);
        self.refilled_at = self.refilled_at.max(now);
        let refill = |tokens: f64, per_s: f64, burst: f64| {
            per_s.mul_add(passed.as_secs_f64(), tokens).min(burst)
        };
        self.messages = refill(self.messages, MESSAGES_PER_S, MESSAGES_BURST) - 1.0;
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        self.bytes = refill(self.bytes, BYTES_PER_S, BYTES_BURST) - f64::from(bytes);
        self.messages >= 0.0 && self.bytes >= 0.0
    }
}

/// How long a carrier that broke the protocol is not talked to.
pub(crate) const QUARANTINE: Duration = Duration::from_secs(300);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_a_flood_does_not() {
        let start = Instant::now();
        let mut limit = RateLimit::new(start);
        assert!((0..400).all(|_| limit.take(100, start)));
        assert!(!limit.take(100, start));
        let later = start + Duration::from_secs(60);
        assert!((0..400).all(|_| limit.take(100, later)));
    }

    #[test]
    fn bytes_count_too() {
        let start = Instant::now();
        let mut limit = RateLimit::new(start);
        let taken = (0..400).take_while(|_| limit.take(32 * 1024, start));
        assert_eq!(taken.count(), 128);
    }

    #[test]
    fn a_clock_that_goes_back_gives_nothing() {
        let start = Instant::now() + Duration::from_secs(100);
        let mut limit = RateLimit::new(start);
        let back = start.checked_sub(Duration::from_secs(50)).unwrap();
        assert!(limit.take(1, back));
        assert!((0..398).all(|_| limit.take(1, start)));
        assert!(limit.take(1, start));
        assert!(!limit.take(1, start));
    }
}
