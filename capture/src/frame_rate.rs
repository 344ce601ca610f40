//! How many frames a second come. Pure: the frames tell their times.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// As many frames as this are looked at: a second of a quick source, a minute of a very slow one.
const FRAMES: usize = 32;
/// A source that was silent for this many of its own frame times has stopped.
const SILENT_FRAMES: f32 = 4.0;
/// As long as every source may be silent before a card goes up.
const SILENT_LEAST: Duration = Duration::from_millis(1500);

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

    /// Another source begins.
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
        // At most FRAMES, which a float holds exactly.
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
    fn the_rate_is_that_of_the_last_frames_however_slow_the_source() {
        for (every_ms, fps) in [(33, 30.3), (100, 10.0), (2500, 0.4)] {
            let (rate, last) = after(70, Duration::from_millis(every_ms));
            let told = rate.fps(last).expect("frames come");
            assert!((told - fps).abs() < 0.05, "{told} for {fps}");
        }
        let (mut changed, last) = after(70, Duration::from_millis(33));
        for frame in 1..=32 {
            changed.frame(last + Duration::from_millis(100) * frame);
        }
        let told = changed
            .fps(last + Duration::from_millis(3200))
            .expect("frames come");
        assert!((told - 10.0).abs() < 0.1, "{told}");
    }

    #[test]
    fn nothing_is_told_of_one_frame_of_none_or_of_a_source_that_stopped() {
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
