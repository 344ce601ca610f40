//! What travels between the stages.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::picture::PooledPicture;

/// One picture of the source and when it was taken. Shared as `Arc<Frame>`, never changed.
#[derive(Debug)]
pub struct Frame {
    /// The pixels, I420.
    pub pixels: PooledPicture,
    /// Counts up by one for each frame this process captured, across sources and reconnects.
    pub seq: u64,
    /// When the picture was taken, as near as the source can tell.
    pub captured_at: Instant,
    /// Without a newer one the picture shows the present for this long: for a source of a few pictures a
    /// minute longer than for others.
    pub stale_after: Duration,
    /// Rows at the top over which nothing may be painted: the scene's timecode strip.
    pub reserved_top_px: u32,
    /// Where things really are. Only the built-in scene knows.
    pub truth: Option<Arc<[Truth]>>,
}

impl Frame {
    /// When a picture of a source that gives one a second or more is over. With the supervisor's tick,
    /// and the time to paint, a card is up within 2 s.
    pub const STALE_AFTER: Duration = Duration::from_millis(1500);

    /// A frame of a source that knows no truth and reserves no rows.
    #[must_use]
    pub fn new(pixels: PooledPicture, seq: u64, captured_at: Instant) -> Self {
        Self {
            pixels,
            seq,
            captured_at,
            stale_after: Self::STALE_AFTER,
            reserved_top_px: 0,
            truth: None,
        }
    }
}

/// A thing that the built-in scene drew.
#[derive(Debug, Clone, PartialEq)]
pub struct Truth {
    /// Its COCO name, e.g. `stop sign`.
    pub class: &'static str,
    /// Left, top, right, bottom in pixels of the frame.
    pub bbox_px: [f32; 4],
}

/// How the source is doing. Published in a [`crate::Slot`] beside the frames.
#[derive(Debug, Clone, PartialEq)]
pub enum Signal {
    /// The source is being opened for the first time.
    Opening {
        /// What is being opened, in plain words.
        source: String,
    },
    /// Frames flow.
    Live {
        /// What is open and what was granted, in plain words.
        source: String,
        /// Something the viewer should know, e.g. that `auto` fell back to the scene.
        note: Option<String>,
        /// Granted width in pixels.
        width: u32,
        /// Granted height in pixels.
        height: u32,
        /// Granted frames per second, 0 when the source does not tell.
        fps: f32,
    },
    /// No frames: it ended, failed or stalled. Retries go on by themselves.
    Lost {
        /// What was open.
        source: String,
        /// Why, in plain words for a visitor: "Camera unplugged. Waiting for it."
        reason: String,
        /// When the last frame came or the open failed.
        since: Instant,
    },
}

/// Inside the process time is [`Instant`] only. Wall time appears at the edges (timecode, logs,
/// files, the API), always through the one origin taken at start, so that a step of the system
/// clock can never reorder frames.
#[derive(Debug, Clone, Copy)]
pub struct WallClock {
    origin: Instant,
    wall_at_origin: Duration,
}

impl WallClock {
    /// Ties the monotonic instant `origin` to the wall time `wall`.
    #[must_use]
    pub fn new(origin: Instant, wall: SystemTime) -> Self {
        let wall_at_origin = wall.duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            origin,
            wall_at_origin,
        }
    }

    /// The clock of this process, tied now.
    #[must_use]
    pub fn start() -> Self {
        Self::new(Instant::now(), SystemTime::now())
    }

    /// The instant this clock was tied at.
    #[must_use]
    pub fn origin(&self) -> Instant {
        self.origin
    }

    /// Unix time of `at` in milliseconds. Instants before the origin are supported.
    #[must_use]
    pub fn unix_ms(&self, at: Instant) -> u64 {
        let wall = match at.checked_duration_since(self.origin) {
            Some(after) => self.wall_at_origin + after,
            None => self.wall_at_origin.saturating_sub(self.origin - at),
        };
        u64::try_from(wall.as_millis()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wall_time_follows_the_monotonic_clock_both_ways() {
        let origin = Instant::now() + Duration::from_secs(100);
        let clock = WallClock::new(origin, UNIX_EPOCH + Duration::from_millis(5_000));
        assert_eq!(clock.unix_ms(origin), 5_000);
        assert_eq!(clock.unix_ms(origin + Duration::from_millis(33)), 5_033);
        assert_eq!(clock.unix_ms(origin - Duration::from_millis(33)), 4_967);
    }
}
