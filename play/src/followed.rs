//! Which objects are in view without doubt: followed for a moment, with a steady score and one class. Pure.
//!
//! A track that flickers between two classes is in doubt, whether the tracker changes the class of one track or begins
//! another track at the same place. A track that gets another id, with the same class at the same place, is not.

use std::time::{Duration, Instant};

use crate::seen::{Region, SeenFrame, SeenObject};

/// How long an object must be followed. With the next frame after it, a find counts within 0.3 s from 7 frames
/// a second on; a slower detector needs two frames.
const STEADY_FOR: Duration = Duration::from_millis(150);
/// Frames in which it must have been detected, not predicted.
const DETECTIONS_MIN: u32 = 2;
/// The lowest score of a steady object.
const SCORE_MIN: f32 = 0.45;
/// How much the score of a steady object may vary.
const SCORE_SPREAD_MAX: f32 = 0.3;
/// An object that was not seen for longer starts again.
const GAP_MAX: Duration = Duration::from_millis(500);
/// How long another class at the same place keeps an object in doubt.
const DOUBT: Duration = Duration::from_secs(1);
/// From this overlap on, two boxes are at the same place.
const SAME_PLACE_IOU: f32 = 0.5;
/// Another class causes doubt if its score is at most this much lower.
const RIVAL_MARGIN: f32 = 0.15;
/// Bounds the work on hostile pictures.
const FOLLOWED_MAX: usize = 256;

#[derive(Debug)]
struct FollowedObject {
    track_id: u64,
    class_id: usize,
    region: Region,
    /// Since when nothing has put it in doubt.
    steady_since: Instant,
    detections: u32,
    lowest: f32,
    highest: f32,
    last_at: Instant,
    was_detected: bool,
    class_changed_at: Option<Instant>,
}

impl FollowedObject {
    fn new(object: &SeenObject, at: Instant) -> Self {
        Self {
            track_id: object.track_id,
            class_id: object.class_id,
            region: object.region,
            steady_since: at,
            detections: u32::from(!object.is_coasting),
            lowest: object.score,
            highest: object.score,
            last_at: at,
            was_detected: !object.is_coasting,
            class_changed_at: None,
        }
    }

    fn update(&mut self, object: &SeenObject, at: Instant) {
        let changed_at = if object.class_id == self.class_id {
            self.class_changed_at
        } else {
            Some(at)
        };
        let (lowest, highest) = (
            self.lowest.min(object.score),
            self.highest.max(object.score),
        );
        let is_continued = changed_at == self.class_changed_at
            && lowest >= SCORE_MIN
            && highest - lowest <= SCORE_SPREAD_MAX
            && at.saturating_duration_since(self.last_at) <= GAP_MAX;
        if !is_continued {
            *self = Self::new(object, at);
            self.class_changed_at = changed_at;
            return;
        }
        self.track_id = object.track_id;
        self.region = object.region;
        self.detections = self
            .detections
            .saturating_add(u32::from(!object.is_coasting));
        (self.lowest, self.highest) = (lowest, highest);
        self.last_at = at;
        self.was_detected = !object.is_coasting;
    }

    fn is_steady(&self, at: Instant) -> bool {
        let since = |then: Instant| at.saturating_duration_since(then);
        self.last_at == at
            && self.was_detected
            && self.detections >= DETECTIONS_MIN
            && self.lowest >= SCORE_MIN
            && since(self.steady_since) >= STEADY_FOR
            && self
                .class_changed_at
                .is_none_or(|changed| since(changed) >= DOUBT)
    }

    /// Whether `other` puts it in doubt.
    fn is_rivalled_by(&self, other: &Self) -> bool {
        other.class_id != self.class_id
            && other.highest >= self.lowest - RIVAL_MARGIN
            && other.region.iou(&self.region) >= SAME_PLACE_IOU
    }
}

/// An object in view without doubt.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct SteadyObject {
    pub(crate) track_id: u64,
    pub(crate) class_id: usize,
    pub(crate) region: Region,
}

/// All objects of the last second.
#[derive(Debug, Default)]
pub(crate) struct FollowedObjects {
    all: Vec<FollowedObject>,
    source_number: u64,
    at: Option<Instant>,
}

impl FollowedObjects {
    /// A frame that was captured before the last one is left out.
    pub(crate) fn observe(&mut self, frame: &SeenFrame) {
        if frame.source_number != self.source_number {
            self.all.clear();
            self.source_number = frame.source_number;
            self.at = None;
        }
        let at = frame.captured_at;
        if self.at.is_some_and(|last| at <= last) {
            return;
        }
        self.at = Some(at);
        self.all
            .retain(|one| at.saturating_duration_since(one.last_at) <= DOUBT);
        for object in frame.usable() {
            let is_full = self.all.len() >= FOLLOWED_MAX;
            match self.earlier(object, frame) {
                Some(earlier) => earlier.update(object, at),
                None if is_full => {}
                None => self.all.push(FollowedObject::new(object, at)),
            }
        }
    }

    /// The same track, else what was lost at the same place with the same class.
    fn earlier(&mut self, object: &SeenObject, frame: &SeenFrame) -> Option<&mut FollowedObject> {
        let is_live = |track_id| frame.usable().any(|other| other.track_id == track_id);
        let same = self
            .all
            .iter()
            .position(|one| one.track_id == object.track_id);
        let found = same.or_else(|| {
            self.all.iter().position(|one| {
                one.class_id == object.class_id
                    && one.region.iou(&object.region) >= SAME_PLACE_IOU
                    && !is_live(one.track_id)
            })
        });
        found.map(|index| &mut self.all[index])
    }

    /// Those of the last frame.
    pub(crate) fn steady(&self) -> impl Iterator<Item = SteadyObject> {
        let is_steady = move |one: &&FollowedObject| {
            self.at.is_some_and(|at| one.is_steady(at))
                && !self.all.iter().any(|other| one.is_rivalled_by(other))
        };
        self.all.iter().filter(is_steady).map(|one| SteadyObject {
            track_id: one.track_id,
            class_id: one.class_id,
            region: one.region,
        })
    }

    /// Whether something of the class was seen within the last second, in doubt or not.
    pub(crate) fn has_seen(&self, class_id: usize) -> bool {
        self.all.iter().any(|one| one.class_id == class_id)
    }
}

#[cfg(test)]
mod tests;
