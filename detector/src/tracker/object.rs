//! One tracked object: its Kalman filters, its scores, its class.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use crate::detection::{BBox, Detection};
use crate::tracks::{Motion, Track};

/// The sure score is this fraction of the way from the minimum score to 1.
const SURE_MARGIN: f32 = 0.3;
/// How many scores and classes are remembered, as for Frigate's median over ten.
const REMEMBERED: usize = 10;
/// The last frames that decide whether an object is shown, and in how many of them it must be detected.
const ROUNDS: usize = 3;
const ROUNDS_NEEDED: usize = 2;
/// The noise of weak detections, relative to others.
const WEAK_DOUBT: f32 = 2.0;
/// The noise of a detected centre, as a fraction of the box's size, plus half a pixel.
const CENTRE_NOISE: f32 = 0.025;
/// The noise of sides is larger, because often one edge is uncertain.
const SIDE_NOISE: f32 = 0.04;
/// The acceleration noise of positions, in sizes of the object per s^1.5.
const AGILITY: f32 = 1.2;
/// The acceleration noise of sides, which change more slowly.
const SIDE_AGILITY: f32 = 0.4;
/// From this squared distance in standard deviations on, the object has turned sharply.
const SURPRISE: f32 = 4.0;
/// The factor of the acceleration noise in a sharp turn.
const SHARP_TURN: f32 = 5.0;

/// Thresholds of scores, all 0..=1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TrackerConfig {
    /// Detections below are ignored. From this score on they tell the position of a known object, but do
    /// not begin one, and do not count for its score, its class or whether it is shown.
    pub weak_score: f32,
    /// From this score on detections count fully. An object is shown when two of its last three frames had
    /// such a detection. No track has a lower score.
    pub min_score: f32,
    /// From this score on, one detection is enough to show an object.
    pub sure_score: f32,
}

impl TrackerConfig {
    /// Thresholds for tracks that are shown from `min_score` on.
    #[must_use]
    pub fn for_score(min_score: f32) -> Self {
        Self {
            // Not near zero, where every cell of a network is a detection.
            weak_score: (min_score / 2.0).max(0.05).min(min_score.max(0.01)),
            min_score,
            sure_score: min_score + (1.0 - min_score) * SURE_MARGIN,
        }
    }
}

impl Default for TrackerConfig {
    fn default() -> Self {
        Self::for_score(0.35)
    }
}

/// The thresholds of each class.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Thresholds {
    others: TrackerConfig,
    /// The parameters of classes that have their own, by class.
    own: BTreeMap<usize, TrackerConfig>,
}

impl Thresholds {
    pub(crate) fn new(others: TrackerConfig, own: BTreeMap<usize, TrackerConfig>) -> Self {
        Self { others, own }
    }

    /// The score below which no detection of any class is of use.
    pub(crate) fn least_weak_score(&self) -> f32 {
        let own = self.own.values().map(|config| config.weak_score);
        own.fold(self.others.weak_score, f32::min)
    }

    pub(crate) fn is_plausible(&self, detection: &Detection) -> bool {
        detection.score >= self.of(detection.class_id).weak_score
    }

    pub(super) fn is_over(&self, detection: &Detection) -> bool {
        detection.score >= self.of(detection.class_id).min_score
    }

    pub(super) fn is_sure(&self, detection: &Detection) -> bool {
        detection.score >= self.of(detection.class_id).sure_score
    }

    fn of(&self, class_id: usize) -> &TrackerConfig {
        self.own.get(&class_id).unwrap_or(&self.others)
    }
}

#[derive(Debug, Clone)]
pub(super) struct TrackedObject {
    /// Assigned when it is first shown, so that objects that are never shown use no ids.
    pub(super) id: Option<u64>,
    pub(super) class_id: usize,
    pub(super) seen_at: Instant,
    /// When it was last detected with at least the minimum score.
    over_at: Instant,
    /// Whether it was detected with at least the minimum score in the last frames, newest first.
    rounds: [bool; ROUNDS],
    is_confirmed: bool,
    /// Centre x, centre y, width, height as of `seen_at`.
    axes: [Axis; 4],
    /// Class and score of detections with at least the minimum score, newest last.
    seen: VecDeque<(usize, f32)>,
}

/// How long a confirmed object is shown.
#[derive(Debug, Clone, Copy)]
pub(super) struct ShowLimits {
    pub(super) unseen: Duration,
    /// As above for one that the last frame showed, until the next frame is detected.
    pub(super) undisturbed: Duration,
    /// Time without a detection of at least the minimum score.
    pub(super) weak: Duration,
}

impl ShowLimits {
    /// `was_found`: by the last update.
    fn of_unseen(self, was_found: bool) -> Duration {
        match was_found {
            true => self.undisturbed,
            false => self.unseen,
        }
    }
}

/// The predicted state of an object.
#[derive(Debug, Clone, Copy)]
pub(super) struct Prediction {
    pub(super) bbox: BBox,
    /// Standard deviation of its centre.
    pub(super) spread_px: f32,
    axes: [Axis; 4],
}

/// What is expected of an object some time after the last update.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Expectation {
    /// Where it was detected last.
    pub(crate) from: BBox,
    /// Where it is expected to be.
    pub(crate) to: BBox,
    /// The standard deviation of the expected box, in parts of its sides: 0.1 means that a tenth of the box is
    /// likely beside the object.
    pub(crate) error: f32,
    pub(crate) standing: Standing,
    /// How long it is still shown without a detection.
    pub(crate) shown_for: Duration,
}

/// What the last update said of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It is shown, and was detected.
    Detected,
    /// It is shown, and was not detected.
    Missed,
    /// It was detected, but not often enough to be shown.
    Unconfirmed,
    /// It is no longer shown.
    Lost,
}

impl TrackedObject {
    pub(super) fn new(detection: &Detection, now: Instant) -> Self {
        let measured = coordinates(&detection.bbox);
        let size = size_px(&detection.bbox);
        let noise = noise_px(size);
        // Faster than nearly all objects, so that the second detection alone sets the velocity.
        let speeds = [3.0 * size + 200.0, 3.0 * size + 200.0, size, size];
        let axes = std::array::from_fn(|i| Axis::new(measured[i], noise[i], speeds[i]));
        let seen = VecDeque::from([(detection.class_id, detection.score)]);
        Self {
            id: None,
            class_id: detection.class_id,
            seen_at: now,
            over_at: now,
            rounds: [false; ROUNDS],
            is_confirmed: false,
            axes,
            seen,
        }
    }

    /// Its predicted state at `now`. Motion is extrapolated for at most `coast_for`.
    pub(super) fn prediction(&self, now: Instant, coast_for: Duration) -> Prediction {
        let axes = self.predicted(now, coast_for, 1.0);
        let spread_px = axes[0].spread_px().max(axes[1].spread_px());
        Prediction {
            bbox: bbox_of(&axes),
            spread_px,
            axes,
        }
    }

    /// Updates the object with the detection that was matched to it.
    pub(super) fn correct(
        &mut self,
        detection: &Detection,
        thresholds: &Thresholds,
        now: Instant,
        coast_for: Duration,
    ) {
        let is_over = thresholds.is_over(detection);
        let doubt = if is_over { 1.0 } else { WEAK_DOUBT };
        let measured = coordinates(&detection.bbox);
        let noise = noise_px(size_px(&detection.bbox)).map(|noise| noise * doubt);
        let mut axes = self.predicted(now, coast_for, 1.0);
        let sharp = self.predicted(now, coast_for, SHARP_TURN);
        for (i, axis) in axes.iter_mut().enumerate() {
            if axis.surprise(measured[i], noise[i]) > SURPRISE {
                *axis = sharp[i];
            }
            axis.correct(measured[i], noise[i]);
        }
        self.axes = axes;
        self.seen_at = now;
        if is_over {
            self.over_at = now;
            if self.seen.len() == REMEMBERED {
                self.seen.pop_front();
            }
            self.seen.push_back((detection.class_id, detection.score));
            self.class_id = self.likeliest_class(thresholds);
        }
    }

    /// Whether it was detected recently enough at `now` to be shown. `before`: the last update before `now`.
    pub(super) fn is_fresh(&self, now: Instant, before: Instant, limits: ShowLimits) -> bool {
        let limit = limits.of_unseen(self.seen_at >= before);
        now.saturating_duration_since(self.seen_at) <= limit
    }

    /// Stops showing the object when it was not detected, or only weakly, for too long. It then has to be
    /// confirmed again. `before`: the last update before `now`.
    pub(super) fn end_if_overdue(&mut self, now: Instant, before: Instant, limits: ShowLimits) {
        let since = |then: Instant| now.saturating_duration_since(then);
        if !self.is_fresh(now, before, limits) || since(self.over_at) > limits.weak {
            self.is_confirmed = false;
        }
    }

    /// Decides after a frame, in which it was detected as `found` or not at all, whether it is shown.
    pub(super) fn note_frame(&mut self, found: Option<&Detection>, thresholds: &Thresholds) {
        self.rounds.rotate_right(1);
        self.rounds[0] = found.is_some_and(|found| thresholds.is_over(found));
        let hits = self.rounds.iter().filter(|hit| **hit).count();
        let is_sure = found.is_some_and(|found| thresholds.is_sure(found));
        self.is_confirmed |= is_sure || hits >= ROUNDS_NEEDED;
    }

    pub(super) fn is_confirmed(&self) -> bool {
        self.is_confirmed
    }

    /// Whether the next frame can confirm it without a sure detection.
    pub(super) fn may_be_confirmed(&self) -> bool {
        let kept = self.rounds[..ROUNDS - 1].iter().filter(|hit| **hit).count();
        kept + 1 >= ROUNDS_NEEDED
    }

    /// `updated_at`: the last update.
    pub(super) fn expectation(
        &self,
        at: Instant,
        updated_at: Instant,
        coast_for: Duration,
        limits: ShowLimits,
    ) -> Expectation {
        let axes = self.predicted(at, coast_for, 1.0);
        let to = bbox_of(&axes);
        let [x, y, width, height] = axes.map(|axis| axis.spread_px());
        let beside = (x + width / 2.0) / to.width() + (y + height / 2.0) / to.height();
        let left = |since: Instant, limit: Duration| {
            limit.saturating_sub(at.saturating_duration_since(since))
        };
        let is_detected = self.seen_at >= updated_at;
        let unseen_limit = limits.of_unseen(is_detected);
        let shown_for = left(self.seen_at, unseen_limit).min(left(self.over_at, limits.weak));
        let standing = match (self.is_confirmed, self.id.is_some()) {
            (true, _) if is_detected => Standing::Detected,
            (true, _) if !shown_for.is_zero() => Standing::Missed,
            (false, false) => Standing::Unconfirmed,
            _ => Standing::Lost,
        };
        Expectation {
            from: bbox_of(&self.axes),
            to,
            error: beside,
            standing,
            shown_for,
        }
    }

    /// The track to show; `None` when it is not confirmed, or was not detected for too long.
    pub(super) fn track(
        &self,
        prediction: &Prediction,
        now: Instant,
        limits: ShowLimits,
    ) -> Option<Track> {
        let unseen = now.saturating_duration_since(self.seen_at);
        let weak = now.saturating_duration_since(self.over_at);
        if !self.is_confirmed || unseen > limits.unseen || weak > limits.weak {
            return None;
        }
        let [x, y, width, height] = prediction.axes.map(|axis| axis.sure_velocity());
        let motion = Motion {
            x,
            y,
            width,
            height,
        };
        let unseen_limit = limits.of_unseen(unseen.is_zero());
        let shown_for = unseen_limit.min(unseen + (limits.weak - weak));
        let track = Track::still(self.id?, self.class_id, self.score(), prediction.bbox);
        Some(track.moving(motion, unseen, shown_for))
    }

    /// The median of the scores of its class, which one outlier does not change.
    fn score(&self) -> f32 {
        let own = self
            .seen
            .iter()
            .filter(|(class_id, _)| *class_id == self.class_id);
        let mut scores: Vec<f32> = own.map(|&(_, score)| score).collect();
        scores.sort_by(f32::total_cmp);
        scores.get(scores.len() / 2).copied().unwrap_or(0.0)
    }

    /// The class with the largest sum of scores, of those that were detected twice, or once surely. The
    /// present class wins a tie.
    fn likeliest_class(&self, thresholds: &Thresholds) -> usize {
        let is_earned = |class_id: usize| {
            let own = self.seen.iter().filter(|seen| seen.0 == class_id);
            own.clone().count() >= ROUNDS_NEEDED
                || own
                    .clone()
                    .any(|seen| seen.1 >= thresholds.of(class_id).sure_score)
        };
        let sum = |class_id: usize| -> f32 {
            self.seen
                .iter()
                .filter(|seen| seen.0 == class_id)
                .map(|seen| seen.1)
                .sum()
        };
        let mut best = (self.class_id, sum(self.class_id));
        for &(class_id, _) in &self.seen {
            let total = sum(class_id);
            if total > best.1 && is_earned(class_id) {
                best = (class_id, total);
            }
        }
        best.0
    }

    fn predicted(&self, now: Instant, coast_for: Duration, agility: f32) -> [Axis; 4] {
        let unseen = now.saturating_duration_since(self.seen_at);
        let size = size_px(&bbox_of(&self.axes));
        let place = AGILITY * size * agility;
        let side = SIDE_AGILITY * size * agility;
        let mut axes = self.axes;
        for (axis, acceleration) in axes.iter_mut().zip([place, place, side, side]) {
            let start = axis.position;
            axis.predict(unseen.as_secs_f32(), acceleration);
            axis.position = start + axis.velocity * unseen.min(coast_for).as_secs_f32();
        }
        axes
    }
}

fn coordinates(bbox: &BBox) -> [f32; 4] {
    let (cx, cy) = bbox.centre();
    [cx, cy, bbox.width(), bbox.height()]
}

fn bbox_of(axes: &[Axis; 4]) -> BBox {
    let [cx, cy, width, height] = axes.map(|axis| axis.position);
    BBox::around(cx, cy, width.max(1.0), height.max(1.0))
}

fn size_px(bbox: &BBox) -> f32 {
    bbox.area().sqrt().max(4.0)
}

fn noise_px(size: f32) -> [f32; 4] {
    let (centre, side) = (CENTRE_NOISE * size + 0.5, SIDE_NOISE * size + 0.5);
    [centre, centre, side, side]
}

/// A Kalman filter of one coordinate: position and velocity with white-noise acceleration, in pixels
/// and seconds.
///
/// SORT (Bewley et al. 2016, arXiv:1602.00763) and ByteTrack filter eight states together. With diagonal
/// noise the four coordinates are independent, so that four small filters give the same result. The
/// noise grows with elapsed seconds, not frames: Bar-Shalom, Li, Kirubarajan, "Estimation with
/// Applications to Tracking and Navigation" (2001), section 6.2.2.
#[derive(Debug, Clone, Copy)]
pub(super) struct Axis {
    pub(super) position: f32,
    pub(super) velocity: f32,
    /// Covariances: position, position and velocity, velocity.
    p: [f32; 3],
}

impl Axis {
    /// Starts at a measurement. Of the velocity only the standard deviation is known.
    pub(super) fn new(measured: f32, noise_px: f32, speed_px_s: f32) -> Self {
        let p = [noise_px * noise_px, 0.0, speed_px_s * speed_px_s];
        Self {
            position: measured,
            velocity: 0.0,
            p,
        }
    }

    /// Predicts the state after `dt_s`. `acceleration` is the square root of the noise density, in
    /// px / s^1.5.
    pub(super) fn predict(&mut self, dt_s: f32, acceleration: f32) {
        let q = acceleration * acceleration;
        let [pp, pv, vv] = self.p;
        self.position += self.velocity * dt_s;
        self.p = [
            pp + dt_s * (2.0 * pv + dt_s * vv) + q * dt_s.powi(3) / 3.0,
            pv + dt_s * vv + q * dt_s * dt_s / 2.0,
            vv + q * dt_s,
        ];
    }

    /// Updates the state with a measurement of the standard deviation `noise_px`.
    pub(super) fn correct(&mut self, measured: f32, noise_px: f32) {
        let [pp, pv, vv] = self.p;
        let innovation = measured - self.position;
        let total = pp + noise_px * noise_px;
        let (gain, gain_v) = (pp / total, pv / total);
        self.position += gain * innovation;
        self.velocity += gain_v * innovation;
        self.p = [pp * (1.0 - gain), pv * (1.0 - gain), vv - gain_v * pv];
    }

    /// The squared distance of a measurement from the prediction, in standard deviations.
    pub(super) fn surprise(&self, measured: f32, noise_px: f32) -> f32 {
        let innovation = measured - self.position;
        innovation * innovation / (self.p[0] + noise_px * noise_px)
    }

    /// The velocity, reduced by its uncertainty (positive-part shrinkage, James and Stein 1961): objects
    /// that stand still do not jitter, and fast ones lose nearly nothing.
    pub(super) fn sure_velocity(&self) -> f32 {
        let squared = self.velocity * self.velocity;
        if squared <= self.p[2] {
            0.0
        } else {
            self.velocity * (1.0 - self.p[2] / squared)
        }
    }

    /// Standard deviation of the position.
    pub(super) fn spread_px(&self) -> f32 {
        self.p[0].max(0.0).sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_filter_learns_a_constant_speed_at_any_rate() {
        for dt_s in [1.0 / 30.0, 0.1, 0.33] {
            let mut axis = Axis::new(10.0, 2.0, 500.0);
            for step in 1..=20 {
                axis.predict(dt_s, 100.0);
                axis.correct(10.0 + 300.0 * dt_s * step as f32, 2.0);
            }
            assert!((axis.velocity - 300.0).abs() < 5.0, "{dt_s}: {axis:?}");
            assert!(axis.spread_px() < 2.0, "{axis:?}");
        }
    }

    #[test]
    fn two_measurements_are_enough_for_a_velocity() {
        let mut axis = Axis::new(0.0, 2.0, 800.0);
        axis.predict(0.1, 100.0);
        axis.correct(30.0, 2.0);
        assert!((axis.velocity - 300.0).abs() < 15.0, "{axis:?}");
    }

    #[test]
    fn smooths_what_stands_still() {
        let mut axis = Axis::new(50.0, 3.0, 800.0);
        for step in 0..60 {
            axis.predict(0.1, 40.0);
            axis.correct(if step % 2 == 0 { 53.0 } else { 47.0 }, 3.0);
        }
        assert!((axis.position - 50.0).abs() < 1.7, "{axis:?}");
    }

    #[test]
    fn no_time_no_change() {
        let mut axis = Axis::new(5.0, 1.0, 10.0);
        let before = axis.p;
        axis.predict(0.0, 100.0);
        assert_eq!(axis.p, before);
        assert_eq!(axis.surprise(5.0, 1.0), 0.0);
    }
}
