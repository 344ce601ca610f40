//! The persons in the picture, followed through short losses and changed ids of their tracks. Pure.

use std::time::{Duration, Instant};

use crate::seen::{Region, SeenFrame, SeenObject};

/// From then on a person counts: a false alarm of a frame or two does not.
const SETTLED_AFTER: Duration = Duration::from_millis(300);
const DETECTIONS_MIN: u32 = 2;
/// A person who is not detected for this long still counts.
pub(crate) const DROPOUT: Duration = Duration::from_millis(400);
/// A person who is not detected for this long is forgotten. Until then a new track at the same place continues the person.
const FORGOTTEN_AFTER: Duration = Duration::from_millis(1500);
const SAME_PLACE_IOU: f32 = 0.3;
/// Two boxes that overlap more are the same person, detected twice.
const DOUBLE_IOU: f32 = 0.7;
/// The lowest score of a person.
const SCORE_MIN: f32 = 0.35;
const PERSONS_MAX: usize = 128;

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Person {
    /// Stays the same when the track changes.
    pub(crate) number: u64,
    pub(crate) track_id: u64,
    /// Without the jitter of single frames.
    pub(crate) region: Region,
    pub(crate) last_at: Instant,
    since: Instant,
    detections: u32,
}

impl Person {
    fn follow(&mut self, object: &SeenObject, at: Instant) {
        self.track_id = object.track_id;
        self.region = self.region.halfway(&object.region);
        self.last_at = at;
        self.detections = self.detections.saturating_add(1);
    }

    fn is_present(&self, at: Instant) -> bool {
        let since = |then| at.saturating_duration_since(then);
        since(self.last_at) <= DROPOUT
            && since(self.since) >= SETTLED_AFTER
            && self.detections >= DETECTIONS_MIN
    }
}

#[derive(Debug)]
pub(crate) struct FollowedPeople {
    class_id: usize,
    all: Vec<Person>,
    next_number: u64,
    source_number: u64,
    at: Option<Instant>,
}

impl FollowedPeople {
    /// `class_id`: what stands for a person.
    pub(crate) fn new(class_id: usize) -> Self {
        Self {
            class_id,
            all: Vec::new(),
            next_number: 0,
            source_number: 0,
            at: None,
        }
    }

    /// Whether the frame was taken; one that was captured before the last one is left out.
    pub(crate) fn observe(&mut self, frame: &SeenFrame) -> bool {
        if frame.source_number != self.source_number {
            self.all.clear();
            self.source_number = frame.source_number;
            self.at = None;
        }
        let at = frame.captured_at;
        if self.at.is_some_and(|last| at <= last) {
            return false;
        }
        self.at = Some(at);
        let is_recent =
            |person: &Person| at.saturating_duration_since(person.last_at) <= FORGOTTEN_AFTER;
        self.all.retain(is_recent);
        let is_person = |object: &&SeenObject| {
            object.class_id == self.class_id && object.score >= SCORE_MIN && !object.is_coasting
        };
        let mut strangers = Vec::new();
        for object in frame.usable().filter(is_person) {
            match self
                .all
                .iter_mut()
                .find(|person| person.track_id == object.track_id)
            {
                Some(person) => person.follow(object, at),
                None => strangers.push(object),
            }
        }
        for object in strangers {
            match self.lost_at(&object.region, at) {
                Some(person) => person.follow(object, at),
                None => self.add(object, at),
            }
        }
        true
    }

    fn lost_at(&mut self, region: &Region, at: Instant) -> Option<&mut Person> {
        let lost = self.all.iter_mut().filter(|person| person.last_at < at);
        let overlap = |person: &Person| person.region.iou(region);
        lost.filter(|person| overlap(person) >= SAME_PLACE_IOU)
            .max_by(|a, b| overlap(a).total_cmp(&overlap(b)))
    }

    fn add(&mut self, object: &SeenObject, at: Instant) {
        if self.all.len() >= PERSONS_MAX {
            return;
        }
        self.all.push(Person {
            number: self.next_number,
            track_id: object.track_id,
            region: object.region,
            last_at: at,
            since: at,
            detections: 1,
        });
        self.next_number += 1;
    }

    /// Those who count at the last frame, each once.
    pub(crate) fn present(&self) -> Vec<&Person> {
        let mut present: Vec<&Person> = Vec::new();
        let Some(at) = self.at else {
            return present;
        };
        for person in self.all.iter().filter(|person| person.is_present(at)) {
            let is_double = |other: &&Person| other.region.iou(&person.region) > DOUBLE_IOU;
            if !present.iter().any(is_double) {
                present.push(person);
            }
        }
        present
    }
}

#[cfg(test)]
mod tests;
