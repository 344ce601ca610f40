//! The compose thread with its inputs and outputs under a test's control.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use capture::{Frame, I420, Next, PicturePool, Signal, Slot, SlotReader, WallClock};
use signaling::{
    ComposeConfig, ComposeHandle, ComposeMetrics, ComposeParts, Composed, Demand, EncodedFrame,
    FrameReceiver, FrameSink, Painter, compose, frame_queue,
};

use crate::clip::sliding;
use crate::timing::HANG_TIMEOUT;

/// Minimum distance of capture times: at most 30 frames a second, as the rendition is configured.
const FRAME_INTERVAL: Duration = Duration::from_millis(34);
/// Long enough that a source without a stall never shows a card on a busy machine.
const NEVER_STALE: Duration = Duration::from_secs(3600);

/// Counts of the fake painter, and whether it shall fail.
#[derive(Debug, Default)]
pub(crate) struct Painted {
    frames: AtomicUsize,
    cards: AtomicUsize,
    pub(crate) panic: AtomicBool,
}

struct FakePainter(Arc<Painted>);

impl Painter for FakePainter {
    fn paint(&mut self, picture: &mut I420, _frame: &Frame) {
        self.0.frames.fetch_add(1, Ordering::Relaxed);
        assert!(
            !self.0.panic.load(Ordering::Relaxed),
            "injected painter failure"
        );
        picture.planes_mut().y[..16].fill(235);
    }

    fn card(&mut self, picture: &mut I420, _signal: &Signal, _now: Instant) {
        self.0.cards.fetch_add(1, Ordering::Relaxed);
        picture.fill(40, 128, 128);
    }
}

/// A compose thread under test.
pub(crate) struct Rig {
    pub(crate) frames: Arc<Slot<Frame>>,
    pub(crate) signal: Arc<Slot<Signal>>,
    pub(crate) demand: Arc<Demand>,
    pub(crate) composed: SlotReader<Composed>,
    pub(crate) engine: FrameReceiver,
    woken: Receiver<()>,
    pub(crate) painted: Arc<Painted>,
    pub(crate) metrics: Arc<ComposeMetrics>,
    pool: PicturePool,
    seq: u64,
    captured_at: Option<Instant>,
    _handle: ComposeHandle,
}

impl Rig {
    pub(crate) fn new() -> Self {
        Self::with(ComposeConfig::new(WallClock::start()), 64)
    }

    pub(crate) fn with(config: ComposeConfig, queue_frames: usize) -> Self {
        Self::tapped(config, queue_frames, |_, _| {})
    }

    /// `tap` gets the sink before the compose thread does.
    pub(crate) fn tapped(
        config: ComposeConfig,
        queue_frames: usize,
        tap: impl FnOnce(&mut FrameSink, &Arc<Demand>),
    ) -> Self {
        let (tell, woken) = channel();
        let wake = Box::new(move || {
            let _gone_with_the_rig = tell.send(());
        });
        let (mut sink, engine) = frame_queue(queue_frames, wake);
        let (frames, signal, composed) = (Slot::new(), Slot::new(), Slot::<Composed>::new());
        let (demand, painted) = (Demand::new(), Arc::new(Painted::default()));
        tap(&mut sink, &demand);
        let metrics = Arc::new(ComposeMetrics::default());
        let parts = ComposeParts {
            frames: Arc::clone(&frames),
            signal: Arc::clone(&signal),
            painter: Box::new(FakePainter(Arc::clone(&painted))),
            demand: Arc::clone(&demand),
            composed: Arc::clone(&composed),
            sink,
            config,
            metrics: Arc::clone(&metrics),
        };
        let handle = compose::spawn(parts).expect("a thread starts");
        let (composed, pool) = (composed.reader(), PicturePool::new(4));
        Self {
            frames,
            signal,
            demand,
            composed,
            engine,
            woken,
            painted,
            metrics,
            pool,
            seq: 0,
            captured_at: None,
            _handle: handle,
        }
    }

    pub(crate) fn publish(&mut self, width: u32, height: u32) {
        // The first frame is captured now.
        let captured_at = self.next_capture().max(Instant::now());
        self.publish_captured_at(captured_at, NEVER_STALE, width, height);
    }

    /// Publishes a last frame; a card follows.
    pub(crate) fn publish_last(&mut self, width: u32, height: u32) {
        let captured_at = Instant::now();
        self.publish_captured_at(captured_at, Frame::STALE_AFTER, width, height);
    }

    /// Publishes a frame captured exactly one interval after the previous.
    pub(crate) fn publish_evenly(&mut self, width: u32, height: u32) {
        let captured_at = self.next_capture();
        self.publish_captured_at(captured_at, NEVER_STALE, width, height);
    }

    fn next_capture(&self) -> Instant {
        self.captured_at
            .map_or_else(Instant::now, |last| last + FRAME_INTERVAL)
    }

    fn publish_captured_at(
        &mut self,
        captured_at: Instant,
        stale_after: Duration,
        width: u32,
        height: u32,
    ) {
        let picture = sliding(width, height, self.seq as usize);
        let frame = Frame::new(self.pool.copy_of(&picture), self.seq, captured_at);
        self.frames.publish(Frame {
            stale_after,
            ..frame
        });
        self.captured_at = Some(captured_at);
        self.seq += 1;
    }

    pub(crate) fn publish_and_receive(&mut self, width: u32, height: u32) -> Arc<EncodedFrame> {
        self.publish(width, height);
        self.receive()
    }

    pub(crate) fn receive(&self) -> Arc<EncodedFrame> {
        let deadline = Instant::now() + HANG_TIMEOUT;
        loop {
            if let Some(frame) = self.engine.try_recv() {
                return frame;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            self.woken
                .recv_timeout(left)
                .expect("an encoded frame comes");
        }
    }

    pub(crate) fn next_composed(&mut self) -> Arc<Composed> {
        match self.composed.wait(HANG_TIMEOUT) {
            Next::Newer(composed) => composed,
            other => panic!("{other:?} instead of a picture"),
        }
    }

    pub(crate) fn calls(&self) -> (usize, usize) {
        let Painted { frames, cards, .. } = &*self.painted;
        (
            frames.load(Ordering::Relaxed),
            cards.load(Ordering::Relaxed),
        )
    }
}

/// Waits for another thread; `false` after a timeout.
pub(crate) fn until(reached: impl Fn() -> bool) -> bool {
    let deadline = Instant::now() + HANG_TIMEOUT;
    while !reached() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(2));
    }
    reached()
}
