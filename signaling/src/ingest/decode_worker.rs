//! The thread that decodes a publisher's access units with OpenH264 into pooled I420 pictures.

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

/// After this long without a picture the previous source becomes active again, as for every other source
/// before a placeholder card is shown.
const SILENCE: Duration = Duration::from_millis(1500);

/// Starts the thread. It ends with the publisher, and the previous source becomes active again.
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
    /// When the last picture was shown; `None` while the previous source is active.
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
            let timeout = self
                .last_picture
                .map_or(SILENCE, |at| SILENCE.saturating_sub(at.elapsed()));
            match self.units.take(timeout) {
                Taken::Unit(unit) => self.decode(&unit),
                Taken::TimedOut => {}
                Taken::Closed => return,
            }
            if self.last_picture.is_some_and(|at| at.elapsed() >= SILENCE) {
                tracing::info!(
                    "no picture from the publisher; the previous source is active again"
                );
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
                tracing::debug!(%error, "cannot decode a published picture");
                self.drop_to_keyframe();
            }
        }
    }

    fn drop_to_keyframe(&self) {
        // overflow: drops-to-keyframe
        let dropped = self.units.discard_to_keyframe();
        count(&self.metrics.dropped, UnitDrop::NoKeyframe, dropped);
    }
}

/// Pooled pictures: one decoded, one shown, one or two held by slow readers.
const IDLE_PICTURES: usize = 4;

/// Why an access unit was not decoded.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DecodeError {
    /// The decoder cannot be created.
    #[error("the H.264 decoder does not start: {0}")]
    Open(#[source] openh264::Error),
    /// The access unit is not valid, or its reference pictures are missing.
    #[error("the H.264 decoder refuses an access unit: {0}")]
    Rejected(#[source] openh264::Error),
    /// The picture cannot be converted.
    #[error(transparent)]
    Picture(#[from] ConvertError),
}

/// Decodes one stream.
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

    /// Decodes one access unit. `full_range`: from its sequence parameter set, if it has one. After an error
    /// the decoder is created again, so that the next unit should be a keyframe.
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
            // Without error concealment, which would show plausible but wrong pictures.
            None => self.library.insert(
                Decoder::with_api_config(OpenH264API::from_source(), DecoderConfig::new())
                    .map_err(DecodeError::Open)?,
            ),
        };
        let Some(picture) = library.decode(unit).map_err(DecodeError::Rejected)? else {
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
