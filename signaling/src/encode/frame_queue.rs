//! The bounded queues of encoded frames from the compose thread to each engine thread, and to the
//! publishing thread, which takes the renditions that it watches.

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use bytes::Bytes;
use capture::lock;
use capture::trace::TraceContext;
use prometheus_client::metrics::counter::Counter;
use tokio::sync::Notify;

use super::demand::{Demand, StreamLease};
use super::encoder::RenditionId;

/// One encoded picture, packetised once for all viewers of its rendition.
#[derive(Debug, Clone)]
pub struct EncodedFrame {
    /// The rendition that it belongs to.
    pub rendition: RenditionId,
    /// Whether it is an IDR picture with its parameter sets, at which decoding can start.
    pub keyframe: bool,
    /// [`capture::Frame::seq`] of the picture, or of the last one before a card.
    pub frame_seq: u64,
    /// When the picture was captured or the card drawn.
    pub captured_at: Instant,
    /// RTP time at 90 kHz, strictly increasing (modulo 2^32) within a rendition.
    pub rtp_ticks: u32,
    /// RTP payloads of H.264 packetisation mode 1 (RFC 6184) in sending order; the last one ends the
    /// frame (marker bit). Each fits a 1200-byte RTP packet with room for header extensions.
    pub payloads: Vec<Bytes>,
    /// Sum of the payload lengths.
    pub bytes: usize,
    /// The span of the frame, if it is traced.
    pub trace: Option<TraceContext>,
}

/// The capacity of a queue: two seconds at 30 fps. The engine takes frames as they come, so that more than
/// a few mean that it hangs.
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

/// The outcome of [`FrameSink::send`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sent {
    /// Frames that this call dropped: the one sent, or older ones that a keyframe replaced.
    pub dropped: usize,
    /// The rendition cannot be decoded before its next keyframe: force one.
    pub needs_keyframe: bool,
}

/// The compose thread's end. Never blocks.
pub struct FrameSink {
    lanes: Vec<Lane>,
    capacity: usize,
}

/// The queue of one receiver.
struct Lane {
    queue: Arc<Mutex<Queue>>,
    wake: Box<dyn Fn() + Send + Sync>,
    /// A tap has a counter of its own for dropped frames.
    tap: Option<Counter>,
}

/// The end of one engine thread.
#[derive(Debug)]
pub struct FrameReceiver {
    queue: Arc<Mutex<Queue>>,
}

/// The end of a consumer that forwards renditions elsewhere. It shares the encoders with the viewers of those
/// renditions.
#[derive(Debug)]
pub struct FrameTap {
    queue: Arc<Mutex<Queue>>,
    ready: Arc<Notify>,
    demand: Arc<Demand>,
}

impl FrameReceiver {
    /// Drops all queued frames; each rendition goes on at its next keyframe.
    ///
    /// overflow: drops-to-keyframe, uncounted: they must not be shown any more.
    pub(crate) fn clear(&self) {
        let mut queue = lock(&self.queue);
        queue.frames.clear();
        queue.awaits_keyframe = [true; RenditionId::LIMIT];
    }
}

/// A tap that receives frames. Counts as one viewer of each rendition that it watches, until it is dropped.
#[derive(Debug)]
pub struct OpenTap<'a> {
    tap: &'a mut FrameTap,
    leases: [Option<StreamLease>; RenditionId::LIMIT],
}

#[derive(Debug)]
struct Queue {
    frames: VecDeque<Arc<EncodedFrame>>,
    capacity: usize,
    /// Renditions that need a keyframe next: a frame was dropped, or none has been sent yet.
    awaits_keyframe: [bool; RenditionId::LIMIT],
    /// Renditions whose frames are taken.
    watched: [bool; RenditionId::LIMIT],
    /// Whether somebody receives.
    open: bool,
    sender_gone: bool,
}

impl FrameSink {
    /// A sink without receivers. The queue of each receiver holds at most `capacity` frames.
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            lanes: Vec::new(),
            capacity,
        }
    }

    /// Adds a receiver that gets each frame that is sent from now on. `wake` is called on the sending thread
    /// after each queued frame, and must not block.
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

    /// Adds a tap, closed at first. Its queue holds at most `capacity` frames; `dropped` counts frames that were
    /// dropped while it was open.
    #[must_use]
    pub fn add_tap(&mut self, demand: Arc<Demand>, capacity: usize, dropped: Counter) -> FrameTap {
        let queue = Queue::new(capacity, false);
        let ready = Arc::new(Notify::new());
        let notified = Arc::clone(&ready);
        self.lanes.push(Lane {
            queue: Arc::clone(&queue),
            wake: Box::new(move || notified.notify_one()),
            tap: Some(dropped),
        });
        FrameTap {
            queue,
            ready,
            demand,
        }
    }

    /// Queues a frame for each receiver.
    ///
    /// overflow: drops-to-keyframe, counted by the caller from [`Sent`], or by the tap. A full queue drops
    /// the frame and all further ones of its rendition up to a keyframe, which then replaces the queued
    /// frames of that rendition.
    pub fn send(&self, frame: EncodedFrame) -> Sent {
        let frame = Arc::new(frame);
        let mut all = Sent {
            dropped: 0,
            needs_keyframe: false,
        };
        for lane in &self.lanes {
            let sent = lock(&lane.queue).push(&frame);
            match (sent, &lane.tap) {
                (Some(sent), tap) => {
                    if !sent.needs_keyframe {
                        (lane.wake)();
                    }
                    all.needs_keyframe |= sent.needs_keyframe;
                    match tap {
                        Some(dropped) => _ = dropped.inc_by(sent.dropped as u64),
                        None => all.dropped += sent.dropped,
                    }
                }
                // overflow: counted. The engine has ended; no viewer needs a keyframe.
                (None, None) => all.dropped += 1,
                (None, Some(_)) => {}
            }
        }
        all
    }

    /// Whether the engine has ended, so that no viewer gets what is sent.
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
    /// The oldest queued frame.
    #[must_use]
    pub fn try_recv(&self) -> Option<Arc<EncodedFrame>> {
        lock(&self.queue).frames.pop_front()
    }

    /// Whether the compose thread has ended and all its frames were received.
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
    /// Starts to receive; [`OpenTap::watch`] says what.
    pub fn open(&mut self) -> OpenTap<'_> {
        {
            let mut queue = lock(&self.queue);
            queue.open = true;
            queue.watched = [false; RenditionId::LIMIT];
        }
        OpenTap {
            tap: self,
            leases: Default::default(),
        }
    }
}

impl OpenTap<'_> {
    /// Receives the frames of these renditions from now on, and no others. One that is new begins with a keyframe,
    /// which is requested.
    pub fn watch(&mut self, renditions: &[RenditionId]) {
        let ids = (0..RenditionId::LIMIT).filter_map(RenditionId::new);
        for id in ids {
            let lease = &mut self.leases[id.index()];
            let (before, now) = (lease.is_some(), renditions.contains(&id));
            if before == now {
                continue;
            }
            {
                let mut queue = lock(&self.tap.queue);
                queue.watched[id.index()] = now;
                queue.awaits_keyframe[id.index()] = now;
                queue.frames.retain(|frame| now || frame.rendition != id);
            }
            *lease = now.then(|| self.tap.demand.watch_stream(id));
            if now {
                self.tap.demand.request_keyframe(id);
            }
        }
    }

    /// The next frame. The first one of a rendition, and the first one after dropped frames, is a keyframe. `None`:
    /// no more will come. Cancel safe: dropping the future loses no frame.
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
            watched: [true; RenditionId::LIMIT],
            open,
            sender_gone: false,
        }))
    }

    /// `None`: nobody receives it.
    fn push(&mut self, frame: &Arc<EncodedFrame>) -> Option<Sent> {
        if !self.open || !self.watched[frame.rendition.index()] {
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
