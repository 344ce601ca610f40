//! The compose thread itself.
//!
//! It sleeps until a frame comes, the source's state changes, somebody begins to watch, or a keyframe is
//! requested; each of them unparks the thread. [`Pacing`] decides what to do then.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, JoinHandle, Thread};
use std::time::{Duration, Instant};

use capture::trace::{self, TraceContext, TraceSpan};
use capture::{
    Frame, Heartbeat, PooledPicture, Signal, Slot, SlotReader, TURN_MAX, Threads, WallClock,
};

use super::filters::{FilterStage, PictureFilter};
use super::metrics::ComposeMetrics;
use super::pacing::{Pacing, Seen, Step};
use super::picture::{Composed, Painter, PictureMaker};
use super::streams::{Streams, Subject};
use crate::encode::demand::Demand;
use crate::encode::encoder::{NewEncoder, Rendition, default_renditions};
use crate::encode::frame_queue::FrameSink;
use crate::encode::openh264_encoder::OpenH264Encoder;
use crate::rtp::clock::RtpClock;

/// How composing is set up.
pub struct ComposeConfig {
    /// What is encoded, largest first. Pictures are composed at the size of the first one.
    pub renditions: Vec<Rendition>,
    /// What changes each picture before anybody sees it, in this order. Empty: nothing, at no cost.
    pub filters: Vec<Box<dyn PictureFilter>>,
    /// The clock of the process; RTP time counts from its origin.
    pub clock: WallClock,
    /// Makes the encoders.
    pub new_encoder: NewEncoder,
    /// Supervises the thread.
    pub threads: Threads,
}

impl ComposeConfig {
    /// The default renditions, encoded by OpenH264, without filters.
    #[must_use]
    pub fn new(clock: WallClock) -> Self {
        let new_encoder: NewEncoder =
            Box::new(|rendition| Box::new(OpenH264Encoder::new(rendition)));
        Self {
            renditions: default_renditions(),
            filters: Vec::new(),
            clock,
            new_encoder,
            threads: Threads::default(),
        }
    }
}

/// What the compose thread reads from and writes to.
pub struct ComposeParts {
    /// Frames of the source. Closing it ends the thread.
    pub frames: Arc<Slot<Frame>>,
    /// The state of the source.
    pub signal: Arc<Slot<Signal>>,
    /// Paints boxes and cards.
    pub painter: Box<dyn Painter>,
    /// Who watches.
    pub demand: Arc<Demand>,
    /// Composed pictures, for MJPEG and still pictures.
    pub composed: Arc<Slot<Composed>>,
    /// Encoded frames, to the engine.
    pub sink: FrameSink,
    /// Renditions, filters, clock, encoder.
    pub config: ComposeConfig,
    /// Times and counters.
    pub metrics: Arc<ComposeMetrics>,
}

/// The running compose thread. Dropping it stops the thread without waiting.
#[derive(Debug)]
pub struct ComposeHandle {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// Starts the compose thread.
pub fn spawn(parts: ComposeParts) -> io::Result<ComposeHandle> {
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    let threads = parts.config.threads.clone();
    let mut composer = Composer::new(parts);
    let thread = threads.spawn("compose", move |heartbeat| {
        composer.run(&stopped, heartbeat);
        composer.composed.close();
    })?;
    Ok(ComposeHandle {
        stop,
        thread: Some(thread),
    })
}

impl ComposeHandle {
    /// Ends the thread after the present picture, and waits for it.
    pub fn stop(mut self) {
        self.signal_stop();
        if self
            .thread
            .take()
            .is_some_and(|thread| thread.join().is_err())
        {
            tracing::error!("the compose thread had panicked");
        }
    }

    fn signal_stop(&self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = &self.thread {
            thread.thread().unpark();
        }
    }
}

impl Drop for ComposeHandle {
    fn drop(&mut self) {
        self.signal_stop();
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// The last composed picture.
struct Last {
    painted: Arc<PooledPicture>,
    seq: u64,
    captured_at: Instant,
    encoded_at: Instant,
}

struct Composer {
    frame_slot: Arc<Slot<Frame>>,
    signal_slot: Arc<Slot<Signal>>,
    frames: SlotReader<Frame>,
    skipped: u64,
    signals: SlotReader<Signal>,
    demand: Arc<Demand>,
    composed: Arc<Slot<Composed>>,
    metrics: Arc<ComposeMetrics>,
    filters: FilterStage,
    pictures: PictureMaker,
    streams: Streams,
    pacing: Pacing,
    /// The highest rate of the renditions.
    fps: u32,
    clock: RtpClock,
    newest: Option<Arc<Frame>>,
    fresh: bool,
    last: Option<Last>,
    /// The picture epoch of everything above.
    epoch: u64,
    seq: u64,
    asleep: bool,
    closed: bool,
}

impl Composer {
    fn new(parts: ComposeParts) -> Self {
        let (config, demand, metrics) = (parts.config, parts.demand, parts.metrics);
        let largest = config.renditions.first().copied();
        let largest = largest.unwrap_or(Rendition::MAIN);
        let fps = config
            .renditions
            .iter()
            .map(|rendition| rendition.fps)
            .max()
            .unwrap_or(largest.fps);
        let streams = Streams::new(
            &config.renditions,
            config.new_encoder,
            parts.sink,
            Arc::clone(&demand),
            Arc::clone(&metrics),
        );
        Self {
            frames: parts.frames.reader(),
            signals: parts.signal.reader(),
            frame_slot: parts.frames,
            signal_slot: parts.signal,
            skipped: 0,
            demand,
            composed: parts.composed,
            filters: FilterStage::new(config.filters, Arc::clone(&metrics)),
            pictures: PictureMaker::new(parts.painter, &largest, Arc::clone(&metrics)),
            metrics,
            streams,
            pacing: Pacing::new(fps),
            fps,
            clock: RtpClock::new(config.clock.origin()),
            newest: None,
            fresh: false,
            last: None,
            epoch: 0,
            seq: 0,
            asleep: true,
            closed: false,
        }
    }

    fn run(&mut self, stop: &AtomicBool, heartbeat: &Heartbeat) {
        if heartbeat.panics_in_a_row() > 0 {
            self.release_pictures();
            self.streams.renew();
        }
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        self.demand.set_compose_waker(waker.clone());
        let mut cx = Context::from_waker(&waker);
        while !stop.load(Ordering::Acquire) && !self.closed {
            heartbeat.beat(TURN_MAX);
            let now = Instant::now();
            match self.turn(&mut cx, now) {
                Step::Sleep => {
                    heartbeat.rest();
                    thread::park();
                }
                // A slow source's picture may stand for minutes; the next heartbeat is due before.
                Step::Wait(until) => {
                    let wait = until.saturating_duration_since(now);
                    thread::park_timeout(wait.min(TURN_MAX / 2));
                }
                Step::Frame | Step::Skip | Step::Card | Step::Repeat => {}
            }
        }
    }

    fn turn(&mut self, cx: &mut Context<'_>, now: Instant) -> Step {
        let watched = self.demand.somebody_watches();
        self.follow_epoch();
        self.streams.follow_demand(now);
        if watched {
            self.take_newest(cx);
        }
        let signal = self.signal_slot.latest();
        let seen = Seen {
            watched,
            newest: self.newest.as_ref().map(|frame| frame.captured_at),
            stale_after: self
                .newest
                .as_ref()
                .map_or(Frame::STALE_AFTER, |frame| frame.stale_after),
            fresh: std::mem::take(&mut self.fresh),
            lost_since: match signal.as_deref() {
                Some(Signal::Lost { since, .. } | Signal::Closed { since, .. }) => Some(*since),
                _ => None,
            },
            keyframe_due: self.streams.keyframe_due(now),
        };
        let most_fps = self.demand.most_fps().unwrap_or(self.fps);
        self.pacing.set_most_fps(most_fps.min(self.fps));
        let step = self.pacing.decide(now, &seen);
        match step {
            Step::Sleep => self.release_pictures(),
            Step::Frame => self.compose_frame(now),
            Step::Card => self.compose_card(signal.as_deref(), now),
            Step::Repeat => self.repeat(now),
            Step::Skip => {
                // overflow: counted.
                self.metrics.capped.inc();
            }
            Step::Wait(_) => {}
        }
        step
    }

    /// Forgets all pictures when they were invalidated. New encoders begin with keyframes, without a reference to
    /// an earlier picture.
    fn follow_epoch(&mut self) {
        let epoch = self.demand.picture_epoch().now();
        if epoch != self.epoch {
            self.epoch = epoch;
            // What is in the slot now may be shown: it was emptied of what may not.
            self.release_pictures();
            self.pacing.begin_epoch();
            self.streams.renew();
        }
    }

    /// Takes the newest frame, and registers to be woken by the next one and by a change of the source's
    /// state.
    fn take_newest(&mut self, cx: &mut Context<'_>) {
        if std::mem::take(&mut self.asleep) {
            // New readers: the newest frame counts as unseen, and frames that nobody watched are not
            // counted as skipped.
            (self.frames, self.signals) = (self.frame_slot.reader(), self.signal_slot.reader());
            self.skipped = 0;
        }
        match self.frames.poll_next(cx) {
            Poll::Ready(Some(frame)) => (self.newest, self.fresh) = (Some(frame), true),
            Poll::Ready(None) => self.closed = true,
            Poll::Pending => {}
        }
        // overflow: newest-wins, counted.
        self.metrics
            .skipped
            .inc_by(self.frames.skipped() - self.skipped);
        self.skipped = self.frames.skipped();
        while let Poll::Ready(Some(_)) = self.signals.poll_next(cx) {}
    }

    /// Releases the pictures: nobody watches, they were invalidated, or after a panic.
    fn release_pictures(&mut self) {
        (self.newest, self.last, self.asleep) = (None, None, true);
    }

    fn compose_frame(&mut self, now: Instant) {
        let Some(frame) = self.newest.clone() else {
            return;
        };
        let waited = now.saturating_duration_since(frame.captured_at);
        self.metrics.wait.observe(waited.as_secs_f64());
        self.seq = frame.seq;
        let Some(frame) = self.filters.run(frame) else {
            return;
        };
        let Some(picture) = self.pictures.frame(&frame) else {
            return;
        };
        self.metrics.frames.inc();
        let captured_at = frame.captured_at;
        let trace = trace::of_frame(frame.seq);
        if let Some(root) = trace {
            let times = (now, Instant::now());
            trace::record(TraceSpan::part_of(root, "carrier.compose", times));
        }
        self.deliver(picture, Some(frame), captured_at, now, trace);
    }

    fn compose_card(&mut self, signal: Option<&Signal>, now: Instant) {
        let stalled;
        let signal = match signal {
            Some(
                signal @ (Signal::Lost { .. } | Signal::Opening { .. } | Signal::Closed { .. }),
            ) => signal,
            other => {
                let since = self.newest.as_ref().map_or(now, |frame| frame.captured_at);
                stalled = stalled_signal(other, since);
                &stalled
            }
        };
        let Some(picture) = self.pictures.card(signal, now) else {
            return;
        };
        self.metrics.cards.inc();
        self.deliver(picture, None, now, now, None);
    }

    fn deliver(
        &mut self,
        picture: PooledPicture,
        clean: Option<Arc<Frame>>,
        captured_at: Instant,
        now: Instant,
        trace: Option<TraceContext>,
    ) {
        let painted = Arc::new(picture);
        let seq = self.seq;
        let composed = Composed {
            clean,
            painted: Arc::clone(&painted),
            seq,
            captured_at,
        };
        let epoch = self.demand.picture_epoch();
        if !epoch.publish_in(self.epoch, || self.composed.publish(composed)) {
            return;
        }
        self.last = Some(Last {
            painted,
            seq,
            captured_at,
            encoded_at: now,
        });
        self.encode_last(captured_at, now, trace);
    }

    fn repeat(&mut self, now: Instant) {
        let Some(last) = &self.last else { return };
        // Advances the timestamp by the time shown, which keeps RTP spacing even.
        let shown_for: Duration = now.saturating_duration_since(last.encoded_at);
        let ticks_of = last.captured_at + shown_for;
        self.metrics.repeats.inc();
        self.encode_last(ticks_of, now, None);
    }

    /// `trace`: the span of the frame, if it is traced and this is the first time that it is encoded.
    fn encode_last(&mut self, ticks_of: Instant, now: Instant, trace: Option<TraceContext>) {
        let Some(last) = &self.last else { return };
        let subject = Subject {
            picture: &last.painted,
            frame_seq: last.seq,
            captured_at: last.captured_at,
            rtp_ticks: self.clock.ticks(ticks_of),
            epoch: self.epoch,
            trace,
        };
        self.streams.encode(subject, now);
    }
}

/// The signal for a card when the source reports that it is live but no frame comes.
fn stalled_signal(signal: Option<&Signal>, since: Instant) -> Signal {
    match signal {
        Some(Signal::Live { source, .. }) => Signal::Lost {
            source: source.clone(),
            reason: "No picture comes from the source. Waiting for it.".into(),
            since,
        },
        _ => Signal::Opening {
            source: "the source".into(),
        },
    }
}
