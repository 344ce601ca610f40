//! What waits to leave to one viewer: a keyframe goes in runs with pauses between them, an ordinary
//! frame at once. Pure.

use std::collections::VecDeque;
use std::ops::Range;
use std::time::{Duration, Instant};

use super::packet_ring::RingFrame;

/// Packets that leave together at most: 19 kB, which the queue of a cheap access point takes.
const RUN_PACKETS: usize = 16;
/// A slow viewer's runs are at least so long: an ordinary frame of the smallest rendition.
const RUN_PACKETS_LEAST: usize = 2;
/// The time that one run of a slow viewer stands for.
const RUN_TIME: Duration = Duration::from_millis(10);
/// A packet on the wire, about.
const PACKET_BYTES: usize = 1200;
/// The pace without a known limit: a keyframe of 60 kB is gone in 25 ms.
const FREE_PACE_BPS: u32 = 20_000_000;
/// The pace under a ceiling: some more, so that a keyframe does not hold up the frames behind it longer
/// than the path itself does.
const PACE_SHARE: f32 = 1.5;
/// Older than this nothing is worth sending to a live picture.
const OLDEST: Duration = Duration::from_millis(700);

/// The frames of one viewer that have not left yet, oldest first.
#[derive(Debug, Default)]
pub(crate) struct SendQueue {
    frames: VecDeque<RingFrame>,
    /// Packets of the first frame that have left.
    left: usize,
    next_at: Option<Instant>,
}

impl SendQueue {
    pub(crate) fn push(&mut self, entry: RingFrame) {
        self.frames.push_back(entry);
    }

    /// What leaves now; to be called until it gives nothing.
    pub(crate) fn run(
        &mut self,
        now: Instant,
        ceiling_bps: Option<u32>,
    ) -> Option<(RingFrame, Range<usize>)> {
        if self.next_at.is_some_and(|at| at > now) {
            return None;
        }
        let entry = self.frames.front()?.clone();
        let pace_bps = ceiling_bps.map_or(FREE_PACE_BPS, |bps| (bps as f32 * PACE_SHARE) as u32);
        let per_run = pace_bps as f64 / 8.0 * RUN_TIME.as_secs_f64() / PACKET_BYTES as f64;
        let most = (per_run as usize).clamp(RUN_PACKETS_LEAST, RUN_PACKETS);
        let packets = entry.frame.payloads.len();
        let range = self.left..(self.left + most).min(packets);
        self.left = range.end;
        if self.left >= packets {
            self.frames.pop_front();
            self.left = 0;
        }
        let bits = (range.len() * PACKET_BYTES * 8) as f64;
        self.next_at = Some(now + Duration::from_secs_f64(bits / f64::from(pace_bps.max(1))));
        Some((entry, range))
    }

    /// When [`Self::run`] has something again.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.next_at.filter(|_| !self.frames.is_empty())
    }

    /// Throws everything away if it is too old, and says how many frames that were.
    ///
    /// overflow: drops-to-keyframe, counted by the caller.
    pub(crate) fn drop_late(&mut self, now: Instant) -> usize {
        let late = self
            .frames
            .front()
            .is_some_and(|entry| now.saturating_duration_since(entry.arrived) > OLDEST);
        if late { self.clear() } else { 0 }
    }

    /// Throws everything away.
    pub(crate) fn clear(&mut self) -> usize {
        self.left = 0;
        self.frames.drain(..).count()
    }
}

#[cfg(test)]
mod tests {
    use super::super::packet_ring::PacketRing;
    use super::super::packet_ring::tests::frame;
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// Runs the queue for a second and gives when how many packets left.
    fn runs(queue: &mut SendQueue, start: Instant, ceiling_bps: Option<u32>) -> Vec<(u32, usize)> {
        let mut runs = Vec::new();
        for ms in 0..1000 {
            while let Some((_, range)) = queue.run(start + ms * MS, ceiling_bps) {
                runs.push((ms, range.len()));
            }
        }
        runs
    }

    #[test]
    fn an_ordinary_frame_leaves_at_once_and_a_keyframe_in_spaced_runs() {
        let (mut ring, start) = (PacketRing::default(), Instant::now());
        let mut queue = SendQueue::default();
        queue.push(ring.push(frame(0, false, 6), start));
        assert_eq!(runs(&mut queue, start, None), [(0, 6)]);
        let later = start + 1000 * MS;
        queue.push(ring.push(frame(1, true, 50), later));
        assert_eq!(
            runs(&mut queue, later, None),
            [(0, 16), (8, 16), (16, 16), (24, 2)]
        );
        assert_eq!(queue.due(), None);
    }

    #[test]
    fn a_slow_viewer_is_sent_little_at_a_time_and_nothing_stale() {
        let (mut ring, start) = (PacketRing::default(), Instant::now());
        let mut queue = SendQueue::default();
        queue.push(ring.push(frame(0, true, 60), start));
        queue.push(ring.push(frame(1, false, 2), start));
        let runs = runs(&mut queue, start, Some(400_000));
        let sent: usize = runs.iter().map(|(_, packets)| packets).sum();
        assert_eq!(sent, 62);
        assert!(runs[29].0 > 800, "600 kbit/s: {runs:?}");
        queue.push(ring.push(frame(2, true, 60), start + 1000 * MS));
        queue
            .run(start + 1000 * MS, Some(400_000))
            .expect("its turn");
        assert_eq!(queue.drop_late(start + 1500 * MS), 0);
        assert_eq!(queue.drop_late(start + 1701 * MS), 1);
        assert_eq!(
            queue.run(start + 3000 * MS, None).map(|(_, range)| range),
            None
        );
    }
}
