//! The last moments of one rendition: shared by all its viewers, for joins and retransmissions.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::encoded::EncodedFrame;

/// How long a packet can be asked for again or replayed to a joiner. A retransmission later than
/// this is no use to a live picture.
const KEPT: Duration = Duration::from_secs(2);
/// Bound on memory, whatever the bitrate.
const BYTES_MAX: usize = 8 << 20;

/// A frame with its place in the rendition's endless sequence of packets.
#[derive(Debug, Clone)]
pub(crate) struct RingFrame {
    pub(crate) frame: Arc<EncodedFrame>,
    /// Number of the frame's first packet.
    pub(crate) first: u64,
    /// When it reached the engine.
    pub(crate) arrived: Instant,
}

/// One packet of a [`RingFrame`].
#[derive(Debug)]
pub(crate) struct RingPacket<'a> {
    pub(crate) frame: &'a EncodedFrame,
    pub(crate) payload: &'a Bytes,
    /// The last of its frame.
    pub(crate) marker: bool,
}

/// Recent frames, oldest first.
#[derive(Debug, Default)]
pub(crate) struct PacketRing {
    frames: VecDeque<RingFrame>,
    next: u64,
    bytes: usize,
}

impl PacketRing {
    /// Appends a frame and forgets what is too old.
    pub(crate) fn push(&mut self, frame: Arc<EncodedFrame>, now: Instant) -> RingFrame {
        let entry = RingFrame {
            first: self.next,
            arrived: now,
            frame,
        };
        self.next += entry.frame.payloads.len() as u64;
        self.bytes += entry.frame.bytes;
        self.frames.push_back(entry.clone());
        // overflow: newest-wins, uncounted: nobody waits for what falls out here.
        while let Some(oldest) = self.frames.front()
            && self.frames.len() > 1
            && (now.saturating_duration_since(oldest.arrived) > KEPT || self.bytes > BYTES_MAX)
        {
            self.bytes -= oldest.frame.bytes;
            self.frames.pop_front();
        }
        entry
    }

    /// When the newest keyframe arrived, if it and all since are still here.
    pub(crate) fn keyframe_at(&self) -> Option<Instant> {
        self.newest_keyframe()
            .map(|index| self.frames[index].arrived)
    }

    /// The newest keyframe and everything since.
    pub(crate) fn since_keyframe(&self) -> impl Iterator<Item = &RingFrame> {
        let from = self.newest_keyframe().unwrap_or(self.frames.len());
        self.frames.range(from..)
    }

    /// The newest frame.
    pub(crate) fn newest(&self) -> Option<&RingFrame> {
        self.frames.back()
    }

    /// A packet by its number.
    pub(crate) fn packet(&self, number: u64) -> Option<RingPacket<'_>> {
        let after = self.frames.partition_point(|entry| entry.first <= number);
        let entry = self.frames.get(after.checked_sub(1)?)?;
        let index = usize::try_from(number - entry.first).ok()?;
        let payload = entry.frame.payloads.get(index)?;
        Some(RingPacket {
            frame: &entry.frame,
            payload,
            marker: index + 1 == entry.frame.payloads.len(),
        })
    }

    fn newest_keyframe(&self) -> Option<usize> {
        self.frames.iter().rposition(|entry| entry.frame.keyframe)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::rendition::RenditionId;

    /// A frame of `packets` packets whose payloads begin with the frame's number.
    pub(crate) fn frame(seq: u64, keyframe: bool, packets: usize) -> Arc<EncodedFrame> {
        frame_of(RenditionId::MAIN, seq, keyframe, packets)
    }

    pub(crate) fn frame_of(
        rendition: RenditionId,
        seq: u64,
        keyframe: bool,
        packets: usize,
    ) -> Arc<EncodedFrame> {
        let payloads: Vec<Bytes> = (0..packets)
            .map(|index| {
                let number = u8::try_from(seq % 256).expect("under 256");
                let mut bytes = vec![number, u8::try_from(index).expect("few packets")];
                bytes.resize(if index + 1 == packets { 60 } else { 100 }, 7);
                Bytes::from(bytes)
            })
            .collect();
        Arc::new(EncodedFrame {
            rendition,
            keyframe,
            frame_seq: seq,
            captured_at: Instant::now(),
            rtp_ticks: u32::try_from(seq * 3000).expect("small"),
            bytes: payloads.iter().map(Bytes::len).sum(),
            payloads,
        })
    }

    #[test]
    fn packets_are_found_by_number() {
        let (mut ring, now) = (PacketRing::default(), Instant::now());
        ring.push(frame(0, true, 3), now);
        ring.push(frame(1, false, 1), now);
        let last = ring.push(frame(2, false, 2), now);
        assert_eq!(last.first, 4);
        let found: Vec<(u8, u8, bool)> = (0..6)
            .map(|number| {
                let packet = ring.packet(number).expect("still there");
                (packet.payload[0], packet.payload[1], packet.marker)
            })
            .collect();
        let expected = [
            (0, 0, false),
            (0, 1, false),
            (0, 2, true),
            (1, 0, true),
            (2, 0, false),
            (2, 1, true),
        ];
        assert_eq!(found, expected);
        assert!(ring.packet(6).is_none());
    }

    #[test]
    fn old_frames_go_and_the_replay_starts_at_the_newest_keyframe() {
        let (mut ring, start) = (PacketRing::default(), Instant::now());
        let at = |index: u64| start + Duration::from_millis(33 * index);
        (0..100).for_each(|index| {
            ring.push(frame(index, index == 0 || index == 80, 2), at(index));
        });
        assert!(ring.packet(0).is_none(), "3.3 s old");
        assert_eq!(ring.keyframe_at(), Some(at(80)));
        let replay: Vec<u64> = ring.since_keyframe().map(|f| f.frame.frame_seq).collect();
        assert_eq!(replay, (80..100).collect::<Vec<_>>());
        (100..160).for_each(|index| {
            ring.push(frame(index, false, 2), at(index));
        });
        assert_eq!(ring.keyframe_at(), None, "the keyframe itself is gone");
        assert_eq!(ring.since_keyframe().count(), 0);
    }
}
