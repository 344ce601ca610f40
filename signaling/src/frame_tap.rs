//! A second receiver of one rendition's encoded frames, beside the engine, for whoever carries them
//! elsewhere. Nothing is encoded for it that a viewer of the same rendition would not share.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use prometheus_client::metrics::counter::Counter;
use tokio::sync::Notify;

use crate::demand::{Demand, StreamLease};
use crate::encoded::EncodedFrame;
use crate::rendition::RenditionId;

/// Makes a tap of at most `capacity` waiting frames. Give its sink to
/// [`crate::FrameSink::add_tap`]. `dropped` counts the frames that an open tap did not pass on.
#[must_use]
pub fn frame_tap(
    demand: Arc<Demand>,
    rendition: RenditionId,
    capacity: usize,
    dropped: Counter,
) -> (TapSink, FrameTap) {
    let shared = Arc::new(Shared {
        queue: Mutex::default(),
        ready: Notify::new(),
        demand,
        rendition,
    });
    let sink = TapSink {
        shared: Arc::clone(&shared),
        capacity: capacity.max(1),
        dropped,
    };
    (sink, FrameTap { shared })
}

/// The end that frames are offered to. Never blocks.
#[derive(Debug)]
pub struct TapSink {
    shared: Arc<Shared>,
    capacity: usize,
    dropped: Counter,
}

/// The end that frames come out of, while it is open.
#[derive(Debug)]
pub struct FrameTap {
    shared: Arc<Shared>,
}

/// Counts as one viewer of the rendition until it is dropped.
#[derive(Debug)]
pub struct OpenTap<'a> {
    tap: &'a mut FrameTap,
    _lease: StreamLease,
}

#[derive(Debug)]
struct Shared {
    queue: Mutex<Queue>,
    ready: Notify,
    demand: Arc<Demand>,
    rendition: RenditionId,
}

#[derive(Debug, Default)]
struct Queue {
    frames: VecDeque<Arc<EncodedFrame>>,
    open: bool,
    /// Just opened, or a frame was lost: only a keyframe makes sense next.
    awaits_keyframe: bool,
    sink_gone: bool,
}

/// What became of a frame.
#[derive(Debug, PartialEq, Eq)]
struct Pushed {
    taken: bool,
    dropped: usize,
    needs_keyframe: bool,
}

impl TapSink {
    pub(crate) fn offer(&self, frame: &Arc<EncodedFrame>) {
        if frame.rendition != self.shared.rendition {
            return;
        }
        let pushed = lock(&self.shared.queue).push(frame, self.capacity);
        self.dropped.inc_by(pushed.dropped as u64);
        if pushed.taken {
            self.shared.ready.notify_one();
        }
        if pushed.needs_keyframe {
            self.shared.demand.request_keyframe(self.shared.rendition);
        }
    }
}

impl Drop for TapSink {
    fn drop(&mut self) {
        lock(&self.shared.queue).sink_gone = true;
        self.shared.ready.notify_one();
    }
}

impl FrameTap {
    /// Begins to receive, with a keyframe that is asked for.
    pub fn open(&mut self) -> OpenTap<'_> {
        {
            let mut queue = lock(&self.shared.queue);
            (queue.open, queue.awaits_keyframe) = (true, true);
        }
        let Shared {
            demand, rendition, ..
        } = &*self.shared;
        let lease = demand.watch_stream(*rendition);
        demand.request_keyframe(*rendition);
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
        let shared = &self.tap.shared;
        loop {
            {
                let mut queue = lock(&shared.queue);
                if let Some(frame) = queue.frames.pop_front() {
                    return Some(frame);
                }
                if queue.sink_gone {
                    return None;
                }
            }
            shared.ready.notified().await;
        }
    }
}

impl Drop for OpenTap<'_> {
    fn drop(&mut self) {
        let mut queue = lock(&self.tap.shared.queue);
        queue.open = false;
        queue.frames.clear();
    }
}

impl Queue {
    // overflow: drops-to-keyframe, counted. A full queue refuses the frame and all further ones up to
    // a keyframe, which then replaces what still waits.
    fn push(&mut self, frame: &Arc<EncodedFrame>, capacity: usize) -> Pushed {
        let mut pushed = Pushed {
            taken: false,
            dropped: 0,
            needs_keyframe: false,
        };
        if !self.open {
            return pushed;
        }
        let full = self.frames.len() >= capacity;
        if frame.keyframe && (full || self.awaits_keyframe) {
            pushed.dropped = self.frames.len();
            self.frames.clear();
        } else if full || self.awaits_keyframe {
            pushed.dropped = 1;
            // Once for each gap: the request stands until it is answered.
            pushed.needs_keyframe = !self.awaits_keyframe;
            self.awaits_keyframe = true;
            return pushed;
        }
        self.awaits_keyframe = false;
        self.frames.push_back(Arc::clone(frame));
        pushed.taken = true;
        pushed
    }
}

fn lock(queue: &Mutex<Queue>) -> MutexGuard<'_, Queue> {
    queue.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Poll, Waker};
    use std::time::Instant;

    use super::*;

    fn frame(frame_seq: u64, keyframe: bool) -> Arc<EncodedFrame> {
        Arc::new(EncodedFrame {
            rendition: RenditionId::MAIN,
            keyframe,
            frame_seq,
            captured_at: Instant::now(),
            rtp_ticks: 0,
            payloads: Vec::new(),
            bytes: 0,
        })
    }

    fn tap(capacity: usize) -> (TapSink, FrameTap, Arc<Demand>, Counter) {
        let (demand, dropped) = (Demand::new(), Counter::default());
        let (sink, tap) = frame_tap(
            Arc::clone(&demand),
            RenditionId::MAIN,
            capacity,
            dropped.clone(),
        );
        (sink, tap, demand, dropped)
    }

    /// What is there now.
    fn drain(open: &mut OpenTap<'_>) -> Vec<u64> {
        let mut context = Context::from_waker(Waker::noop());
        std::iter::from_fn(|| match std::pin::pin!(open.next()).poll(&mut context) {
            Poll::Ready(frame) => frame,
            Poll::Pending => None,
        })
        .map(|frame| frame.frame_seq)
        .collect()
    }

    #[test]
    fn a_shut_tap_takes_nothing_and_watches_nothing() {
        let (sink, mut tap, demand, dropped) = tap(4);
        sink.offer(&frame(0, true));
        assert!(!demand.somebody_watches());
        let mut open = tap.open();
        assert!(drain(&mut open).is_empty());
        assert_eq!(demand.viewers(RenditionId::MAIN), 1);
        assert!(demand.take_keyframe_request(RenditionId::MAIN));
        drop(open);
        assert!(!demand.somebody_watches() && dropped.get() == 0);
    }

    #[test]
    fn it_begins_with_a_keyframe() {
        let (sink, mut tap, _, dropped) = tap(4);
        let mut open = tap.open();
        (0..5).for_each(|seq| sink.offer(&frame(seq, seq == 2)));
        assert_eq!((drain(&mut open), dropped.get()), (vec![2, 3, 4], 2));
        drop(sink);
        let mut context = Context::from_waker(Waker::noop());
        let end = std::pin::pin!(open.next()).poll(&mut context);
        assert!(matches!(end, Poll::Ready(None)));
    }

    #[test]
    fn a_full_one_drops_to_the_next_keyframe_and_asks_for_it_once() {
        let (sink, mut tap, demand, dropped) = tap(2);
        let mut open = tap.open();
        demand.take_keyframe_request(RenditionId::MAIN);
        (0..3).for_each(|seq| sink.offer(&frame(seq, seq == 0)));
        assert!(demand.take_keyframe_request(RenditionId::MAIN));
        sink.offer(&frame(3, false));
        assert!(
            !demand.take_keyframe_request(RenditionId::MAIN),
            "asked already"
        );
        sink.offer(&frame(4, true));
        sink.offer(&frame(5, false));
        assert_eq!(drain(&mut open), [4, 5]);
        assert_eq!(dropped.get(), 4, "2 and 3 refused, 0 and 1 replaced");
    }

    #[test]
    fn other_renditions_pass_by() {
        let (sink, mut tap, _, dropped) = tap(2);
        let mut open = tap.open();
        let mut other = (*frame(0, true)).clone();
        other.rendition = RenditionId::new(1).expect("in range");
        sink.offer(&Arc::new(other));
        assert!(drain(&mut open).is_empty() && dropped.get() == 0);
    }
}
