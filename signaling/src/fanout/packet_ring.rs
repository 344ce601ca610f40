//! The recent packets of one rendition, shared by all its viewers: for retransmissions, and for viewers
//! that join, whose picture starts from this cache or with a new keyframe.

#[cfg(test)]
pub(crate) mod tests;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::encode::frame_queue::EncodedFrame;

/// How long a packet can be retransmitted, or replayed to a viewer that joins. Later it is of no use to a
/// live picture.
const KEPT: Duration = Duration::from_secs(2);
/// Bounds the memory at any bitrate.
const BYTES_MAX: usize = 8 << 20;

/// A frame with its position in the rendition's sequence of packets, which never wraps.
#[derive(Debug, Clone)]
pub(crate) struct RingFrame {
    pub(crate) frame: Arc<EncodedFrame>,
    /// Number of the frame's first packet.
    pub(crate) first: u64,
    /// When it reached the engine.
    pub(crate) arrived: Instant,
}

impl RingFrame {
    /// A packet by its place in the frame.
    pub(crate) fn packet(&self, index: usize) -> Option<RingPacket<'_>> {
        Some(RingPacket {
            frame: &self.frame,
            payload: self.frame.payloads.get(index)?,
            marker: index + 1 == self.frame.payloads.len(),
        })
    }
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
    /// Appends a frame and drops frames that are too old.
    pub(crate) fn push(&mut self, frame: Arc<EncodedFrame>, now: Instant) -> RingFrame {
        let entry = RingFrame {
            first: self.next,
            arrived: now,
            frame,
        };
        self.next += entry.frame.payloads.len() as u64;
        self.bytes += entry.frame.bytes;
        self.frames.push_back(entry.clone());
        // overflow: newest-wins, uncounted: these frames were sent already.
        while let Some(oldest) = self.frames.front()
            && self.frames.len() > 1
            && (now.saturating_duration_since(oldest.arrived) > KEPT || self.bytes > BYTES_MAX)
        {
            self.bytes -= oldest.frame.bytes;
            self.frames.pop_front();
        }
        entry
    }

    /// Drops all frames; their packets cannot be sent again. Numbers go on.
    pub(crate) fn clear(&mut self) {
        self.frames.clear();
        self.bytes = 0;
    }

    /// When the newest keyframe arrived, if it and all frames since are still here.
    pub(crate) fn keyframe_at(&self) -> Option<Instant> {
        self.newest_keyframe()
            .map(|index| self.frames[index].arrived)
    }

    /// The newest keyframe and all frames since.
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
        entry.packet(usize::try_from(number - entry.first).ok()?)
    }

    fn newest_keyframe(&self) -> Option<usize> {
        self.frames.iter().rposition(|entry| entry.frame.keyframe)
    }
}

/// How long a keyframe serves viewers that join after it. It bounds what such a viewer is sent at once:
/// half a second of the stream, which is decoded within a few frame times.
pub(crate) const FRESH: Duration = Duration::from_millis(500);
/// A viewer that asked within [`FRESH`] and took long to connect is served from the cache up to this age,
/// so that many slow joins cost no further keyframes.
const HELD: Duration = Duration::from_millis(1200);
/// A viewer with a longer round trip is far away. Paths that are long are often slow, too, and all frames since a
/// keyframe at once would overflow the queue of a slow one.
const FAR: Duration = Duration::from_millis(33);
/// A far viewer starts from a keyframe that is at most as old.
const FRESH_FOR_FAR: Duration = Duration::from_millis(100);

/// Whether a viewer that sent its offer at `offered_at` and is connected at `now` starts with the cached
/// keyframe, which arrived at `keyframe_at`, and all frames since. Otherwise it needs the next keyframe.
pub(crate) fn starts_from_cache(
    offered_at: Instant,
    now: Instant,
    round_trip: Option<Duration>,
    keyframe_at: Option<Instant>,
) -> bool {
    let is_far = round_trip.is_some_and(|round_trip| round_trip > FAR);
    keyframe_at.is_some_and(|keyframe_at| {
        let age = now.saturating_duration_since(keyframe_at);
        let age_when_offered = offered_at.saturating_duration_since(keyframe_at);
        let is_fresh = age <= FRESH || (age_when_offered <= FRESH && age <= HELD);
        is_fresh && (!is_far || age <= FRESH_FOR_FAR)
    })
}

/// Whether a viewer that is about to connect needs a new keyframe, so that one is there when it has
/// connected.
pub(crate) fn join_needs_keyframe(offered_at: Instant, keyframe_at: Option<Instant>) -> bool {
    keyframe_at.is_none_or(|at| offered_at.saturating_duration_since(at) > FRESH)
}
