//! One encoder per rendition, run only while somebody watches it, and what goes to the engine.

use std::sync::Arc;
use std::time::{Duration, Instant};

use capture::scale::{Scaler, fit_within};
use capture::{I420, PicturePool};

use super::metrics::ComposeMetrics;
use super::pacing::RateCap;
use super::picture::caught;
use crate::encode::demand::Demand;
use crate::encode::encoder::{EncodeError, Encoder, NewEncoder, Rendition, RenditionId};
use crate::encode::frame_queue::{EncodedFrame, FrameSink};
use crate::encode::keyframes::KeyframePolicy;
use crate::rtp::packetise::packetise;

/// After a failure the next try waits this long, doubled each time up to the longest.
const RETRY_AFTER: Duration = Duration::from_millis(100);
const LONGEST_RETRY: Duration = Duration::from_secs(5);

/// What is encoded and when it was taken.
#[derive(Debug, Clone, Copy)]
pub(super) struct Subject<'a> {
    pub(super) picture: &'a I420,
    pub(super) frame_seq: u64,
    pub(super) captured_at: Instant,
    pub(super) rtp_ticks: u32,
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
    /// For a rendition with fewer frames than there are pictures.
    cap: Option<RateCap>,
    keyframes: KeyframePolicy,
    watched: bool,
    encoder: Option<Box<dyn Encoder>>,
    /// In a row.
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
        let fps = renditions.iter().map(|rendition| rendition.fps).max();
        let streams = renditions
            .iter()
            .map(|rendition| Stream::new(*rendition, fps))
            .collect();
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

    /// Takes over who watches and who asked for keyframes.
    pub(super) fn attend(&mut self, now: Instant) {
        for stream in &mut self.streams {
            let watched = self.demand.viewers(stream.rendition.id) > 0;
            if watched && !stream.watched {
                stream.keyframes.started(now);
            }
            stream.watched = watched;
            // A request that overtakes the news of its viewer waits for it.
            if watched && self.demand.take_keyframe_request(stream.rendition.id) {
                stream.keyframes.request();
            }
        }
    }

    /// Throws every encoder away; the new ones begin with keyframes by themselves.
    pub(super) fn renew(&mut self) {
        for stream in &mut self.streams {
            stream.encoder = None;
        }
    }

    /// When the earliest keyframe that somebody waits for may be made.
    pub(super) fn keyframe_due(&self, now: Instant) -> Option<Instant> {
        let watched = self.streams.iter().filter(|stream| stream.watched);
        watched.filter_map(|stream| stream.keyframes.due(now)).min()
    }

    /// Encodes the picture for each rendition that is watched.
    pub(super) fn encode(&mut self, subject: Subject<'_>, now: Instant) {
        for index in 0..self.streams.len() {
            let stream = &mut self.streams[index];
            if !stream.watched || stream.waits(now) || !stream.admits(&subject, now) {
                continue;
            }
            let sent = match self.encode_one(index, subject, now) {
                Ok(frame) => frame,
                Err(error) => {
                    self.metrics.encoder_failures.inc();
                    self.streams[index].failed(&error, now);
                    None
                }
            };
            let Some(frame) = sent else { continue };
            self.metrics
                .age
                .observe(subject.captured_at.elapsed().as_secs_f64());
            self.metrics.bytes.inc_by(frame.bytes as u64);
            // overflow: drops-to-keyframe, counted; the policy spaces the keyframe that mends it.
            let sent = self.sink.send(frame);
            self.metrics.dropped.inc_by(sent.dropped as u64);
            if sent.needs_keyframe {
                self.streams[index].keyframes.request();
            }
        }
    }

    fn encode_one(
        &mut self,
        index: usize,
        subject: Subject<'_>,
        now: Instant,
    ) -> Result<Option<EncodedFrame>, EncodeError> {
        let stream = &mut self.streams[index];
        let Rendition {
            id, width, height, ..
        } = stream.rendition;
        let (from, metrics) = (subject.picture, &self.metrics);
        let (width, height) = fit_within(from.width(), from.height(), width, height);
        let mut smaller = None;
        if (width, height) != (from.width(), from.height()) {
            let begin = Instant::now();
            smaller = scaled(&mut self.scaler, &self.pool, from, (width, height));
            metrics.scale.observe(begin.elapsed().as_secs_f64());
        }
        let picture = smaller.as_deref().unwrap_or(from);
        let begin = Instant::now();
        let force = stream.keyframes.is_due(now);
        let target_bps = self
            .demand
            .target_bitrate(id)
            .unwrap_or(stream.rendition.bitrate_bps);
        let encoder = stream
            .encoder
            .get_or_insert_with(|| (self.new_encoder)(&stream.rendition));
        let encoded = caught(|| {
            encoder.set_bitrate(target_bps)?;
            encoder.encode(picture, force, subject.rtp_ticks)
        });
        let encoded = encoded.unwrap_or(Err(EncodeError::Panicked))?;
        (stream.failures, stream.retry_at) = (0, None);
        let after = Instant::now();
        metrics.encode.observe((after - begin).as_secs_f64());
        let payloads = packetise(encoded.access_unit);
        metrics.packetise.observe(after.elapsed().as_secs_f64());
        if payloads.is_empty() {
            // overflow: counted. Rate control may leave a picture out; references stay whole.
            metrics.left_out.inc();
            return Ok(None);
        }
        metrics.encoded.inc();
        if encoded.keyframe {
            stream.keyframes.made(now);
            metrics.keyframes.inc();
        }
        Ok(Some(EncodedFrame {
            rendition: id,
            keyframe: encoded.keyframe,
            frame_seq: subject.frame_seq,
            captured_at: subject.captured_at,
            rtp_ticks: subject.rtp_ticks.wrapping_add(apart(id)),
            bytes: payloads.iter().map(bytes::Bytes::len).sum(),
            payloads,
        }))
    }
}

impl Stream {
    fn new(rendition: Rendition, pictures_fps: Option<u32>) -> Self {
        let fewer = pictures_fps.is_some_and(|fps| rendition.fps < fps);
        Self {
            rendition,
            cap: fewer.then(|| RateCap::new(rendition.fps)),
            keyframes: KeyframePolicy::default(),
            watched: false,
            encoder: None,
            failures: 0,
            retry_at: None,
        }
    }

    /// Whether this picture is one of the rendition's. A keyframe waits for no turn.
    ///
    /// overflow: newest-wins, uncounted: it is the rendition's own rate.
    fn admits(&mut self, subject: &Subject<'_>, now: Instant) -> bool {
        let cap = self.cap.as_mut();
        cap.is_none_or(|cap| cap.admits(subject.captured_at)) || self.keyframes.is_due(now)
    }

    fn waits(&self, now: Instant) -> bool {
        self.retry_at.is_some_and(|at| now < at)
    }

    /// Throws the encoder away; the next one begins with a keyframe by itself.
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

/// Renditions of one picture lie a tick (11 us) apart, the smaller the later: a viewer that changes down
/// to the very picture it saw last must not get the same time twice.
fn apart(id: RenditionId) -> u32 {
    u32::try_from(id.index()).unwrap_or(0)
}

fn scaled(
    scaler: &mut Scaler,
    pool: &PicturePool,
    from: &I420,
    (width, height): (u32, u32),
) -> Option<capture::PooledPicture> {
    let mut picture = pool.take(width, height).ok()?;
    scaler.scale(from, &mut picture).ok()?;
    Some(picture)
}
