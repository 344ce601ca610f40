//! Pacing of one viewer's packets: a keyframe is sent in runs with pauses between them, an ordinary frame
//! at once. Pure.

use std::collections::VecDeque;
use std::ops::Range;
use std::time::{Duration, Instant};

use super::packet_ring::RingFrame;

/// The most packets in a run: 19 kB, which fits the queue of a cheap access point.
const RUN_PACKETS: usize = 16;
/// The fewest packets in a run: an ordinary frame of the smallest rendition.
const RUN_PACKETS_LEAST: usize = 2;
/// A slow viewer's run holds what its pace allows in this time.
const RUN_TIME: Duration = Duration::from_millis(10);
/// The approximate size of a packet on the wire.
const PACKET_BYTES: usize = 1200;
/// The pace without a bandwidth estimate: a keyframe of 60 kB leaves within 25 ms.
const FREE_PACE_BPS: u32 = 20_000_000;
/// The pace in relation to the bandwidth estimate: above it, so that a keyframe delays the frames behind it
/// no longer than the path itself does.
const PACE_SHARE: f32 = 1.5;
/// Frames that waited longer than this are of no use to a live picture.
const LONGEST_WAIT: Duration = Duration::from_millis(700);

/// The frames of one viewer that have not left yet with the time they were queued at, oldest first.
#[derive(Debug, Default)]
pub(crate) struct SendQueue {
    frames: VecDeque<(Instant, RingFrame)>,
    /// Packets of the first frame that have left.
    left: usize,
    next_at: Option<Instant>,
}

impl SendQueue {
    pub(crate) fn push(&mut self, now: Instant, entry: RingFrame) {
        self.frames.push_back((now, entry));
    }

    /// The next run, if it may leave now. Call until it returns `None`.
    pub(crate) fn run(
        &mut self,
        now: Instant,
        estimate_bps: Option<u32>,
    ) -> Option<(RingFrame, Range<usize>)> {
        if self.next_at.is_some_and(|at| at > now) {
            return None;
        }
        let entry = self.frames.front()?.1.clone();
        let pace_bps = estimate_bps.map_or(FREE_PACE_BPS, |bps| (bps as f32 * PACE_SHARE) as u32);
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

    /// When [`Self::run`] returns a run again.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.next_at.filter(|_| !self.frames.is_empty())
    }

    /// Drops all frames if the oldest waited too long; returns how many were dropped.
    ///
    /// overflow: drops-to-keyframe, counted by the caller.
    pub(crate) fn drop_late(&mut self, now: Instant) -> usize {
        let late = self
            .frames
            .front()
            .is_some_and(|(queued, _)| now.saturating_duration_since(*queued) > LONGEST_WAIT);
        if late { self.clear() } else { 0 }
    }

    /// Drops all frames; returns how many.
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

    /// Runs the queue for a second; returns when how many packets left.
    fn runs(queue: &mut SendQueue, start: Instant, estimate_bps: Option<u32>) -> Vec<(u32, usize)> {
        let mut runs = Vec::new();
        for ms in 0..1000 {
            while let Some((_, range)) = queue.run(start + ms * MS, estimate_bps) {
                runs.push((ms, range.len()));
            }
        }
        runs
    }

    #[test]
    fn an_ordinary_frame_leaves_at_once_and_a_keyframe_in_spaced_runs() {
        let (mut ring, start) = (PacketRing::default(), Instant::now());
        let mut queue = SendQueue::default();
        queue.push(start, ring.push(frame(0, false, 6), start));
        assert_eq!(runs(&mut queue, start, None), [(0, 6)]);
        let later = start + 1000 * MS;
        queue.push(later, ring.push(frame(1, true, 50), later));
        assert_eq!(
            runs(&mut queue, later, None),
            [(0, 16), (8, 16), (16, 16), (24, 2)]
        );
        assert_eq!(queue.due(), None);
    }

    #[test]
    fn a_slow_viewer_gets_short_runs_and_no_stale_frames() {
        let (mut ring, start) = (PacketRing::default(), Instant::now());
        let mut queue = SendQueue::default();
        queue.push(start, ring.push(frame(0, true, 60), start));
        queue.push(start, ring.push(frame(1, false, 2), start));
        let runs = runs(&mut queue, start, Some(400_000));
        let sent: usize = runs.iter().map(|(_, packets)| packets).sum();
        assert_eq!(sent, 62);
        assert!(runs[29].0 > 800, "600 kbit/s: {runs:?}");
        let old = ring.push(frame(2, true, 60), start);
        queue.push(start + 1000 * MS, old);
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
