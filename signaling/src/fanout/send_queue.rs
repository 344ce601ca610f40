//! Pacing of one viewer's packets: a keyframe is sent in runs with pauses between them, an ordinary frame
//! at once. Where the path's capacity is known, packets leave as it has room for them. Pure.

use std::collections::VecDeque;
use std::ops::Range;
use std::time::{Duration, Instant};

use super::packet_ring::RingFrame;
use crate::congestion::SendRoom;

/// The most packets in a run: 19 kB, which fits the queue of a cheap access point.
const RUN_PACKETS: usize = 16;
/// The approximate size of a packet on the wire.
const PACKET_BYTES: usize = 1200;
/// The pace without a bandwidth estimate: a keyframe of 60 kB leaves within 25 ms.
const FREE_PACE_BPS: u32 = 20_000_000;
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
        room: SendRoom,
    ) -> Option<(RingFrame, Range<usize>)> {
        let entry = self.frames.front()?.1.clone();
        let most = match room {
            SendRoom::Free if self.next_at.is_some_and(|at| at > now) => return None,
            SendRoom::Free => RUN_PACKETS,
            SendRoom::Bytes(bytes) => bytes.div_ceil(PACKET_BYTES).min(RUN_PACKETS),
            SendRoom::Full(until) => {
                self.next_at = Some(until);
                return None;
            }
        };
        let packets = entry.frame.payloads.len();
        let range = self.left..(self.left + most).min(packets);
        self.left = range.end;
        if self.left >= packets {
            self.frames.pop_front();
            self.left = 0;
        }
        let bits = (range.len() * PACKET_BYTES * 8) as f64;
        self.next_at = Some(now + Duration::from_secs_f64(bits / f64::from(FREE_PACE_BPS)));
        Some((entry, range))
    }

    /// When [`Self::run`] returns a run again.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.next_at.filter(|_| !self.frames.is_empty())
    }

    /// How long the oldest frame has waited.
    pub(crate) fn waits(&self, now: Instant) -> Duration {
        let queued = self.frames.front().map_or(now, |(queued, _)| *queued);
        now.saturating_duration_since(queued)
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
    fn runs(queue: &mut SendQueue, start: Instant) -> Vec<(u32, usize)> {
        let mut runs = Vec::new();
        for ms in 0..1000 {
            while let Some((_, range)) = queue.run(start + ms * MS, SendRoom::Free) {
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
        assert_eq!(runs(&mut queue, start), [(0, 6)]);
        let later = start + 1000 * MS;
        queue.push(later, ring.push(frame(1, true, 50), later));
        assert_eq!(
            runs(&mut queue, later),
            [(0, 16), (8, 16), (16, 16), (24, 2)]
        );
        assert_eq!(queue.due(), None);
    }

    #[test]
    fn a_slow_viewer_gets_what_its_path_has_room_for() {
        let (mut ring, start) = (PacketRing::default(), Instant::now());
        let mut queue = SendQueue::default();
        queue.push(start, ring.push(frame(0, true, 60), start));
        let taken = |queue: &mut SendQueue, ms: u32, room| {
            queue.run(start + ms * MS, room).map(|(_, range)| range)
        };
        assert_eq!(taken(&mut queue, 0, SendRoom::Bytes(3000)), Some(0..3));
        assert_eq!(taken(&mut queue, 0, SendRoom::Full(start + 90 * MS)), None);
        assert_eq!(queue.due(), Some(start + 90 * MS));
        assert_eq!(
            taken(&mut queue, 30, SendRoom::Bytes(1)),
            Some(3..4),
            "room came earlier"
        );
    }

    #[test]
    fn frames_that_waited_too_long_are_dropped() {
        let (mut ring, start) = (PacketRing::default(), Instant::now());
        let mut queue = SendQueue::default();
        queue.push(start, ring.push(frame(0, true, 60), start));
        assert_eq!(queue.drop_late(start + 700 * MS), 0);
        assert_eq!(queue.drop_late(start + 701 * MS), 1);
        assert_eq!(
            queue
                .run(start + 3000 * MS, SendRoom::Free)
                .map(|run| run.1),
            None
        );
    }
}
