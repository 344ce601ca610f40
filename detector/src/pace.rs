//! How often detection is worth its power. Pure, but for the switch that is shared.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// With nobody watching: often enough that the first watcher sees boxes at once.
const IDLE_PERIOD: Duration = Duration::from_secs(1);

/// Shared between whoever knows the watchers and the worker.
#[derive(Debug, Default)]
pub struct Pace {
    watched: AtomicBool,
    /// Highest rate in thousandths of a frame per second; 0: none.
    most_mfps: AtomicU32,
}

impl Pace {
    /// Says whether somebody watches. At first nobody does.
    pub fn set_watched(&self, watched: bool) {
        self.watched.store(watched, Ordering::Relaxed);
    }

    /// Never detects more often than this; `None`: as often as frames come and the model can.
    pub fn set_most_fps(&self, most_fps: Option<f32>) {
        // The cast saturates, and anything below a thousandth means no cap.
        let most_mfps = most_fps.map_or(0, |fps| (fps * 1000.0) as u32);
        self.most_mfps.store(most_mfps, Ordering::Relaxed);
    }

    /// Least time between two detections.
    #[must_use]
    pub fn period(&self) -> Duration {
        let cap = match self.most_mfps.load(Ordering::Relaxed) {
            0 => Duration::ZERO,
            mfps => Duration::from_secs(1000) / mfps,
        };
        let watched = self.watched.load(Ordering::Relaxed);
        if watched { cap } else { cap.max(IDLE_PERIOD) }
    }
}

/// Picks frames so that their mean distance is the period, though frames come when they come.
#[derive(Debug, Default)]
pub(crate) struct Pacer {
    last_due: Option<Instant>,
}

impl Pacer {
    /// Whether the frame in hand at `now` is to be detected.
    pub(crate) fn take(&mut self, now: Instant, period: Duration) -> bool {
        let Some(last_due) = self.last_due else {
            self.last_due = Some(now);
            return true;
        };
        let due = last_due + period;
        if now < due {
            return false;
        }
        // On the grid, so that a frame that comes a little early is not a whole period lost; but
        // what was missed is never made up for.
        let behind = now - due > period;
        self.last_due = Some(if behind { now } else { due });
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn watchers_and_caps_make_the_period() {
        let pace = Pace::default();
        assert_eq!(pace.period(), IDLE_PERIOD);
        pace.set_watched(true);
        assert_eq!(pace.period(), Duration::ZERO);
        pace.set_most_fps(Some(10.0));
        assert_eq!(pace.period(), Duration::from_millis(100));
        pace.set_watched(false);
        assert_eq!(pace.period(), IDLE_PERIOD);
        pace.set_most_fps(Some(0.5));
        assert_eq!(pace.period(), Duration::from_secs(2));
        pace.set_most_fps(Some(f32::NAN));
        assert_eq!(pace.period(), IDLE_PERIOD);
    }

    /// Frames at 30 a second, each up to 3 ms early or late.
    fn taken(period: Duration, seconds: u64) -> usize {
        let (start, mut pacer) = (Instant::now(), Pacer::default());
        let frames = (0..seconds * 30).map(|frame| {
            let jitter = frame * 7 % 7;
            start + Duration::from_micros(frame * 33_333 + jitter * 1000)
        });
        frames.filter(|now| pacer.take(*now, period)).count()
    }

    #[test]
    fn the_mean_rate_is_the_wanted_one_in_spite_of_jitter() {
        assert_eq!(taken(Duration::ZERO, 10), 300);
        assert_eq!(taken(Duration::from_millis(100), 10), 100);
        assert!((114..=122).contains(&taken(Duration::from_millis(84), 10)));
        assert_eq!(taken(IDLE_PERIOD, 10), 10);
    }

    #[test]
    fn a_watcher_is_served_at_the_next_frame() {
        let (start, mut pacer) = (Instant::now(), Pacer::default());
        assert!(pacer.take(start, IDLE_PERIOD));
        let soon = start + Duration::from_millis(33);
        assert!(!pacer.take(soon, IDLE_PERIOD));
        assert!(pacer.take(soon, Duration::ZERO));
    }

    #[test]
    fn what_was_missed_is_not_made_up_for() {
        let (start, mut pacer) = (Instant::now(), Pacer::default());
        let period = Duration::from_millis(100);
        assert!(pacer.take(start, period));
        let late = start + Duration::from_secs(60);
        assert!(pacer.take(late, period));
        assert!(!pacer.take(late + Duration::from_millis(33), period));
    }
}
