//! One encoder per rendition, which runs only while somebody watches the rendition.

use std::sync::Arc;
use std::time::{Duration, Instant};

use capture::scale::{Scaler, fit_within};
use capture::trace::{self, TraceContext, TraceSpan};
use capture::{I420, PicturePool, RateCap};

use super::metrics::ComposeMetrics;
use super::picture::caught;
use crate::encode::demand::Demand;
use crate::encode::encoder::{EncodeError, Encoder, NewEncoder, Rendition, RenditionId};
use crate::encode::frame_queue::{EncodedFrame, FrameSink, Sent};
use crate::encode::pace::{FrameRateControl, Pace};
use crate::rtp::packetise::packetise;

/// The exponential back-off after a failed encoder starts here and doubles up to the longest wait.
const RETRY_AFTER: Duration = Duration::from_millis(100);
const LONGEST_RETRY: Duration = Duration::from_secs(5);

/// A picture to encode and when it was taken.
#[derive(Debug, Clone, Copy)]
pub(super) struct Subject<'a> {
    pub(super) picture: &'a I420,
    pub(super) frame_seq: u64,
    pub(super) captured_at: Instant,
    pub(super) rtp_ticks: u32,
    /// The picture epoch in which it was composed.
    pub(super) epoch: u64,
    /// The span of its frame, if it is traced.
    pub(super) trace: Option<TraceContext>,
}

/// All renditions.
pub(super) struct Streams {
    streams: Vec<Stream>,
    new_encoder: NewEncoder,
    sink: FrameSink,
    demand: Arc<Demand>,
    metrics: Arc<ComposeMetrics>,
    scaler: Scaler,
    pool: PicturePool,
}

struct Stream {
    rendition: Rendition,
    frame_rate: FrameRateControl,
    /// The frame rate of the composed pictures.
    pictures_fps: u32,
    /// While the rendition has a lower frame rate than the composed pictures.
    cap: Option<RateCap>,
    watched: bool,
    encoder: Option<Box<dyn Encoder>>,
    /// Consecutive failures.
    failures: u32,
    retry_at: Option<Instant>,
}

impl Streams {
    pub(super) fn new(
        renditions: &[Rendition],
        new_encoder: NewEncoder,
        sink: FrameSink,
        demand: Arc<Demand>,
        metrics: Arc<ComposeMetrics>,
    ) -> Self {
        let pictures_fps = renditions.iter().map(|rendition| rendition.fps).max();
        let new = |(index, rendition): (usize, &Rendition)| Stream {
            rendition: *rendition,
            frame_rate: FrameRateControl::new(rendition.fps, index + 1 == renditions.len()),
            pictures_fps: pictures_fps.unwrap_or(rendition.fps),
            cap: None,
            watched: false,
            encoder: None,
            failures: 0,
            retry_at: None,
        };
        let streams = renditions.iter().enumerate().map(new).collect();
        let (scaler, pool) = (Scaler::new(), PicturePool::new(1));
        Self {
            streams,
            new_encoder,
            sink,
            demand,
            metrics,
            scaler,
            pool,
        }
    }

    /// Looks up which renditions are watched.
    pub(super) fn follow_demand(&mut self, now: Instant) {
        for stream in &mut self.streams {
            let id = stream.rendition.id;
            let watched = self.demand.viewers(id) > 0;
            if watched && !stream.watched {
                self.demand.keyframe_gate(id).started(now);
            }
            stream.watched = watched;
        }
    }

    /// Drops every encoder; new ones begin with keyframes.
    pub(super) fn renew(&mut self) {
        for stream in &mut self.streams {
            stream.encoder = None;
        }
    }

    /// When the earliest keyframe that a viewer waits for may be made.
    pub(super) fn keyframe_due(&self, now: Instant) -> Option<Instant> {
        let watched = self.streams.iter().filter(|stream| stream.watched);
        let due = |stream: &Stream| self.demand.keyframe_gate(stream.rendition.id).due(now);
        watched.filter_map(due).min()
    }

    /// Encodes the picture for each rendition that is watched.
    pub(super) fn encode(&mut self, subject: Subject<'_>, now: Instant) {
        for index in 0..self.streams.len() {
            let stream = &mut self.streams[index];
            if !stream.watched || stream.retry_at.is_some_and(|at| now < at) {
                continue;
            }
            let gate = self.demand.keyframe_gate(stream.rendition.id);
            let force_keyframe = gate.is_due(now);
            drop(gate);
            let pace = stream.pace(now, &self.demand);
            if !stream.admits(&subject, pace.fps) && !force_keyframe {
                continue;
            }
            let bitrate_bps = if force_keyframe {
                pace.keyframe_bps
            } else {
                pace.encoder_bps
            };
            let encoded = match self.encode_one(index, subject, (bitrate_bps, force_keyframe), now)
            {
                Ok(frame) => frame,
                Err(error) => {
                    self.metrics.encoder_failures.inc();
                    self.streams[index].failed(&error, now);
                    None
                }
            };
            let Some(frame) = encoded else { continue };
            self.metrics
                .age
                .observe(subject.captured_at.elapsed().as_secs_f64());
            self.metrics.bytes.inc_by(frame.bytes as u64);
            let rendition = frame.rendition;
            // overflow: drops-to-keyframe, counted; the gate spaces the keyframe that is then needed.
            let mut sent = Sent::default();
            let (sink, epoch) = (&self.sink, self.demand.picture_epoch());
            epoch.publish_in(subject.epoch, || sent = sink.send(frame));
            self.metrics.dropped.inc_by(sent.dropped as u64);
            if sent.needs_keyframe {
                self.demand.keyframe_gate(rendition).request();
            }
        }
    }

    fn encode_one(
        &mut self,
        index: usize,
        subject: Subject<'_>,
        (bitrate_bps, force_keyframe): (u32, bool),
        now: Instant,
    ) -> Result<Option<EncodedFrame>, EncodeError> {
        let stream = &mut self.streams[index];
        let Rendition {
            id, width, height, ..
        } = stream.rendition;
        let (from, metrics) = (subject.picture, &self.metrics);
        let (width, height) = fit_within(from.width(), from.height(), width, height);
        let (mut smaller, began) = (None, Instant::now());
        if (width, height) != (from.width(), from.height()) {
            let begin = Instant::now();
            smaller = Some(scaled(&mut self.scaler, &self.pool, from, (width, height))?);
            metrics.scale.observe(begin.elapsed().as_secs_f64());
        }
        let picture = smaller.as_deref().unwrap_or(from);
        let begin = Instant::now();
        let encoder = stream
            .encoder
            .get_or_insert_with(|| (self.new_encoder)(&stream.rendition));
        let encoded = caught(|| {
            encoder.set_bitrate(bitrate_bps)?;
            encoder.encode(picture, force_keyframe, subject.rtp_ticks)
        });
        let encoded = encoded.unwrap_or(Err(EncodeError::Panicked))?;
        (stream.failures, stream.retry_at) = (0, None);
        let after = Instant::now();
        metrics.encode.observe((after - begin).as_secs_f64());
        let payloads = packetise(encoded.access_unit);
        metrics.packetise.observe(after.elapsed().as_secs_f64());
        if let Some(root) = subject.trace {
            let times = [began, after, Instant::now()];
            record_spans(root, &stream.rendition, times, encoded.keyframe);
        }
        if payloads.is_empty() {
            // overflow: counted. The rate control may skip a picture; references stay intact.
            metrics.left_out.inc();
            return Ok(None);
        }
        metrics.encoded.inc();
        if encoded.keyframe {
            self.demand.keyframe_gate(id).made(now);
            metrics.keyframes.inc();
        }
        Ok(Some(EncodedFrame {
            rendition: id,
            keyframe: encoded.keyframe,
            frame_seq: subject.frame_seq,
            captured_at: subject.captured_at,
            rtp_ticks: subject.rtp_ticks.wrapping_add(rendition_offset(id)),
            bytes: payloads.iter().map(bytes::Bytes::len).sum(),
            payloads,
            trace: subject.trace,
        }))
    }
}

impl Stream {
    fn pace(&mut self, now: Instant, demand: &Demand) -> Pace {
        let Rendition {
            id, bitrate_bps, ..
        } = self.rendition;
        let nominal_bps = demand.nominal_bitrate(id).unwrap_or(bitrate_bps);
        let target_bps = demand.target_bitrate(id).unwrap_or(nominal_bps);
        self.frame_rate.pace(now, nominal_bps, target_bps)
    }

    /// Whether the rendition's frame rate has room for this picture.
    ///
    /// overflow: newest-wins, uncounted: it is the rendition's own rate.
    fn admits(&mut self, subject: &Subject<'_>, fps: u32) -> bool {
        if fps >= self.pictures_fps {
            self.cap = None;
            return true;
        }
        let cap = self.cap.get_or_insert_with(|| RateCap::new(fps));
        cap.set_fps(fps);
        cap.admits(subject.captured_at)
    }

    /// Drops the encoder and waits with exponential back-off; a new encoder begins with a keyframe.
    fn failed(&mut self, error: &EncodeError, now: Instant) {
        self.encoder = None;
        let wait = RETRY_AFTER
            .saturating_mul(1 << self.failures.min(16))
            .min(LONGEST_RETRY);
        self.failures += 1;
        self.retry_at = Some(now + wait);
        tracing::error!(
            failures = self.failures,
            ?wait,
            "{error}; a new encoder takes over"
        );
    }
}

/// `times`: scaling begins, the picture is encoded, it is packetised.
fn record_spans(root: TraceContext, rendition: &Rendition, times: [Instant; 3], keyframe: bool) {
    let [began, encoded, packetised] = times;
    for (name, times) in [
        ("carrier.encode", (began, encoded)),
        ("carrier.packetise", (encoded, packetised)),
    ] {
        let span = TraceSpan::part_of(root, name, times)
            .with("carrier.rendition", rendition.name())
            .with("carrier.keyframe", keyframe);
        trace::record(span);
    }
}

/// The timestamps of one picture differ by a tick (11 us) between renditions, the smaller the later: a
/// viewer that changes down to the same picture must not get the same timestamp twice.
fn rendition_offset(id: RenditionId) -> u32 {
    u32::try_from(id.index()).unwrap_or(0)
}

fn scaled(
    scaler: &mut Scaler,
    pool: &PicturePool,
    from: &I420,
    (width, height): (u32, u32),
) -> Result<capture::PooledPicture, EncodeError> {
    let failed = |error: &dyn std::fmt::Display| EncodeError::Scale(error.to_string());
    let mut picture = pool.take(width, height).map_err(|error| failed(&error))?;
    let scaled = scaler.scale(from, &mut picture);
    scaled.map_err(|error| failed(&error))?;
    Ok(picture)
}
