//! What goes from the compose thread to the media engine, and the bounded queue it goes through.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use bytes::Bytes;

use crate::frame_tap::TapSink;
use crate::rendition::RenditionId;

/// One encoded picture, packetised once for all viewers of its rendition.
#[derive(Debug, Clone)]
pub struct EncodedFrame {
    /// Whose stream this belongs to.
    pub rendition: RenditionId,
    /// An IDR picture with its parameter sets in front: decoding can start here.
    pub keyframe: bool,
    /// [`capture::Frame::seq`] of the picture, or of the last one before a card.
    pub frame_seq: u64,
    /// When the picture was taken; of a card, when it was drawn.
    pub captured_at: Instant,
    /// RTP time at 90 kHz, strictly increasing (modulo 2^32) within a rendition.
    pub rtp_ticks: u32,
    /// RTP payloads of H.264 packetisation mode 1 (RFC 6184) in sending order; the last one ends the
    /// frame (marker bit). Each fits a 1200-byte RTP packet with room for header extensions.
    pub payloads: Vec<Bytes>,
    /// Sum of the payload lengths.
    pub bytes: usize,
}

/// Frames the queue holds: two seconds at 30 fps. The engine takes frames as they come, so more than
/// a handful means that it hangs.
pub const QUEUE_FRAMES: usize = 64;

/// Makes the queue between the compose thread and one thread of the engine.
/// [`FrameSink::add_receiver`] makes more.
#[must_use]
pub fn frame_queue(
    capacity: usize,
    wake: Box<dyn Fn() + Send + Sync>,
) -> (FrameSink, FrameReceiver) {
    let mut sink = FrameSink::new(capacity);
    let receiver = sink.add_receiver(wake);
    (sink, receiver)
}

/// What became of a frame given to [`FrameSink::send`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sent {
    /// Frames thrown away by this call: the one sent, or older ones a keyframe replaced.
    pub dropped: usize,
    /// The rendition is broken for its viewers until its next keyframe: force one.
    pub needs_keyframe: bool,
}

/// The compose thread's end. Never blocks.
pub struct FrameSink {
    lanes: Vec<Lane>,
    capacity: usize,
    taps: Vec<TapSink>,
}

/// The way to one receiver.
struct Lane {
    queue: Arc<Mutex<Queue>>,
    wake: Box<dyn Fn() + Send + Sync>,
}

/// The engine's end.
#[derive(Debug)]
pub struct FrameReceiver {
    queue: Arc<Mutex<Queue>>,
}

#[derive(Debug, Default)]
struct Queue {
    frames: VecDeque<Arc<EncodedFrame>>,
    /// Renditions that lost a frame and wait for a keyframe.
    broken: [bool; RenditionId::LIMIT],
    receiver_gone: bool,
    sender_gone: bool,
}

impl FrameSink {
    /// One without a receiver, each of which holds `capacity` frames at most.
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            lanes: Vec::new(),
            capacity: capacity.max(1),
            taps: Vec::new(),
        }
    }

    /// From now on `tap` sees each frame that is sent, whatever becomes of it in the queue.
    pub fn add_tap(&mut self, tap: TapSink) {
        self.taps.push(tap);
    }

    /// Makes a receiver that gets each frame that is sent from now on. `wake` is called after each
    /// frame that went in, on the sending thread, and must not block.
    #[must_use]
    pub fn add_receiver(&mut self, wake: Box<dyn Fn() + Send + Sync>) -> FrameReceiver {
        let queue = Arc::new(Mutex::new(Queue::default()));
        self.lanes.push(Lane {
            queue: Arc::clone(&queue),
            wake,
        });
        FrameReceiver { queue }
    }

    /// Hands a frame to each thread of the engine.
    ///
    /// overflow: drops-to-keyframe, counted by the caller from [`Sent`]. A full queue refuses the
    /// frame and every further one of its rendition up to a keyframe; the keyframe then replaces what
    /// the queue still holds of that rendition.
    pub fn send(&self, frame: EncodedFrame) -> Sent {
        let frame = Arc::new(frame);
        self.taps.iter().for_each(|tap| tap.offer(&frame));
        let mut all = Sent {
            dropped: 0,
            needs_keyframe: false,
        };
        for lane in &self.lanes {
            let sent = lock(&lane.queue).push(Arc::clone(&frame), self.capacity);
            if !sent.needs_keyframe {
                (lane.wake)();
            }
            all.dropped += sent.dropped;
            all.needs_keyframe |= sent.needs_keyframe;
        }
        all
    }

    /// The engine has ended; nothing sent will be seen.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.lanes
            .iter()
            .all(|lane| lock(&lane.queue).receiver_gone)
    }
}

impl fmt::Debug for FrameSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FrameSink")
            .field("receivers", &self.lanes.len())
            .field("capacity", &self.capacity)
            .finish_non_exhaustive()
    }
}

impl Drop for FrameSink {
    fn drop(&mut self) {
        for lane in &self.lanes {
            lock(&lane.queue).sender_gone = true;
            (lane.wake)();
        }
    }
}

impl FrameReceiver {
    /// The oldest frame, if there is one.
    #[must_use]
    pub fn try_recv(&self) -> Option<Arc<EncodedFrame>> {
        lock(&self.queue).frames.pop_front()
    }

    /// The compose thread has ended and everything it sent was received.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        let queue = lock(&self.queue);
        queue.sender_gone && queue.frames.is_empty()
    }
}

impl Drop for FrameReceiver {
    fn drop(&mut self) {
        let mut queue = lock(&self.queue);
        queue.receiver_gone = true;
        queue.frames.clear();
    }
}

impl Queue {
    fn push(&mut self, frame: Arc<EncodedFrame>, capacity: usize) -> Sent {
        if self.receiver_gone {
            // overflow: counted. There is nobody to make a keyframe for.
            return Sent {
                dropped: 1,
                needs_keyframe: false,
            };
        }
        let index = frame.rendition.index();
        let mut dropped = 0;
        if frame.keyframe && (self.broken[index] || self.frames.len() >= capacity) {
            let before = self.frames.len();
            self.frames
                .retain(|queued| queued.rendition != frame.rendition);
            dropped = before - self.frames.len();
        }
        let refused = self.frames.len() >= capacity || (self.broken[index] && !frame.keyframe);
        self.broken[index] = refused;
        if refused {
            dropped += 1;
        } else {
            self.frames.push_back(frame);
        }
        Sent {
            dropped,
            needs_keyframe: refused,
        }
    }
}

fn lock(queue: &Mutex<Queue>) -> MutexGuard<'_, Queue> {
    queue.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn frame(index: usize, frame_seq: u64, keyframe: bool) -> EncodedFrame {
        EncodedFrame {
            rendition: RenditionId::new(index).expect("in range"),
            keyframe,
            frame_seq,
            captured_at: Instant::now(),
            rtp_ticks: 0,
            payloads: Vec::new(),
            bytes: 0,
        }
    }

    fn drain(receiver: &FrameReceiver) -> Vec<u64> {
        std::iter::from_fn(|| receiver.try_recv())
            .map(|frame| frame.frame_seq)
            .collect()
    }

    #[test]
    fn frames_come_out_in_order_and_each_wakes_the_engine() {
        let woken = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&woken);
        let wake = Box::new(move || {
            counter.fetch_add(1, Ordering::Relaxed);
        });
        let (sink, receiver) = frame_queue(4, wake);
        (0..3).for_each(|seq| {
            let sent = sink.send(frame(0, seq, seq == 0));
            assert_eq!(
                sent,
                Sent {
                    dropped: 0,
                    needs_keyframe: false
                }
            );
        });
        assert_eq!(
            (drain(&receiver), woken.load(Ordering::Relaxed)),
            (vec![0, 1, 2], 3)
        );
        drop(sink);
        assert!(receiver.is_finished());
    }

    #[test]
    fn a_full_queue_drops_up_to_the_next_keyframe() {
        let (sink, receiver) = frame_queue(2, Box::new(|| {}));
        sink.send(frame(0, 0, true));
        sink.send(frame(0, 1, false));
        assert_eq!(
            sink.send(frame(0, 2, false)),
            Sent {
                dropped: 1,
                needs_keyframe: true
            }
        );
        assert!(receiver.try_recv().is_some());
        let still_broken = sink.send(frame(0, 3, false));
        assert_eq!(
            still_broken,
            Sent {
                dropped: 1,
                needs_keyframe: true
            },
            "room, but no reference"
        );
        let mended = sink.send(frame(0, 4, true));
        assert_eq!(
            mended,
            Sent {
                dropped: 1,
                needs_keyframe: false
            },
            "frame 1 was replaced"
        );
        sink.send(frame(0, 5, false));
        assert_eq!(drain(&receiver), [4, 5]);
    }

    #[test]
    fn one_broken_rendition_leaves_the_others_alone() {
        let (sink, receiver) = frame_queue(2, Box::new(|| {}));
        sink.send(frame(1, 10, true));
        sink.send(frame(0, 0, true));
        assert!(sink.send(frame(0, 1, false)).needs_keyframe);
        assert_eq!(drain(&receiver), [10, 0]);
        assert!(!sink.send(frame(1, 11, false)).needs_keyframe);
        assert_eq!(drain(&receiver), [11]);
    }

    #[test]
    fn a_receiver_that_hangs_is_no_trouble_to_the_other() {
        let (mut sink, hanging) = frame_queue(2, Box::new(|| {}));
        let other = sink.add_receiver(Box::new(|| {}));
        let mut got = Vec::new();
        for seq in 0..4 {
            let sent = sink.send(frame(0, seq, seq == 0));
            assert_eq!(sent.needs_keyframe, seq >= 2, "asked for on its behalf");
            got.extend(drain(&other));
        }
        assert_eq!((got, drain(&hanging)), (vec![0, 1, 2, 3], vec![0, 1]));
        drop(hanging);
        assert!(!sink.is_closed());
        drop(other);
        assert!(sink.is_closed());
    }

    #[test]
    fn without_an_engine_frames_vanish_quietly() {
        let (sink, receiver) = frame_queue(2, Box::new(|| {}));
        drop(receiver);
        assert!(sink.is_closed());
        assert_eq!(
            sink.send(frame(0, 0, true)),
            Sent {
                dropped: 1,
                needs_keyframe: false
            }
        );
    }
}
