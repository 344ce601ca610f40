//! Capture time to RTP time. Pure.

use std::time::Instant;

/// H.264's RTP clock (RFC 6184, 8.2.1).
pub const TICKS_PER_SECOND: u128 = 90_000;

/// Turns capture times into 90 kHz ticks since one origin, strictly increasing whatever order the
/// capture times come in: cards are stamped when drawn, frames a little before they arrive.
#[derive(Debug)]
pub struct RtpClock {
    origin: Instant,
    last: u64,
}

impl RtpClock {
    /// A clock that reads zero at `origin`.
    #[must_use]
    pub fn new(origin: Instant) -> Self {
        Self { origin, last: 0 }
    }

    /// The ticks of a picture taken at `at`, at least one more than those of the one before. Wraps
    /// with the RTP timestamp after 13 hours.
    pub fn ticks(&mut self, at: Instant) -> u32 {
        let since = at.saturating_duration_since(self.origin);
        let ticks = since.as_nanos() * TICKS_PER_SECOND / 1_000_000_000;
        self.last = u64::try_from(ticks).unwrap_or(u64::MAX).max(self.last + 1);
        (self.last & u64::from(u32::MAX)) as u32
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn ticks_follow_the_capture_time_and_never_go_back() {
        let origin = Instant::now();
        let mut clock = RtpClock::new(origin);
        let after = |ms| origin + Duration::from_millis(ms);
        let ticks = [1000, 1033, 1020, 1033, 1067].map(|ms| clock.ticks(after(ms)));
        assert_eq!(ticks, [90_000, 92_970, 92_971, 92_972, 96_030]);
    }

    #[test]
    fn ticks_wrap_with_the_timestamp() {
        let origin = Instant::now();
        let mut clock = RtpClock::new(origin);
        let day = clock.ticks(origin + Duration::from_secs(86_400));
        assert_eq!(u64::from(day), 86_400 * 90_000 % (1 << 32));
    }
}
