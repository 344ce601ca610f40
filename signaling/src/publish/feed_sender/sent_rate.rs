//! How much was sent of late. Pure.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use rtc::rtp::Packet;

const WINDOW: Duration = Duration::from_secs(2);
/// What a packet has on the wire beside its payload: IP, UDP and RTP headers, and the tag of SRTP.
const OVERHEAD_BYTES: u64 = 64;

#[derive(Debug)]
pub(super) struct SentRate {
    began: Instant,
    newest: Instant,
    /// Bytes by when they were sent.
    window: VecDeque<(Instant, u64)>,
    reported_at: Instant,
    packets_since_report: u32,
    bytes_since_report: u64,
}

impl SentRate {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            began: now,
            newest: now,
            window: VecDeque::new(),
            reported_at: now,
            packets_since_report: 0,
            bytes_since_report: 0,
        }
    }

    pub(super) fn add(&mut self, now: Instant, packets: &[Packet]) {
        let payloads: usize = packets.iter().map(|packet| packet.payload.len()).sum();
        let count = packets.len() as u64;
        let bytes = payloads as u64 + count * OVERHEAD_BYTES;
        self.newest = now;
        self.window.push_back((now, bytes));
        while let Some((at, _)) = self.window.front()
            && now.saturating_duration_since(*at) > WINDOW
        {
            self.window.pop_front();
        }
        self.bytes_since_report += bytes;
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        self.packets_since_report = self.packets_since_report.saturating_add(count);
    }

    /// Bits a second.
    pub(super) fn bps(&self) -> u32 {
        let bytes: u64 = self.window.iter().map(|(_, bytes)| bytes).sum();
        let time = self.newest.saturating_duration_since(self.began);
        per_second(bytes, time.min(WINDOW))
    }

    /// Packets since the last call, and their bits a second.
    pub(super) fn since_report(&mut self, now: Instant) -> (u32, u32) {
        let time = now.saturating_duration_since(self.reported_at);
        let bps = per_second(self.bytes_since_report, time);
        let packets = std::mem::take(&mut self.packets_since_report);
        (self.bytes_since_report, self.reported_at) = (0, now);
        (packets, bps)
    }
}

fn per_second(bytes: u64, time: Duration) -> u32 {
    let bits = bytes as f64 * 8.0;
    (bits / time.as_secs_f64().max(0.1)) as u32
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    #[test]
    fn the_rate_is_that_of_the_last_two_seconds() {
        let start = Instant::now();
        let mut rate = SentRate::new(start);
        let packet = Packet {
            payload: Bytes::from_static(&[0; 936]),
            ..Packet::default()
        };
        for second in 1..=4 {
            let packets = vec![packet.clone(); if second > 2 { 50 } else { 10 }];
            rate.add(start + Duration::from_secs(second), &packets);
        }
        // The second of them has just fallen out of the window.
        assert_eq!(rate.bps(), (10 + 50 + 50) * 8000 / 2);
        let sent = rate.since_report(start + Duration::from_secs(4));
        assert_eq!(sent, (120, 120 * 8000 / 4));
        assert_eq!(rate.since_report(start + Duration::from_secs(5)), (0, 0));
    }
}
