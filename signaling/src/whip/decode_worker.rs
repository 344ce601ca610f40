//! The thread between a publisher's access units and the feed.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use capture::{Guest, Heartbeat, TURN_MAX, Threads};

use super::access_unit::AccessUnit;
use super::decoder::H264Decoder;
use super::metrics::{UnitDrop, WhipMetrics};
use super::unit_queue::{Taken, UnitReceiver};
use crate::engine_metrics::count;

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
