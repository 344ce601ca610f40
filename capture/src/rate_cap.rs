//! Limits a frame rate by capture time. Pure.

use std::time::{Duration, Instant};

/// A frame this much older than expected means that the capture clock jumped back.
const JUMPED_BACK: Duration = Duration::from_millis(1500);

/// Limits the frame rate by capture time, so that the frames that pass are evenly spaced.
///
/// overflow: counted, by the caller.
#[derive(Debug)]
pub struct RateCap {
    interval: Duration,
    next: Option<Instant>,
}

impl RateCap {
    /// At most `fps` frames a second, plus a tenth for sources whose clock runs fast.
    #[must_use]
    pub fn new(fps: u32) -> Self {
        Self {
            interval: Self::interval(fps),
            next: None,
        }
    }

    fn interval(fps: u32) -> Duration {
        Duration::from_secs(10) / (fps.max(1) * 11)
    }

    /// As if no frame had come yet.
    #[must_use]
    pub fn restarted(&self) -> Self {
        Self {
            interval: self.interval,
            next: None,
        }
    }

    /// Another rate, from the next frame on.
    pub fn set_fps(&mut self, fps: u32) {
        let interval = Self::interval(fps);
        if interval != self.interval {
            *self = Self {
                interval,
                next: None,
            };
        }
    }

    /// Whether the rate has room for a frame of this time.
    pub fn admits(&mut self, captured_at: Instant) -> bool {
        let Some(next) = self.next else {
            self.next = Some(captured_at + self.interval);
            return true;
        };
        // Tolerates jitter of a quarter interval; an early frame does not make the next one due earlier.
        let admitted = captured_at + self.interval / 4 >= next;
        if admitted {
            self.next = Some((next + self.interval).max(captured_at));
        }
        // A capture clock that jumped back must not stop the feed until it has caught up.
        if next > captured_at + JUMPED_BACK {
            self.next = None;
        }
        admitted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_rate_is_in_effect_with_the_next_frame() {
        let start = Instant::now();
        let mut cap = RateCap::new(30);
        let admitted = |cap: &mut RateCap, from_ms: u64| {
            let frames = (0..60).map(|frame| start + Duration::from_millis(from_ms + frame * 33));
            frames.filter(|at| cap.admits(*at)).count()
        };
        assert_eq!(admitted(&mut cap, 0), 60);
        cap.set_fps(15);
        let halved = admitted(&mut cap, 2000);
        assert!((30..=34).contains(&halved), "{halved}");
        cap.set_fps(30);
        assert_eq!(admitted(&mut cap, 4000), 60);
    }
}
