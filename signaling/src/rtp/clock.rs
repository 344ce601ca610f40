//! Capture time to RTP time, and the wall-clock time that a sender report ties to it (RFC 3550 6.4.1).
//! Pure.

#[cfg(test)]
mod tests;

use std::time::{Duration, Instant, SystemTime};

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

/// How often each viewer gets a sender report. It also times the round trip that guides retransmissions.
pub(crate) const REPORT_INTERVAL: Duration = Duration::from_secs(1);
/// Seconds from the NTP era (1900) to the Unix one.
const NTP_TO_UNIX_S: u64 = 2_208_988_800;

/// The monotonic clock tied to NTP time once, so that reports never jump when the wall clock is
/// set.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ReportClock {
    origin: Instant,
    origin_since_1900: Duration,
}

impl ReportClock {
    /// Ties `now` to the wall-clock time `wall`.
    pub(crate) fn new(now: Instant, wall: SystemTime) -> Self {
        let since_1970 = wall
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        Self {
            origin: now,
            origin_since_1900: since_1970 + Duration::from_secs(NTP_TO_UNIX_S),
        }
    }

    /// NTP time: seconds since 1900 in the upper 32 bits, their fraction in the lower.
    pub(crate) fn ntp(&self, now: Instant) -> u64 {
        let time = self.origin_since_1900 + now.saturating_duration_since(self.origin);
        let fraction = (u64::from(time.subsec_nanos()) << 32) / 1_000_000_000;
        (time.as_secs() << 32) | fraction
    }

    /// The middle 32 bits, which reports echo.
    pub(crate) fn ntp_middle(&self, now: Instant) -> u32 {
        let [_, _, a, b, c, d, _, _] = self.ntp(now).to_be_bytes();
        u32::from_be_bytes([a, b, c, d])
    }
}
