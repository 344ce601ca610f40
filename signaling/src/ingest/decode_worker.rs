//! The thread between a publisher's access units and the feed, and OpenH264's decoder on it: access
//! units to pooled I420 pictures.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use capture::convert::{Chroma, ConvertError, Planar, Plane, Range, planar};
use capture::{Guest, Heartbeat, PicturePool, PooledPicture, TURN_MAX, Threads};
use openh264::OpenH264API;
use openh264::decoder::{Decoder, DecoderConfig};
use openh264::formats::YUVSource;

use super::access_unit::AccessUnit;
use super::metrics::{UnitDrop, WhipMetrics};
use super::unit_queue::{Taken, UnitReceiver};
use crate::metrics::count;

/// No picture for this long, and the previous source is back until the next one. As long as every
/// other source may be silent before a card goes up.
const SILENCE: Duration = Duration::from_millis(1500);

/// Starts the thread. It ends with the publisher, and the previous source is back.
pub(crate) fn spawn(
    units: UnitReceiver,
    guest: Guest,
    metrics: Arc<WhipMetrics>,
    threads: &Threads,
) -> io::Result<()> {
    let mut worker = DecodeWorker {
        decoder: H264Decoder::new(),
        units,
        guest,
        metrics,
        last_picture: None,
    };
    let run = move |heartbeat: &Heartbeat| worker.run(heartbeat);
    threads.spawn("whip-decode", run).map(drop)
}

struct DecodeWorker {
    decoder: H264Decoder,
    units: UnitReceiver,
    guest: Guest,
    metrics: Arc<WhipMetrics>,
    /// When the last picture went on the air; `None`: the previous source has it.
    last_picture: Option<Instant>,
}

impl DecodeWorker {
    fn run(&mut self, heartbeat: &Heartbeat) {
        if heartbeat.panics_in_a_row() > 0 {
            self.decoder = H264Decoder::new();
            self.drop_to_keyframe();
        }
        loop {
            heartbeat.beat(TURN_MAX);
            let patience = self
                .last_picture
                .map_or(SILENCE, |at| SILENCE.saturating_sub(at.elapsed()));
            match self.units.take(patience) {
                Taken::Unit(unit) => self.decode(&unit),
                Taken::TimedOut => {}
                Taken::Closed => return,
            }
            if self.last_picture.is_some_and(|at| at.elapsed() >= SILENCE) {
                tracing::info!("the publisher is silent; the previous source is back");
                self.last_picture = None;
                self.guest.pause();
            }
        }
    }

    fn decode(&mut self, unit: &AccessUnit) {
        let begin = Instant::now();
        let decoded = self.decoder.decode(&unit.bytes, unit.full_range);
        self.metrics.decode.observe(begin.elapsed().as_secs_f64());
        match decoded {
            Ok(Some(picture)) => {
                self.metrics.pictures.inc();
                if self.guest.publish(picture, unit.arrived_at) {
                    self.last_picture = Some(Instant::now());
                }
            }
            Ok(None) => {}
            Err(error) => {
                self.metrics.decode_failures.inc();
                tracing::debug!(%error, "a published picture cannot be decoded");
                self.drop_to_keyframe();
            }
        }
    }

    fn drop_to_keyframe(&self) {
        // overflow: drops-to-keyframe
        let dropped = self.units.broke();
        count(&self.metrics.dropped, UnitDrop::NoKeyframe, dropped);
    }
}

/// Pictures in flight: one decoded, one on the air, one or two held by slow readers.
const IDLE_PICTURES: usize = 4;

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DecodeError {
    /// The library does not start.
    #[error("the H.264 decoder does not start: {0}")]
    Open(#[source] openh264::Error),
    /// What came is no H.264 that it can decode, or pictures it builds upon are missing.
    #[error("the H.264 decoder refuses an access unit: {0}")]
    Refused(#[source] openh264::Error),
    /// What it made is no picture of ours.
    #[error(transparent)]
    Picture(#[from] ConvertError),
}

/// A decoder of one stream.
pub(crate) struct H264Decoder {
    library: Option<Decoder>,
    pool: PicturePool,
    range: Range,
}

impl H264Decoder {
    pub(crate) fn new() -> Self {
        Self {
            library: None,
            pool: PicturePool::new(IDLE_PICTURES),
            range: Range::Limited,
        }
    }

    /// Decodes one access unit. `full_range`: what its parameters say, if it has any. After an error
    /// the next unit should be a keyframe: a library that failed once starts anew.
    pub(crate) fn decode(
        &mut self,
        unit: &[u8],
        full_range: Option<bool>,
    ) -> Result<Option<PooledPicture>, DecodeError> {
        match full_range {
            Some(true) => self.range = Range::Full,
            Some(false) => self.range = Range::Limited,
            None => {}
        }
        let decoded = self.decoded(unit);
        if decoded.is_err() {
            self.library = None;
        }
        decoded
    }

    fn decoded(&mut self, unit: &[u8]) -> Result<Option<PooledPicture>, DecodeError> {
        let library = match &mut self.library {
            Some(library) => library,
            // Without concealment: a picture patched from others looks right and is wrong.
            None => self.library.insert(
                Decoder::with_api_config(OpenH264API::from_source(), DecoderConfig::new())
                    .map_err(DecodeError::Open)?,
            ),
        };
        let Some(picture) = library.decode(unit).map_err(DecodeError::Refused)? else {
            return Ok(None);
        };
        let (width, height) = picture.dimensions();
        let (y, u, v) = picture.strides();
        let side = |pixels: usize| u32::try_from(pixels).unwrap_or(u32::MAX);
        let plane = |data, stride| Plane { data, stride };
        let picture = Planar {
            width: side(width),
            height: side(height),
            chroma: Chroma::Cs420,
            range: self.range,
            y: plane(picture.y(), y),
            u: plane(picture.u(), u),
            v: plane(picture.v(), v),
        };
        Ok(Some(planar(&picture, &self.pool)?))
    }
}
