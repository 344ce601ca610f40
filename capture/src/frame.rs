//! What is passed between the stages: frames and signals; and the conversion to wall time.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::mounting::Mounting;
use crate::picture::{PictureError, PicturePool, PooledPicture};

/// Identifies what gives pictures: the configured source, the one that replaces it, a guest. Counts up and is never used
/// twice: a camera that is selected again has another one.
pub type SourceNumber = u64;

/// One picture of the source and when it was taken. Shared as `Arc<Frame>`, never changed.
#[derive(Debug)]
pub struct Frame {
    /// The pixels, I420, upright.
    pub pixels: PooledPicture,
    /// What made them upright.
    pub mounting: Mounting,
    /// Counts up by one for each frame this process captured, across sources and reconnects.
    pub seq: u64,
    /// The source or guest that took it. Objects are not followed from one into another.
    pub source_number: SourceNumber,
    /// The camera's name, if it was given one.
    pub camera: Option<Arc<str>>,
    /// When the picture was taken, as near as the source can tell.
    pub captured_at: Instant,
    /// The frame counts as current for this long when no newer one comes. Longer for a slow source.
    pub stale_after: Duration,
    /// Rows at the top that must not be painted over: the scene's timecode strip.
    pub reserved_top_px: u32,
    /// Where the objects really are. Only the built-in scene knows.
    pub truth: Option<Arc<[Truth]>>,
}

impl Frame {
    /// [`Frame::stale_after`] of a source with at least one picture a second. With the supervisor's tick
    /// and the time to paint, the card is up within 2 s.
    pub const STALE_AFTER: Duration = Duration::from_millis(1500);

    /// A frame without ground truth and without reserved rows.
    #[must_use]
    pub fn new(pixels: PooledPicture, seq: u64, captured_at: Instant) -> Self {
        Self {
            pixels,
            mounting: Mounting::default(),
            seq,
            source_number: 0,
            camera: None,
            captured_at,
            stale_after: Self::STALE_AFTER,
            reserved_top_px: 0,
            truth: None,
        }
    }

    /// The frame as it is to be seen. Costs nothing where the camera's own picture is upright.
    pub(crate) fn mounted(
        mut self,
        mounting: Mounting,
        pool: &PicturePool,
    ) -> Result<Self, PictureError> {
        if mounting.is_upright() {
            return Ok(self);
        }
        let size = (self.pixels.width() as f32, self.pixels.height() as f32);
        if let Some(truth) = &mut self.truth {
            let moved = truth.iter().map(|object| Truth {
                bbox_px: mounting.box_px(object.bbox_px, size),
                ..*object
            });
            *truth = moved.collect();
        }
        Ok(Self {
            pixels: mounting.turned(self.pixels, pool)?,
            mounting,
            // The timecode cannot be read any more.
            reserved_top_px: 0,
            ..self
        })
    }
}

/// An object that the built-in scene drew: ground truth for tests.
#[derive(Debug, Clone, PartialEq)]
pub struct Truth {
    /// Its COCO name, e.g. `stop sign`.
    pub class: &'static str,
    /// Left, top, right, bottom in pixels of the frame.
    pub bbox_px: [f32; 4],
}

/// The state of the source. Published in a [`crate::Slot`] beside the frames.
#[derive(Debug, Clone, PartialEq)]
pub enum Signal {
    Opening {
        /// In plain words.
        source: String,
    },
    Live {
        /// In plain words, with the granted mode.
        source: String,
        /// For the viewers, e.g. that `auto` fell back to the scene.
        note: Option<String>,
        width: u32,
        height: u32,
        /// Granted frames per second, 0 when the source does not tell.
        fps: f32,
    },
    /// The shutter is closed: the source is not open.
    Closed {
        /// For viewers; `None`: nobody gave one.
        reason: Option<String>,
        since: Instant,
    },
    /// The source ended, failed or stalled. It is opened again without any action.
    Lost {
        source: String,
        /// For viewers, e.g. "Camera unplugged. Waiting for it."
        reason: String,
        /// When the last frame came, or opening failed.
        since: Instant,
    },
}

/// Converts monotonic time to wall time. The process computes with [`Instant`]s only; wall time
/// appears in the timecode, logs, files and the API. It is always derived from one origin, taken at
/// the start, so that a step of the system clock cannot reorder frames.
#[derive(Debug, Clone, Copy)]
pub struct WallClock {
    origin: Instant,
    wall_at_origin: Duration,
}

impl WallClock {
    /// A clock that shows the wall time `wall` at the instant `origin`.
    #[must_use]
    pub fn new(origin: Instant, wall: SystemTime) -> Self {
        let wall_at_origin = wall.duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            origin,
            wall_at_origin,
        }
    }

    /// A clock that shows the system's wall time now.
    #[must_use]
    pub fn start() -> Self {
        Self::new(Instant::now(), SystemTime::now())
    }

    /// The instant at which this clock was started.
    #[must_use]
    pub fn origin(&self) -> Instant {
        self.origin
    }

    /// Unix time of `at` in milliseconds. Instants before the origin are supported.
    #[must_use]
    pub fn unix_ms(&self, at: Instant) -> u64 {
        u64::try_from(self.since_unix_epoch(at).as_millis()).unwrap_or(u64::MAX)
    }

    /// The same in nanoseconds.
    #[must_use]
    pub fn unix_ns(&self, at: Instant) -> u64 {
        u64::try_from(self.since_unix_epoch(at).as_nanos()).unwrap_or(u64::MAX)
    }

    fn since_unix_epoch(&self, at: Instant) -> Duration {
        match at.checked_duration_since(self.origin) {
            Some(after) => self.wall_at_origin + after,
            None => self.wall_at_origin.saturating_sub(self.origin - at),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turned_frame_keeps_its_truth_and_has_no_timecode() {
        let pool = PicturePool::new(2);
        let frame = |mounting| {
            let mut frame = Frame::new(pool.take(8, 4).expect("even"), 1, Instant::now());
            frame.reserved_top_px = 2;
            let bbox_px = [1.0, 0.0, 3.0, 4.0];
            let class = "clock";
            frame.truth = Some([Truth { class, bbox_px }].into());
            frame.mounted(mounting, &pool).expect("fits")
        };
        let as_it_was = frame(Mounting::default());
        assert_eq!(as_it_was.reserved_top_px, 2);
        let half = Mounting::new(180, false).expect("half a turn");
        let turned = frame(half);
        assert_eq!((turned.reserved_top_px, turned.mounting), (0, half));
        let truth = turned.truth.expect("known");
        assert_eq!(truth[0].bbox_px, [5.0, 0.0, 7.0, 4.0]);
    }

    #[test]
    fn wall_time_follows_the_monotonic_clock_both_ways() {
        let origin = Instant::now() + Duration::from_secs(100);
        let clock = WallClock::new(origin, UNIX_EPOCH + Duration::from_millis(5_000));
        assert_eq!(clock.unix_ms(origin), 5_000);
        assert_eq!(clock.unix_ms(origin + Duration::from_millis(33)), 5_033);
        assert_eq!(clock.unix_ms(origin - Duration::from_millis(33)), 4_967);
    }
}
