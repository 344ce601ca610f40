//! Which pictures are decoded while nobody watches, and to what they are limited. Pure: the caller passes the time.

use std::time::{Duration, Instant};

use super::camera::Wanted;

/// The least time between two pictures while nobody watches. A little below the interval of idle detection, so that
/// one is there whenever a detection is due.
const IDLE_INTERVAL: Duration = Duration::from_millis(900);
/// Every picture of a slower source is decoded: the first viewer must not wait for the next one.
const SLOWEST_SKIPPED: Duration = Duration::from_millis(100);

/// Tells whether pictures are wanted. Asked for each picture that a source gets.
pub trait PictureDemand: std::fmt::Debug + Send + Sync {
    /// `false`: about one a second is enough.
    fn somebody_watches(&self) -> bool;

    /// More and larger pictures than this are of no use, for longer than a camera is worth opening again. Asked when a
    /// camera is opened.
    fn limit(&self) -> CaptureLimit {
        CaptureLimit::NONE
    }

    /// More pictures a second are not needed at the moment: they are not even decoded. `None`: each is needed.
    fn most_fps(&self) -> Option<u32> {
        self.limit().fps
    }
}

/// The most that a camera is asked for. `None`: what is configured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CaptureLimit {
    /// Width and height.
    pub size_px: Option<(u32, u32)>,
    pub fps: Option<u32>,
}

impl CaptureLimit {
    pub const NONE: Self = Self {
        size_px: None,
        fps: None,
    };

    /// What a camera is asked for within this limit.
    pub(crate) fn within(self, wanted: Wanted) -> Wanted {
        let (width, height) = self.size_px.unwrap_or((wanted.width, wanted.height));
        let fps = self.fps.unwrap_or(wanted.fps);
        let is_larger = wanted.width > width || wanted.height > height;
        Wanted {
            width: if is_larger { width } else { wanted.width },
            height: if is_larger { height } else { wanted.height },
            fps: wanted.fps.min(fps),
            ..wanted
        }
    }
}

/// When the last picture was decoded.
#[derive(Debug, Default)]
pub(crate) struct IdlePace {
    decoded_at: Option<Instant>,
}

impl IdlePace {
    /// A picture is decoded.
    pub(crate) fn decoded(&mut self, now: Instant) {
        self.decoded_at = Some(now);
    }

    /// Whether the picture that comes now need not be decoded if nobody watches. `interval`: the usual one between
    /// pictures; `None`: it is not known yet.
    pub(crate) fn may_skip(&self, now: Instant, interval: Option<Duration>) -> bool {
        let is_recent = |at: Instant| now.saturating_duration_since(at) < IDLE_INTERVAL;
        is_fast(interval) && self.decoded_at.is_some_and(is_recent)
    }
}

/// Whether the next picture comes so soon that nobody need keep one for whoever asks.
pub(crate) fn is_fast(interval: Option<Duration>) -> bool {
    interval.is_some_and(|interval| interval <= SLOWEST_SKIPPED)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many pictures of ten seconds are decoded while nobody watches.
    fn decoded_in_ten_seconds(interval: Duration) -> u32 {
        let start = Instant::now();
        let (mut pace, mut at, mut count) = (IdlePace::default(), start, 0);
        while at < start + Duration::from_secs(10) {
            if !pace.may_skip(at, Some(interval)) {
                pace.decoded(at);
                count += 1;
            }
            at += interval;
        }
        count
    }

    #[test]
    fn about_one_picture_a_second_of_a_fast_source_is_decoded_and_each_of_a_slow_one() {
        for fps in [10, 15, 30, 60] {
            let count = decoded_in_ten_seconds(Duration::from_secs(1) / fps);
            assert!((10..=12).contains(&count), "{count} at {fps} fps");
        }
        assert_eq!(decoded_in_ten_seconds(Duration::from_millis(200)), 50);
    }

    #[test]
    fn a_camera_is_asked_for_no_more_than_the_limit() {
        let limit = CaptureLimit {
            size_px: Some((640, 360)),
            fps: Some(15),
        };
        let size = |wanted: Wanted| (wanted.width, wanted.height, wanted.fps);
        assert_eq!(size(limit.within(Wanted::default())), (640, 360, 15));
        let small = Wanted {
            width: 320,
            height: 240,
            fps: 10,
            format: None,
        };
        assert_eq!(limit.within(small), small);
        assert_eq!(CaptureLimit::NONE.within(small), small);
    }

    #[test]
    fn the_first_pictures_are_decoded() {
        let now = Instant::now();
        let mut pace = IdlePace::default();
        assert!(!pace.may_skip(now, Some(Duration::from_millis(33))));
        pace.decoded(now);
        assert!(!pace.may_skip(now, None), "the interval is not known");
        assert!(pace.may_skip(now, Some(Duration::from_millis(33))));
    }
}
