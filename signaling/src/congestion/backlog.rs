//! What waits before the bottleneck of a viewer's path, as far as feedback and the bandwidth estimate tell. Media,
//! retransmissions and probes count alike, so that all of them share one budget.

use std::time::{Duration, Instant};

/// Media leaves while less than this waits: enough that the path never idles between two timers. Each of several viewers
/// behind one link adds as much to its queue, which every retransmission has to pass.
const MEDIA_WAITS: Duration = Duration::from_millis(20);
/// At least two packets may wait: those of one frame leave together, and how far apart they arrive shows whether the
/// path has become faster.
const ROOM_LEAST_BYTES: f64 = 2000.0;
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

    /// Feedback: the newest packet that arrived left at `left` and waited for `queue`; `after_bytes` left since, the
    /// last of them at `last_sent`.
    pub(super) fn measure(
        &mut self,
        now: Instant,
        (left, queue): (Instant, Duration),
        (last_sent, after_bytes): (Instant, u64),
        bps: u32,
    ) {
        let passed = now.saturating_duration_since(left).as_secs_f64() - queue.as_secs_f64();
        let bytes = after_bytes as f64 - passed * f64::from(bps) / 8.0;
        // Packets that were dropped on the way are reported only when later ones arrive.
        let emptied = last_sent + queue.max(QUEUE_MOST);
        let most = emptied.saturating_duration_since(now).as_secs_f64() * f64::from(bps) / 8.0;
        (self.bytes, self.at) = (bytes.clamp(0.0, most), now);
    }

    /// Packets of `bytes` leave.
    pub(super) fn add(&mut self, now: Instant, bytes: u32, bps: u32) {
        (self.bytes, self.at) = (self.bytes_at(now, bps) + f64::from(bytes), now);
    }

    /// Whether media may leave.
    pub(super) fn room(&self, now: Instant, bps: u32) -> SendRoom {
        let per_s = f64::from(bps.max(1)) / 8.0;
        let most = (MEDIA_WAITS.as_secs_f64() * per_s).max(ROOM_LEAST_BYTES);
        let room = most - self.bytes_at(now, bps);
        if room > 0.0 {
            return SendRoom::Bytes(room as usize + 1);
        }
        SendRoom::Full(now + Duration::from_secs_f64(-room / per_s) + Duration::from_millis(1))
    }

    /// Whether a retransmission may leave.
    pub(super) fn takes_resend(&self, now: Instant, bps: u32) -> bool {
        self.bytes_at(now, bps) * 8.0 <= RESEND_WAITS.as_secs_f64() * f64::from(bps)
    }

    /// How long a packet waits that leaves now.
    pub(super) fn waits(&self, now: Instant, bps: u32) -> Duration {
        Duration::from_secs_f64(self.bytes_at(now, bps) * 8.0 / f64::from(bps.max(1)))
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
        assert_eq!(backlog.room(start, BPS), SendRoom::Bytes(2001));
        backlog.add(start, 14_000, BPS);
        assert_eq!(backlog.room(start, BPS), SendRoom::Full(start + 121 * MS));
        assert!(backlog.takes_resend(start, BPS));
        backlog.add(start, 2000, BPS);
        assert!(!backlog.takes_resend(start, BPS));
        assert_eq!(backlog.room(start + 150 * MS, BPS), SendRoom::Bytes(1001));
        let slow = Backlog::new(start).room(start, 150_000);
        assert_eq!(slow, SendRoom::Bytes(2001), "two packets of a frame");
    }

    #[test]
    fn feedback_corrects_what_waits() {
        let start = Instant::now();
        let mut backlog = Backlog::new(start);
        backlog.add(start, 2000, BPS);
        // Left 100 ms ago, had 250 ms before it, and 5 kB behind it.
        let now = start + 100 * MS;
        backlog.measure(now, (start, 250 * MS), (now, 5000), BPS);
        assert_eq!(backlog.room(now, BPS), SendRoom::Full(now + 181 * MS));
        backlog.measure(now, (start, 250 * MS), (now, 90_000), BPS);
        let full = SendRoom::Full(now + 281 * MS);
        assert_eq!(
            backlog.room(now, BPS),
            full,
            "the rest was dropped on the way"
        );
    }

    #[test]
    fn packets_that_were_dropped_on_the_way_count_until_a_full_queue_has_drained() {
        let start = Instant::now();
        let mut backlog = Backlog::new(start);
        let now = start + 250 * MS;
        backlog.measure(now, (start, 100 * MS), (start, 90_000), BPS);
        assert_eq!(backlog.room(now, BPS), SendRoom::Full(now + 31 * MS));
        let later = start + 300 * MS;
        backlog.measure(later, (start, 100 * MS), (start, 90_000), BPS);
        assert_eq!(backlog.room(later, BPS), SendRoom::Bytes(2001));
    }
}
