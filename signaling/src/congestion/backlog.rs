//! What waits before the bottleneck of a viewer's path, as far as feedback and the bandwidth estimate tell. Media,
//! retransmissions and probes count alike, so that all of them share one budget.

use std::time::{Duration, Instant};

/// Media leaves while less than this waits: enough that the path never idles between two timers.
const MEDIA_WAITS: Duration = Duration::from_millis(40);
/// A retransmission leaves while less than this waits. It is worth more than the frames after it, which cannot be
/// decoded without it.
const RESEND_WAITS: Duration = Duration::from_millis(150);
/// The longest queue that is assumed: what did not fit into it was dropped and does not wait.
const QUEUE_MOST: Duration = Duration::from_millis(300);

/// Bytes before the bottleneck at a point in time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Backlog {
    bytes: f64,
    at: Instant,
}

/// Whether a viewer's media may leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SendRoom {
    /// Nothing limits the rate.
    Free,
    /// This many bytes may leave now.
    Bytes(usize),
    /// Nothing may leave before then.
    Full(Instant),
}

impl Backlog {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            bytes: 0.0,
            at: now,
        }
    }

    /// Feedback: the newest packet that arrived left at `left` and waited for `queue`; `after_bytes` left since.
    pub(super) fn measure(
        &mut self,
        now: Instant,
        (left, queue): (Instant, Duration),
        after_bytes: u64,
        bps: u32,
    ) {
        let passed = now.saturating_duration_since(left).as_secs_f64() - queue.as_secs_f64();
        let bytes = after_bytes as f64 - passed * f64::from(bps) / 8.0;
        let most = queue.max(QUEUE_MOST).as_secs_f64() * f64::from(bps) / 8.0;
        (self.bytes, self.at) = (bytes.clamp(0.0, most), now);
    }

    /// Packets of `bytes` leave.
    pub(super) fn add(&mut self, now: Instant, bytes: u32, bps: u32) {
        (self.bytes, self.at) = (self.bytes_at(now, bps) + f64::from(bytes), now);
    }

    /// Whether media may leave.
    pub(super) fn room(&self, now: Instant, bps: u32) -> SendRoom {
        let per_s = f64::from(bps.max(1)) / 8.0;
        let room = MEDIA_WAITS.as_secs_f64() * per_s - self.bytes_at(now, bps);
        if room > 0.0 {
            return SendRoom::Bytes(room as usize + 1);
        }
        SendRoom::Full(now + Duration::from_secs_f64(-room / per_s) + Duration::from_millis(1))
    }

    /// Whether a retransmission may leave.
    pub(super) fn takes_resend(&self, now: Instant, bps: u32) -> bool {
        self.bytes_at(now, bps) * 8.0 <= RESEND_WAITS.as_secs_f64() * f64::from(bps)
    }

    fn bytes_at(&self, now: Instant, bps: u32) -> f64 {
        let since = now.saturating_duration_since(self.at).as_secs_f64();
        (self.bytes - since * f64::from(bps) / 8.0).max(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);
    const BPS: u32 = 800_000;

    #[test]
    fn media_waits_until_the_queue_is_short() {
        let start = Instant::now();
        let mut backlog = Backlog::new(start);
        assert_eq!(backlog.room(start, BPS), SendRoom::Bytes(4001));
        backlog.add(start, 14_000, BPS);
        assert_eq!(backlog.room(start, BPS), SendRoom::Full(start + 101 * MS));
        assert!(backlog.takes_resend(start, BPS));
        backlog.add(start, 2000, BPS);
        assert!(!backlog.takes_resend(start, BPS));
        assert_eq!(backlog.room(start + 140 * MS, BPS), SendRoom::Bytes(2001));
    }

    #[test]
    fn feedback_corrects_what_waits() {
        let start = Instant::now();
        let mut backlog = Backlog::new(start);
        backlog.add(start, 2000, BPS);
        // Left 100 ms ago, had 250 ms before it, and 5 kB behind it.
        let now = start + 100 * MS;
        backlog.measure(now, (start, 250 * MS), 5000, BPS);
        assert_eq!(backlog.room(now, BPS), SendRoom::Full(now + 161 * MS));
        backlog.measure(now, (start, 250 * MS), 90_000, BPS);
        let full = SendRoom::Full(now + 261 * MS);
        assert_eq!(
            backlog.room(now, BPS),
            full,
            "the rest was dropped on the way"
        );
    }
}
