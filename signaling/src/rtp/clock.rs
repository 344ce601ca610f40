//! Converts capture times to RTP timestamps, and to the NTP time of sender reports (RFC 3550 6.4.1). Pure.

#[cfg(test)]
mod tests;

use std::time::{Duration, Instant, SystemTime};

/// H.264's RTP clock (RFC 6184, 8.2.1).
pub const TICKS_PER_SECOND: u128 = 90_000;

/// Converts capture times to 90 kHz ticks since an origin. The result strictly increases even if capture
/// times do not: cards are stamped when drawn, frames shortly before they arrive.
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

    /// The ticks of a picture captured at `at`, at least one more than the previous. Wraps around like the
    /// RTP timestamp, after 13 hours.
    pub fn ticks(&mut self, at: Instant) -> u32 {
        let since = at.saturating_duration_since(self.origin);
        let ticks = since.as_nanos() * TICKS_PER_SECOND / 1_000_000_000;
        self.last = u64::try_from(ticks).unwrap_or(u64::MAX).max(self.last + 1);
        (self.last & u64::from(u32::MAX)) as u32
    }
}

/// Interval of sender reports. They also measure the round trip time that retransmissions depend on.
pub(crate) const REPORT_INTERVAL: Duration = Duration::from_secs(1);
/// Seconds from the NTP epoch (1900) to the Unix epoch.
const NTP_TO_UNIX_S: u64 = 2_208_988_800;

/// NTP time derived from the monotonic clock, so that reports do not jump when the wall clock is set.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ReportClock {
    origin: Instant,
    origin_since_1900: Duration,
}

impl ReportClock {
    /// Creates a clock at which `now` is the wall-clock time `wall`.
    pub(crate) fn new(now: Instant, wall: SystemTime) -> Self {
        let since_1970 = wall
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        Self {
            origin: now,
            origin_since_1900: since_1970 + Duration::from_secs(NTP_TO_UNIX_S),
        }
    }

    /// NTP timestamp: seconds since 1900 in the upper 32 bits, the fraction in the lower.
    pub(crate) fn ntp(&self, now: Instant) -> u64 {
        let time = self.origin_since_1900 + now.saturating_duration_since(self.origin);
        let fraction = (u64::from(time.subsec_nanos()) << 32) / 1_000_000_000;
        (time.as_secs() << 32) | fraction
    }

    /// The middle 32 bits of the NTP timestamp, which receiver reports echo.
    pub(crate) fn ntp_middle(&self, now: Instant) -> u32 {
        let [_, _, a, b, c, d, _, _] = self.ntp(now).to_be_bytes();
        u32::from_be_bytes([a, b, c, d])
    }
}
