//! The rate of the frames that one source gives. Pure.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::frame::Frame;

/// The rate is measured over this many frames: a second of a fast source, a minute of a very slow one.
const FRAMES: usize = 32;
/// A source that is silent for this many of its own frame intervals has stopped.
const SILENT_FRAMES: f32 = 4.0;
/// The least silence after which a source has stopped.
const SILENT_LEAST: Duration = Frame::STALE_AFTER;

/// Capture times of the last frames of one source.
#[derive(Debug, Default)]
pub(crate) struct FrameRate {
    times: VecDeque<Instant>,
}

impl FrameRate {
    pub(crate) fn frame(&mut self, captured_at: Instant) {
        if self.times.len() == FRAMES {
            self.times.pop_front();
        }
        self.times.push_back(captured_at);
    }

    /// To be called when another source begins.
    pub(crate) fn reset(&mut self) {
        self.times.clear();
    }

    /// Frames per second; `None` after fewer than two frames, or when they have stopped coming.
    pub(crate) fn fps(&self, now: Instant) -> Option<f32> {
        let (first, last) = (self.times.front()?, self.times.back()?);
        let elapsed = last.saturating_duration_since(*first).as_secs_f32();
        if elapsed <= 0.0 {
            return None;
        }
        // At most FRAMES, so the conversion to a float is exact.
        let between = elapsed / f32::from(u8::try_from(self.times.len() - 1).ok()?);
        let silent = now.saturating_duration_since(*last);
        let allowed = SILENT_LEAST.max(Duration::from_secs_f32(between * SILENT_FRAMES));
        (silent <= allowed).then(|| 1.0 / between)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(frames: u32, every: Duration) -> (FrameRate, Instant) {
        let begin = Instant::now();
        let mut rate = FrameRate::default();
        for frame in 0..frames {
            rate.frame(begin + every * frame);
        }
        (rate, begin + every * frames.saturating_sub(1))
    }

    #[test]
    fn the_rate_is_measured_over_the_last_frames() {
        for (every_ms, fps) in [(33, 30.3), (100, 10.0), (2500, 0.4)] {
            let (rate, last) = after(70, Duration::from_millis(every_ms));
            let fps_now = rate.fps(last).expect("frames come");
            assert!((fps_now - fps).abs() < 0.05, "{fps_now} for {fps}");
        }
        let (mut changed, last) = after(70, Duration::from_millis(33));
        for frame in 1..=32 {
            changed.frame(last + Duration::from_millis(100) * frame);
        }
        let fps_now = changed
            .fps(last + Duration::from_millis(3200))
            .expect("frames come");
        assert!((fps_now - 10.0).abs() < 0.1, "{fps_now}");
    }

    #[test]
    fn there_is_no_rate_of_one_frame_or_of_a_source_that_stopped() {
        let now = Instant::now();
        assert_eq!(FrameRate::default().fps(now), None);
        let (one, at) = after(1, Duration::from_millis(33));
        assert_eq!(one.fps(at), None);
        let (mut quick, last) = after(40, Duration::from_millis(33));
        assert!(quick.fps(last + Duration::from_secs(1)).is_some());
        assert_eq!(quick.fps(last + Duration::from_secs(2)), None);
        let (slow, last) = after(4, Duration::from_secs(3));
        assert!(
            slow.fps(last + Duration::from_secs(10)).is_some(),
            "three seconds apart"
        );
        assert_eq!(slow.fps(last + Duration::from_secs(13)), None);
        quick.reset();
        assert_eq!(quick.fps(last), None);
    }
}
