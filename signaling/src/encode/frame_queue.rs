//! Encoded frames on their way from the compose thread to whoever sends them: the engine's threads, and
//! whoever carries one rendition elsewhere. One bounded queue for each.

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use prometheus_client::metrics::counter::Counter;
use tokio::sync::Notify;

use super::demand::{Demand, StreamLease};
use super::encoder::RenditionId;

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
}

/// The way to one receiver.
struct Lane {
    queue: Arc<Mutex<Queue>>,
    wake: Box<dyn Fn() + Send + Sync>,
    /// Only frames of this rendition go there, and those that an open tap does not get are counted apart.
    tap: Option<(RenditionId, Counter)>,
}

/// The end of one thread of the engine.
#[derive(Debug)]
pub struct FrameReceiver {
    queue: Arc<Mutex<Queue>>,
}

/// The end of whoever carries one rendition elsewhere. Nothing is encoded for it that a viewer of the
/// same rendition would not share.
#[derive(Debug)]
pub struct FrameTap {
    queue: Arc<Mutex<Queue>>,
    ready: Arc<Notify>,
    demand: Arc<Demand>,
    rendition: RenditionId,
}

/// A tap that frames come out of. Counts as one viewer of the rendition until it is dropped.
#[derive(Debug)]
pub struct OpenTap<'a> {
    tap: &'a mut FrameTap,
    _lease: StreamLease,
}

#[derive(Debug)]
struct Queue {
    frames: VecDeque<Arc<EncodedFrame>>,
    capacity: usize,
    /// Renditions of which only a keyframe makes sense next: a frame was lost, or none was seen yet.
    awaits_keyframe: [bool; RenditionId::LIMIT],
    /// Somebody receives.
    open: bool,
    sender_gone: bool,
}

impl FrameSink {
    /// One without a receiver, each of which holds `capacity` frames at most.
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            lanes: Vec::new(),
            capacity,
        }
    }

    /// Makes a receiver that gets each frame that is sent from now on. `wake` is called after each
    /// frame that went in, on the sending thread, and must not block.
    #[must_use]
    pub fn add_receiver(&mut self, wake: Box<dyn Fn() + Send + Sync>) -> FrameReceiver {
        let queue = Queue::new(self.capacity, true);
        self.lanes.push(Lane {
            queue: Arc::clone(&queue),
            wake,
            tap: None,
        });
        FrameReceiver { queue }
    }

    /// Makes a tap, closed as yet, for the frames of one rendition, of which `capacity` wait at most.
    /// `dropped` counts those that it did not pass on while it was open.
    #[must_use]
    pub fn add_tap(
        &mut self,
        demand: Arc<Demand>,
        rendition: RenditionId,
        capacity: usize,
        dropped: Counter,
    ) -> FrameTap {
        let queue = Queue::new(capacity, false);
        let ready = Arc::new(Notify::new());
        let notified = Arc::clone(&ready);
        self.lanes.push(Lane {
            queue: Arc::clone(&queue),
            wake: Box::new(move || notified.notify_one()),
            tap: Some((rendition, dropped)),
        });
        FrameTap {
            queue,
            ready,
            demand,
            rendition,
        }
    }

    /// Hands a frame to each receiver.
    ///
    /// overflow: drops-to-keyframe, counted by the caller from [`Sent`], or by the tap. A full queue
    /// refuses the frame and every further one of its rendition up to a keyframe; the keyframe then
    /// replaces what the queue still holds of that rendition.
    pub fn send(&self, frame: EncodedFrame) -> Sent {
        let frame = Arc::new(frame);
        let mut all = Sent {
            dropped: 0,
            needs_keyframe: false,
        };
        for lane in &self.lanes {
            let sent = match &lane.tap {
                Some((rendition, _)) if *rendition != frame.rendition => continue,
                _ => lock(&lane.queue).push(&frame),
            };
            match (sent, &lane.tap) {
                (Some(sent), tap) => {
                    if !sent.needs_keyframe {
                        (lane.wake)();
                    }
                    all.needs_keyframe |= sent.needs_keyframe;
                    match tap {
                        Some((_, dropped)) => _ = dropped.inc_by(sent.dropped as u64),
                        None => all.dropped += sent.dropped,
                    }
                }
                // overflow: counted. The engine has ended; there is nobody to make a keyframe for.
                (None, None) => all.dropped += 1,
                (None, Some(_)) => {}
            }
        }
        all
    }

    /// The engine has ended; nothing sent will be seen by a viewer.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        let engine = self.lanes.iter().filter(|lane| lane.tap.is_none());
        engine.into_iter().all(|lane| !lock(&lane.queue).open)
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
        lock(&self.queue).close();
    }
}

impl FrameTap {
    /// Begins to receive, with a keyframe that is asked for.
    pub fn open(&mut self) -> OpenTap<'_> {
        {
            let mut queue = lock(&self.queue);
            queue.open = true;
            queue.awaits_keyframe[self.rendition.index()] = true;
        }
        let lease = self.demand.watch_stream(self.rendition);
        self.demand.request_keyframe(self.rendition);
        OpenTap {
            tap: self,
            _lease: lease,
        }
    }
}

impl OpenTap<'_> {
    /// The next frame. The first one, and the first after frames were dropped, is a keyframe.
    /// `None`: no more will come. May be abandoned at any time without losing a frame.
    pub async fn next(&mut self) -> Option<Arc<EncodedFrame>> {
        loop {
            {
                let mut queue = lock(&self.tap.queue);
                if let Some(frame) = queue.frames.pop_front() {
                    return Some(frame);
                }
                if queue.sender_gone {
                    return None;
                }
            }
            self.tap.ready.notified().await;
        }
    }
}

impl Drop for OpenTap<'_> {
    fn drop(&mut self) {
        lock(&self.tap.queue).close();
    }
}

impl Queue {
    fn new(capacity: usize, open: bool) -> Arc<Mutex<Self>> {
        Arc::new(Mutex::new(Self {
            frames: VecDeque::new(),
            capacity: capacity.max(1),
            awaits_keyframe: [false; RenditionId::LIMIT],
            open,
            sender_gone: false,
        }))
    }

    /// `None`: nobody receives.
    fn push(&mut self, frame: &Arc<EncodedFrame>) -> Option<Sent> {
        if !self.open {
            return None;
        }
        let awaits_keyframe = &mut self.awaits_keyframe[frame.rendition.index()];
        let mut dropped = 0;
        if frame.keyframe && (*awaits_keyframe || self.frames.len() >= self.capacity) {
            let before = self.frames.len();
            self.frames
                .retain(|queued| queued.rendition != frame.rendition);
            dropped = before - self.frames.len();
        }
        let refused = self.frames.len() >= self.capacity || (*awaits_keyframe && !frame.keyframe);
        *awaits_keyframe = refused;
        if refused {
            dropped += 1;
        } else {
            self.frames.push_back(Arc::clone(frame));
        }
        Some(Sent {
            dropped,
            needs_keyframe: refused,
        })
    }

    fn close(&mut self) {
        self.open = false;
        self.frames.clear();
    }
}

fn lock(queue: &Mutex<Queue>) -> MutexGuard<'_, Queue> {
    queue.lock().unwrap_or_else(PoisonError::into_inner)
}
