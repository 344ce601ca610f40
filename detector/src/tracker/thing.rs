//! One followed thing: its filters, its scores, its class.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::TrackerConfig;
use super::kalman::Axis;
use crate::bbox::BBox;
use crate::detection::Detection;
use crate::tracks::{Motion, Track};

/// Scores and classes remembered, as in Frigate's median over ten.
const REMEMBERED: usize = 10;
/// Rounds that decide whether a thing is shown, and how many of them must have found it.
const ROUNDS: usize = 3;
const ROUNDS_NEEDED: usize = 2;
/// Noise of weak detections, against the others.
const WEAK_DOUBT: f32 = 2.0;
/// A detected centre strays by about this part of the box's size, plus half a pixel.
const CENTRE_NOISE: f32 = 0.025;
/// Sides stray more than centres: one edge is often the uncertain one.
const SIDE_NOISE: f32 = 0.04;
/// Things turn and stop with about this many of their own sizes per s^1.5.
const AGILITY: f32 = 1.2;
/// Sides change more slowly than places.
const SIDE_AGILITY: f32 = 0.4;
/// A prediction this many standard deviations off (squared) means that the thing turned sharply.
const SURPRISE: f32 = 4.0;
/// How much more agile it is then taken to be.
const SHARP_TURN: f32 = 5.0;

#[derive(Debug, Clone)]
pub(super) struct Thing {
    /// Given when it is first shown, so that what is dismissed at once uses no number up.
    pub(super) id: Option<u64>,
    pub(super) class_id: usize,
    pub(super) seen_at: Instant,
    /// Last detected with the least score or more.
    over_at: Instant,
    /// Whether the last rounds detected it with the least score or more, newest first.
    rounds: [bool; ROUNDS],
    is_confirmed: bool,
    /// Centre x, centre y, width, height as of `seen_at`.
    axes: [Axis; 4],
    /// Class and score of detections with the least score or more, newest last.
    seen: VecDeque<(usize, f32)>,
}

/// How long a confirmed thing stays shown.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hold {
    /// Without any detection.
    pub(super) unseen: Duration,
    /// Without a detection of the least score or more.
    pub(super) weak: Duration,
}

/// A thing carried on to a later time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Guess {
    pub(super) bbox: BBox,
    /// Standard deviation of its centre.
    pub(super) spread_px: f32,
    axes: [Axis; 4],
}

impl Thing {
    pub(super) fn new(detection: &Detection, now: Instant) -> Self {
        let measured = coordinates(&detection.bbox);
        let size = size_px(&detection.bbox);
        let noise = noise_px(size);
        // Faster than nearly everything: the second detection alone then sets the velocity.
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

    /// Where it is at `now`, its motion believed for `coast_for` at most.
    pub(super) fn guess(&self, now: Instant, coast_for: Duration) -> Guess {
        let axes = self.predicted(now, coast_for, 1.0);
        let spread_px = axes[0].spread_px().max(axes[1].spread_px());
        Guess {
            bbox: bbox_of(&axes),
            spread_px,
            axes,
        }
    }

    /// Takes the detection that was found to be this thing.
    pub(super) fn correct(
        &mut self,
        detection: &Detection,
        config: &TrackerConfig,
        now: Instant,
        coast_for: Duration,
    ) {
        let is_over = config.is_over(detection);
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
            self.class_id = self.likeliest_class(config);
        }
    }

    /// Ends being shown when it was not detected, or only weakly, for too long: it then has to be
    /// confirmed again.
    pub(super) fn end_if_overdue(&mut self, now: Instant, hold: Hold) {
        let since = |then: Instant| now.saturating_duration_since(then);
        if since(self.seen_at) > hold.unseen || since(self.over_at) > hold.weak {
            self.is_confirmed = false;
        }
    }

    /// Decides after a round, which found it as `found` or not at all, whether it is to be shown.
    pub(super) fn judge(&mut self, found: Option<&Detection>, config: &TrackerConfig) {
        self.rounds.rotate_right(1);
        self.rounds[0] = found.is_some_and(|found| config.is_over(found));
        let hits = self.rounds.iter().filter(|hit| **hit).count();
        let is_sure = found.is_some_and(|found| config.is_sure(found));
        self.is_confirmed |= is_sure || hits >= ROUNDS_NEEDED;
    }

    pub(super) fn is_confirmed(&self) -> bool {
        self.is_confirmed
    }

    /// Whether the next round can confirm it other than by a sure detection.
    pub(super) fn may_be_confirmed(&self) -> bool {
        let kept = self.rounds[..ROUNDS - 1].iter().filter(|hit| **hit).count();
        kept + 1 >= ROUNDS_NEEDED
    }

    /// As shown to the world; only confirmed things are.
    pub(super) fn track(&self, guess: &Guess, now: Instant, hold: Hold) -> Option<Track> {
        let unseen = now.saturating_duration_since(self.seen_at);
        let weak = now.saturating_duration_since(self.over_at);
        if !self.is_confirmed || unseen > hold.unseen || weak > hold.weak {
            return None;
        }
        let [x, y, width, height] = guess.axes.map(|axis| axis.sure_velocity());
        let motion = Motion {
            x,
            y,
            width,
            height,
        };
        let shown_for = hold.unseen.min(unseen + (hold.weak - weak));
        let track = Track::still(self.id?, self.class_id, self.score(), guess.bbox);
        Some(track.moving(motion, unseen, shown_for))
    }

    /// Median of what was seen of its class, so that one odd frame changes nothing.
    fn score(&self) -> f32 {
        let own = self
            .seen
            .iter()
            .filter(|(class_id, _)| *class_id == self.class_id);
        let mut scores: Vec<f32> = own.map(|&(_, score)| score).collect();
        scores.sort_by(f32::total_cmp);
        scores.get(scores.len() / 2).copied().unwrap_or(0.0)
    }

    /// The class with the greatest sum of scores among those that could be shown by themselves: seen
    /// twice or surely. The present one wins a tie.
    fn likeliest_class(&self, config: &TrackerConfig) -> usize {
        let is_earned = |class_id: usize| {
            let own = self.seen.iter().filter(|seen| seen.0 == class_id);
            own.clone().count() >= ROUNDS_NEEDED
                || own.clone().any(|seen| seen.1 >= config.sure_score)
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
