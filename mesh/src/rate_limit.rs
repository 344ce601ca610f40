//! What one carrier may send to another: token buckets for messages and bytes. Pure.

use std::time::{Duration, Instant};

use crate::token_bucket::TokenBucket;

const MESSAGES_PER_S: f64 = 20.0;
const MESSAGES_BURST: f64 = 400.0;
/// Twice a whole log of records can arrive at once after a day apart.
const BYTES_PER_S: f64 = 64.0 * 1024.0;
const BYTES_BURST: f64 = 4.0 * 1024.0 * 1024.0;

#[derive(Debug, Clone)]
pub(crate) struct RateLimit {
    messages: TokenBucket,
    bytes: TokenBucket,
}

impl RateLimit {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            messages: TokenBucket::new(MESSAGES_BURST, MESSAGES_PER_S, now),
            bytes: TokenBucket::new(BYTES_BURST, BYTES_PER_S, now),
        }
    }

    /// Takes one message of `bytes`. `false`: the sender is above what an honest carrier sends.
    pub(crate) fn take(&mut self, bytes: usize, now: Instant) -> bool {
        let bytes = f64::from(u32::try_from(bytes).unwrap_or(u32::MAX));
        self.messages.take(1.0, now) && self.bytes.take(bytes, now)
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
