//! How many frames of which size a target bitrate is spent on. Pure.
//!
//! Viewers of a larger rendition move to a smaller one when their network carries less. There is none below the
//! smallest: it halves its frame rate instead, since fewer frames of a usable quality are worth more than many that
//! show blocks.

use std::time::{Duration, Instant};

/// The smallest rendition halves its frame rate when it is held back below this bitrate.
const SLOW_BPS: u32 = 160_000;
/// It must have been held back for this long. While a queue drains it is held back for less, and half the frame rate would
/// only delay the next pictures.
const SLOW_TIME: Duration = Duration::from_secs(2);
/// A lower frame rate is no video any more.
const FPS_LEAST: u32 = 7;

/// The frames of an encoder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pace {
    /// The highest frame rate.
    pub(crate) fps: u32,
    /// The target of the encoder, which spends it on its rendition's own frame rate.
    pub(crate) encoder_bps: u32,
    /// Its target for a keyframe. Below [`SLOW_BPS`] it is bounded, so that a keyframe passes within 300 ms.
    pub(crate) keyframe_bps: u32,
}

/// How a rendition of `fps` frames a second at most spends its bitrate.
#[derive(Debug)]
pub(crate) struct FrameRateControl {
    fps: u32,
    is_smallest: bool,
    slow_since: Option<Instant>,
}

impl FrameRateControl {
    pub(crate) fn new(fps: u32, is_smallest: bool) -> Self {
        Self {
            fps,
            is_smallest,
            slow_since: None,
        }
    }

    /// How `target_bps` is spent on the picture of `now`, if the rendition's own bitrate is `nominal_bps`.
    pub(crate) fn pace(&mut self, now: Instant, nominal_bps: u32, target_bps: u32) -> Pace {
        let can_halve = self.is_smallest && self.fps / 2 >= FPS_LEAST;
        let is_slow = can_halve && target_bps < nominal_bps.min(SLOW_BPS);
        self.slow_since = is_slow.then(|| self.slow_since.unwrap_or(now));
        let is_over = |since| now.saturating_duration_since(since) >= SLOW_TIME;
        let (fps, encoder_bps) = match self.slow_since.is_some_and(is_over) {
            true => (self.fps / 2, target_bps * 2),
            false => (self.fps, target_bps),
        };
        Pace {
            fps,
            encoder_bps,
            keyframe_bps: if is_slow { target_bps / 2 } else { target_bps },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_smallest_rendition_halves_its_frame_rate() {
        let start = Instant::now();
        let spent_by = |fps, nominal_bps, target_bps, is_smallest| {
            let mut frame_rate = FrameRateControl::new(fps, is_smallest);
            frame_rate.pace(start, nominal_bps, target_bps);
            frame_rate.pace(start + SLOW_TIME, nominal_bps, target_bps)
        };
        let spent = |target_bps, is_smallest| spent_by(15, 200_000, target_bps, is_smallest);
        let whole = |bps| Pace {
            fps: 15,
            encoder_bps: bps,
            keyframe_bps: bps,
        };
        assert_eq!(spent(200_000, true), whole(200_000));
        assert_eq!(spent(160_000, true), whole(160_000));
        assert_eq!(
            spent(100_000, false),
            whole(100_000),
            "viewers can move down"
        );
        let half = Pace {
            fps: 7,
            encoder_bps: 180_000,
            keyframe_bps: 45_000,
        };
        assert_eq!(spent(90_000, true), half);
        let owners = spent_by(15, 120_000, 120_000, true);
        assert_eq!(owners, whole(120_000), "as it is configured");
        assert_eq!(spent_by(10, 200_000, 90_000, true).fps, 10);
    }

    #[test]
    fn a_queue_that_drains_for_a_moment_bounds_keyframes_but_leaves_the_frame_rate() {
        let (mut frame_rate, start) = (FrameRateControl::new(15, true), Instant::now());
        let mut spent = |ms, target_bps| {
            frame_rate.pace(start + Duration::from_millis(ms), 200_000, target_bps)
        };
        let held_back = Pace {
            fps: 15,
            encoder_bps: 120_000,
            keyframe_bps: 60_000,
        };
        assert_eq!([spent(0, 120_000), spent(900, 120_000)], [held_back; 2]);
        assert_eq!(spent(950, 200_000).fps, 15);
        assert_eq!([spent(1000, 120_000), spent(2900, 120_000)], [held_back; 2]);
        assert_eq!(spent(3000, 120_000).fps, 7);
        assert_eq!(spent(3001, 200_000).fps, 15, "at once");
    }
}
