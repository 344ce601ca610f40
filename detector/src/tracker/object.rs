//! One tracked object: where it is, its scores, its class.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use super::axis::Axis;
use super::rest::Rest;
use crate::camera_motion::Shift;
use crate::detection::{BBox, Detection};
use crate::tracks::{Motion, Track};

/// The sure score is this fraction of the way from the minimum score to 1.
const SURE_MARGIN: f32 = 0.3;
/// The plain score is this fraction of the way from the minimum score to 1, as ByteTrack's for new tracks.
const PLAIN_MARGIN: f32 = 0.1;
/// How many scores and classes are remembered, as for Frigate's median over ten.
const REMEMBERED: usize = 10;
/// The last frames that decide whether an object is shown, and in how many of them it must be detected.
const ROUNDS: usize = 3;
const ROUNDS_NEEDED: usize = 2;
/// An object of no plain score is shown when it was detected so often and has left so much of its first box: things that are
/// mistaken for an object stay where they are.
const EARNED_DETECTIONS: usize = 5;
const EARNED_OVERLAP: f32 = 0.5;
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
    /// such a detection, and one of them a plain score. No track has a lower score.
    pub min_score: f32,
    /// A score that distinguishes an object from what is often mistaken for one.
    pub plain_score: f32,
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
            plain_score: min_score + (1.0 - min_score) * PLAIN_MARGIN,
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

    fn is_plain(&self, detection: &Detection) -> bool {
        detection.score >= self.of(detection.class_id).plain_score
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
    /// The last frames, newest first.
    rounds: [Round; ROUNDS],
    /// Frames since it was found, up to [`ROUNDS`].
    frames: usize,
    /// Where it was found, moved with the camera.
    first: BBox,
    is_confirmed: bool,
    /// Centre x, centre y, width, height as of `seen_at`.
    axes: [Axis; 4],
    rest: Rest,
    /// Class and score of detections with at least the minimum score, newest last.
    seen: VecDeque<(usize, f32)>,
}

/// What a frame says of an object, by the thresholds of its class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Round {
    /// It was not detected, or only weakly.
    Nothing,
    /// It had the minimum score.
    Over,
    /// It had the plain score.
    Plain,
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
    /// It was found just now, and not often enough to be shown.
    Unconfirmed,
    /// It is no longer shown, or too doubtful to be shown soon.
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
            rounds: [Round::Nothing; ROUNDS],
            frames: 0,
            first: detection.bbox,
            is_confirmed: false,
            axes,
            rest: Rest::new(measured, now),
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

    /// The whole picture has moved.
    pub(super) fn shift(&mut self, by: Shift) {
        self.axes[0].position += by.x;
        self.axes[1].position += by.y;
        self.first = self.first.moved(by.x, by.y);
        self.rest.shift(by);
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
        if is_over {
            self.rest.correct(measured, size_px(&detection.bbox), now);
        }
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
        self.frames = (self.frames + 1).min(ROUNDS);
        self.rounds[0] = match found {
            Some(found) if thresholds.is_over(found) && thresholds.is_plain(found) => Round::Plain,
            Some(found) if thresholds.is_over(found) => Round::Over,
            _ => Round::Nothing,
        };
        let hits = self.rounds.iter().filter(|round| **round != Round::Nothing);
        let is_twice = hits.count() >= ROUNDS_NEEDED;
        let is_sure = found.is_some_and(|found| thresholds.is_sure(found));
        let is_plain = self.rounds.contains(&Round::Plain);
        let is_earned = is_plain || self.id.is_some() || self.has_come_far();
        self.is_confirmed |= is_sure || is_twice && is_earned;
    }

    /// Whether it was detected often and has moved away, apart from the camera.
    fn has_come_far(&self) -> bool {
        self.seen.len() >= EARNED_DETECTIONS
            && bbox_of(&self.axes).iou(&self.first) < EARNED_OVERLAP
    }

    pub(super) fn is_confirmed(&self) -> bool {
        self.is_confirmed
    }

    /// Whether the next frame can confirm it without a sure detection.
    pub(super) fn may_be_confirmed(&self) -> bool {
        let kept = self.rounds[..ROUNDS - 1].iter();
        kept.filter(|round| **round != Round::Nothing).count() + 1 >= ROUNDS_NEEDED
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
            (false, false) if self.frames < ROUNDS => Standing::Unconfirmed,
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
        let moving = Motion {
            x,
            y,
            width,
            height,
        };
        let (bbox, motion) = match self.rest.place(self.seen_at) {
            Some([cx, cy, width, height]) => {
                (BBox::around(cx, cy, width, height), Motion::default())
            }
            None => (prediction.bbox, moving),
        };
        let unseen_limit = limits.of_unseen(unseen.is_zero());
        let shown_for = unseen_limit.min(unseen + (limits.weak - weak));
        let track = Track::still(self.id?, self.class_id, self.score(), bbox);
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
