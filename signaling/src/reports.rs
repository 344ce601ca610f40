//! Sender reports: which wall-clock time a timestamp stands for (RFC 3550 6.4.1).

use std::time::{Duration, Instant, SystemTime};

use rtc::rtcp::sender_report::SenderReport;

use crate::encoded::EncodedFrame;
use crate::fanout::Outlet;

/// How often each viewer gets one. It also times the round trip that guides retransmissions.
pub(crate) const REPORT_INTERVAL: Duration = Duration::from_secs(1);
/// Seconds from the NTP era (1900) to the Unix one.
const NTP_TO_UNIX_S: u64 = 2_208_988_800;
const VIDEO_CLOCK_HZ: f64 = 90_000.0;

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

    /// A viewer's report at `now`, its timestamp extended from the newest frame's.
    pub(crate) fn report(
        &self,
        outlet: &Outlet,
        newest: &EncodedFrame,
        now: Instant,
    ) -> SenderReport {
        let since = now.saturating_duration_since(newest.captured_at);
        // A truncating cast of at most a few seconds' ticks.
        let ticks = (since.as_secs_f64() * VIDEO_CLOCK_HZ) as u32;
        let sent = outlet.sent();
        SenderReport {
            ssrc: outlet.ssrc(),
            ntp_time: self.ntp(now),
            rtp_time: outlet.timestamp(newest.rtp_ticks).wrapping_add(ticks),
            packet_count: sent.packets,
            octet_count: sent.payload_bytes,
            ..SenderReport::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fanout::StreamTerms;
    use crate::packet_ring::tests::frame;

    #[test]
    fn ntp_time_is_seconds_since_1900_and_a_fraction() {
        let origin = Instant::now();
        let clock = ReportClock::new(origin, SystemTime::UNIX_EPOCH + Duration::from_secs(100));
        let later = clock.ntp(origin + Duration::from_millis(1500));
        assert_eq!(later >> 32, NTP_TO_UNIX_S + 101);
        assert_eq!(later & 0xffff_ffff, 1 << 31);
        let middle = clock.ntp_middle(origin + Duration::from_millis(1500));
        assert_eq!(middle & 0xffff, 1 << 15);
    }

    #[test]
    fn the_timestamp_runs_on_from_the_newest_frame() {
        let terms = StreamTerms {
            ssrc: 9,
            payload_type: 96,
            rtx: None,
            playout_delay_id: None,
            transport_id: None,
        };
        let outlet = Outlet::new(terms, 0);
        let newest = frame(2, true, 1);
        let now = newest.captured_at + Duration::from_millis(100);
        let report = ReportClock::new(now, SystemTime::now()).report(&outlet, &newest, now);
        assert_eq!((report.ssrc, report.rtp_time), (9, 6000 + 9000));
    }
}
