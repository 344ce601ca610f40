//! When a connection is given up because its peer is silent. Pure.

use std::time::{Duration, Instant};

/// Measures how long a peer has acknowledged nothing while bytes wait for it. A slow peer is not silent: each
/// acknowledged byte counts.
///
/// A time-out for writes measures something else, since a write waits until half of the kernel's buffer is sent; so does
/// TCP_USER_TIMEOUT, which counts from the first packet of a loss, or from the first probe of a receive window that is
/// smaller than the next segment, whatever is acknowledged meanwhile.
#[derive(Debug)]
pub(super) struct Silence {
    max: Duration,
    acknowledged: u64,
    progress_at: Instant,
}

impl Silence {
    pub(super) fn new(max: Duration, now: Instant) -> Self {
        Self {
            max,
            acknowledged: 0,
            progress_at: now,
        }
    }

    /// How often [`is_over`](Self::is_over) should be asked: its error is at most this.
    pub(super) fn interval(&self) -> Duration {
        self.max / 8
    }

    /// Of the bytes written so far, those that the peer has.
    pub(super) fn is_over(&mut self, written: u64, acknowledged: u64, now: Instant) -> bool {
        if acknowledged >= written || acknowledged > self.acknowledged {
            self.acknowledged = acknowledged;
            self.progress_at = now;
        }
        now.saturating_duration_since(self.progress_at) >= self.max
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAX: Duration = Duration::from_secs(60);

    fn seconds(start: Instant, count: u64) -> Instant {
        start + Duration::from_secs(count)
    }

    #[test]
    fn a_slow_peer_is_not_silent_however_long_it_takes() {
        let start = Instant::now();
        let mut silence = Silence::new(MAX, start);
        for minute in 0..100 {
            assert!(!silence.is_over(100_000, minute, seconds(start, minute * 59)));
        }
    }

    #[test]
    fn a_peer_that_acknowledges_nothing_is_silent() {
        let start = Instant::now();
        let mut silence = Silence::new(MAX, start);
        assert!(!silence.is_over(5000, 1000, seconds(start, 10)));
        assert!(!silence.is_over(9000, 1000, seconds(start, 69)));
        assert!(silence.is_over(9000, 1000, seconds(start, 70)));
    }

    #[test]
    fn a_connection_without_waiting_bytes_is_never_silent() {
        let start = Instant::now();
        let mut silence = Silence::new(MAX, start);
        assert!(!silence.is_over(5000, 5000, seconds(start, 1000)));
        assert!(!silence.is_over(6000, 5000, seconds(start, 1059)));
        assert!(silence.is_over(6000, 5000, seconds(start, 1060)));
    }
}
