//! Playback times of recorded video. Pure.

use std::time::{Duration, Instant};

/// When playback is late by more than this, the later pictures are delayed too, instead of being
/// shown in a rush.
const LATE_MAX: Duration = Duration::from_millis(500);
/// A larger gap in the timestamps is taken as a cut and not waited for.
const LARGEST_GAP: Duration = Duration::from_secs(10);

/// Computes from a video's timestamps when each picture is due.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pacer {
    /// Used where the timestamps tell no interval.
    interval: Duration,
    last: Option<Shown>,
}

#[derive(Debug, Clone, Copy)]
struct Shown {
    pts: Duration,
    due: Instant,
}

impl Pacer {
    /// `fps` is used where the timestamps tell no interval. A nonsensical rate counts as 30.
    pub(crate) fn new(fps: f64) -> Self {
        let fps = if (0.1..=1000.0).contains(&fps) {
            fps
        } else {
            30.0
        };
        Self {
            interval: Duration::from_secs_f64(1.0 / fps),
            last: None,
        }
    }

    /// When the picture with this timestamp is due.
    pub(crate) fn due(&mut self, pts: Option<Duration>, now: Instant) -> Instant {
        let due = match self.last {
            None => now,
            Some(last) => {
                let step = pts
                    .and_then(|pts| pts.checked_sub(last.pts))
                    .filter(|step| !step.is_zero() && *step <= LARGEST_GAP)
                    .unwrap_or(self.interval);
                let due = last.due + step;
                if now.saturating_duration_since(due) > LATE_MAX {
                    now
                } else {
                    due
                }
            }
        };
        let fallback = || {
            self.last
                .map_or(Duration::ZERO, |last| last.pts + self.interval)
        };
        self.last = Some(Shown {
            pts: pts.unwrap_or_else(fallback),
            due,
        });
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn pictures_keep_the_distances_of_their_timestamps() {
        let start = Instant::now();
        let mut pacer = Pacer::new(30.0);
        assert_eq!(pacer.due(Some(ms(1000)), start), start);
        assert_eq!(pacer.due(Some(ms(1040)), start), start + ms(40));
        assert_eq!(
            pacer.due(Some(ms(1140)), start),
            start + ms(140),
            "variable rate"
        );
    }

    #[test]
    fn a_loop_goes_on_one_interval_later() {
        let start = Instant::now();
        let mut pacer = Pacer::new(10.0);
        pacer.due(Some(ms(0)), start);
        pacer.due(Some(ms(5000)), start);
        assert_eq!(pacer.due(Some(ms(0)), start), start + ms(5100));
        assert_eq!(pacer.due(Some(ms(100)), start), start + ms(5200));
    }

    #[test]
    fn missing_equal_and_jumping_timestamps_advance_by_the_frame_rate() {
        let start = Instant::now();
        let mut pacer = Pacer::new(20.0);
        for expected in [0, 50, 100] {
            assert_eq!(pacer.due(Some(ms(0)), start), start + ms(expected));
        }
        assert_eq!(pacer.due(None, start), start + ms(150));
        assert_eq!(pacer.due(Some(ms(900_000)), start), start + ms(200));
        for odd in [f64::NAN, 0.0, -3.0, 1e9] {
            assert_eq!(
                Pacer::new(odd).interval,
                Duration::from_secs_f64(1.0 / 30.0)
            );
        }
    }

    #[test]
    fn late_playback_continues_at_the_normal_pace() {
        let start = Instant::now();
        let mut pacer = Pacer::new(30.0);
        pacer.due(Some(ms(0)), start);
        let late = start + ms(1000);
        assert_eq!(pacer.due(Some(ms(40)), late), late);
        assert_eq!(pacer.due(Some(ms(80)), late), late + ms(40));
    }
}
