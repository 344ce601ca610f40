//! How often frames are detected: as often as possible, or as the motion needs, while somebody watches, else once a
//! second.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

/// The interval while nobody watches, short enough that a new viewer sees boxes at once.
const IDLE_PERIOD: Duration = Duration::from_secs(1);

/// When frames are detected while somebody watches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DetectWhen {
    /// As often as frames come and the model and the cap allow.
    #[default]
    Always,
    /// When the picture or the tracks have moved so much that the boxes may be wrong.
    Motion,
}

/// Shared by the worker and the stage that knows whether somebody watches.
#[derive(Debug, Default)]
pub struct Pace {
    watched: AtomicBool,
    /// The highest rate in thousandths of a frame per second; 0: no limit.
    most_mfps: AtomicU32,
    /// The same, by the power profile.
    power_mfps: AtomicU32,
    is_motion_gated: AtomicBool,
    /// The same, by the power profile.
    power_gates_motion: AtomicBool,
}

impl Pace {
    /// Sets whether somebody watches. Initially `false`.
    pub fn set_watched(&self, watched: bool) {
        self.watched.store(watched, Ordering::Relaxed);
    }

    /// Limits the rate. `None`: as often as frames come and the model allows.
    pub fn set_most_fps(&self, most_fps: Option<f32>) {
        self.most_mfps
            .store(thousandths(most_fps), Ordering::Relaxed);
    }

    /// Limits the rate to save power. The lower of both limits counts.
    pub fn set_power_limit_fps(&self, most_fps: Option<f32>) {
        self.power_mfps
            .store(thousandths(most_fps), Ordering::Relaxed);
    }

    /// Whether frames that show nothing new are left out while somebody watches. Initially `false`.
    pub fn set_motion_gate(&self, is_on: bool) {
        self.is_motion_gated.store(is_on, Ordering::Relaxed);
    }

    /// The same, to save power. Either of both puts it on.
    pub fn set_power_motion_gate(&self, is_on: bool) {
        self.power_gates_motion.store(is_on, Ordering::Relaxed);
    }

    /// Whether the motion gate decides about a frame that is due. While nobody watches, each one is detected.
    pub(crate) fn is_gated(&self) -> bool {
        let is_on = |gate: &AtomicBool| gate.load(Ordering::Relaxed);
        (is_on(&self.is_motion_gated) || is_on(&self.power_gates_motion)) && is_on(&self.watched)
    }

    /// The least interval between two detections.
    #[must_use]
    pub fn period(&self) -> Duration {
        let least = |limit: &AtomicU32| match limit.load(Ordering::Relaxed) {
            0 => Duration::ZERO,
            mfps => Duration::from_secs(1000) / mfps,
        };
        let cap = least(&self.most_mfps).max(least(&self.power_mfps));
        let watched = self.watched.load(Ordering::Relaxed);
        if watched { cap } else { cap.max(IDLE_PERIOD) }
    }

    /// As [`Pace::period`], but at most `longest` while somebody watches, whatever the limit on the rate.
    #[must_use]
    pub(crate) fn period_within(&self, longest: Option<Duration>) -> Duration {
        let watched = self.watched.load(Ordering::Relaxed);
        match longest.filter(|_| watched) {
            Some(longest) => self.period().min(longest),
            None => self.period(),
        }
    }
}

/// The cast saturates, and a rate below a thousandth means no limit.
fn thousandths(fps: Option<f32>) -> u32 {
    fps.map_or(0, |fps| (fps * 1000.0) as u32)
}

/// Selects frames so that their mean interval is the period, although frames arrive irregularly.
#[derive(Debug, Default)]
pub(crate) struct FrameSelector {
    last_due: Option<Instant>,
}

impl FrameSelector {
    /// Whether the frame that arrived at `now` may be detected.
    pub(crate) fn is_due(&self, now: Instant, period: Duration) -> bool {
        self.last_due
            .is_none_or(|last_due| now >= last_due + period)
    }

    /// The frame that arrived at `now` is detected.
    pub(crate) fn take(&mut self, now: Instant, period: Duration) {
        let due = self.last_due.map_or(now, |last_due| last_due + period);
        // Due times keep the period, so that a frame that arrives slightly early does not cost a whole
        // period. After a long gap they start again at `now`, so that nothing is caught up.
        let behind = now.saturating_duration_since(due) > period;
        self.last_due = Some(if behind { now } else { due });
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

    #[test]
    fn the_lower_of_both_limits_counts() {
        let pace = Pace::default();
        pace.set_watched(true);
        pace.set_power_limit_fps(Some(5.0));
        assert_eq!(pace.period(), Duration::from_millis(200));
        pace.set_most_fps(Some(2.0));
        assert_eq!(pace.period(), Duration::from_millis(500));
        pace.set_most_fps(Some(20.0));
        assert_eq!(pace.period(), Duration::from_millis(200));
        pace.set_power_limit_fps(None);
        assert_eq!(pace.period(), Duration::from_millis(50));
    }

    #[test]
    fn a_longest_period_holds_above_every_limit_while_somebody_watches() {
        let (pace, longest) = (Pace::default(), Some(Duration::from_millis(160)));
        assert_eq!(pace.period_within(longest), IDLE_PERIOD);
        pace.set_watched(true);
        assert_eq!(pace.period_within(longest), Duration::ZERO);
        pace.set_most_fps(Some(2.0));
        assert_eq!(pace.period_within(longest), Duration::from_millis(160));
        assert_eq!(pace.period_within(None), Duration::from_millis(500));
    }

    fn taken_at(selector: &mut FrameSelector, now: Instant, period: Duration) -> bool {
        let is_due = selector.is_due(now, period);
        if is_due {
            selector.take(now, period);
        }
        is_due
    }

    /// Frames at 30 a second, each up to 3 ms early or late.
    fn taken(period: Duration, seconds: u64) -> usize {
        let (start, mut selector) = (Instant::now(), FrameSelector::default());
        let frames = (0..seconds * 30).map(|frame| {
            let jitter = frame * 7 % 7;
            start + Duration::from_micros(frame * 33_333 + jitter * 1000)
        });
        frames
            .filter(|now| taken_at(&mut selector, *now, period))
            .count()
    }

    #[test]
    fn the_mean_rate_is_the_wanted_one_in_spite_of_jitter() {
        assert_eq!(taken(Duration::ZERO, 10), 300);
        assert_eq!(taken(Duration::from_millis(100), 10), 100);
        assert!((114..=122).contains(&taken(Duration::from_millis(84), 10)));
        assert_eq!(taken(IDLE_PERIOD, 10), 10);
    }

    #[test]
    fn a_new_viewer_gets_a_detection_at_the_next_frame() {
        let (start, mut selector) = (Instant::now(), FrameSelector::default());
        assert!(taken_at(&mut selector, start, IDLE_PERIOD));
        let soon = start + Duration::from_millis(33);
        assert!(!taken_at(&mut selector, soon, IDLE_PERIOD));
        assert!(taken_at(&mut selector, soon, Duration::ZERO));
    }

    #[test]
    fn what_was_missed_is_not_made_up_for() {
        let (start, mut selector) = (Instant::now(), FrameSelector::default());
        let period = Duration::from_millis(100);
        assert!(taken_at(&mut selector, start, period));
        let late = start + Duration::from_secs(60);
        assert!(taken_at(&mut selector, late, period));
        assert!(!taken_at(
            &mut selector,
            late + Duration::from_millis(33),
            period
        ));
    }
}
