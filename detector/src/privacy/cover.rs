//! Where persons and faces are, or may be: boxes that follow sightings, grow with predicted motion, and
//! stay for a while after they were lost. Pure: time advances only with its arguments.

#[cfg(test)]
mod tests;

use std::time::{Duration, Instant};

use capture::canvas::Rect;

use super::sighting::{Sighted, SightedKind, Sighting};
use crate::detection::BBox;

/// How long a person stays hidden after the last sighting.
const LOST_FOR: Duration = Duration::from_secs(1);
/// Motion is predicted for at most this long.
const FURTHEST: Duration = Duration::from_millis(400);
/// The margin on each side, as a share of the width and of the height: boxes of small models waver by
/// this much around a person.
const MARGIN: (f32, f32) = (0.12, 0.08);
/// The margin of a face, whose hair and ears tell much too.
const FACE_MARGIN: (f32, f32) = (0.25, 0.2);
const LEAST_MARGIN_PX: f32 = 4.0;
/// Growth in box sizes per second for motion that cannot be predicted, of a box that was seen twice.
const UNSTEADY: f32 = 0.3;
/// As above for one that was seen once, so that nothing is known of its motion.
const UNKNOWN: f32 = 0.9;
/// A box grows by at most this many times its size.
const MOST_GROWTH: f32 = 1.5;
/// The least IoU between the predicted and the seen box of the same person.
const LEAST_OVERLAP: f32 = 0.1;
/// Without that, the farthest distance of their centres in widths: fast walkers at few detections.
const FARTHEST_WIDTHS: f32 = 1.5;
/// The weight of the newest measurement of a speed.
const NEWEST_WEIGHT: f32 = 0.6;
/// A face from this score on shows where the head of its person is.
const SURE_FACE: f32 = 0.4;
/// A person or a face from this score on explains motion while only faces are hidden.
const CERTAIN: f32 = 0.25;
/// The head is in this share of the height of a whole person, from above.
const HEAD_OF_HEIGHT: f32 = 1.0 / 3.0;
/// Of a person who is cut off below, the head is as high as this share of the width.
const HEAD_OF_WIDTH: f32 = 0.8;
/// More persons and faces than this are the whole picture.
const MOST: usize = 96;

/// One person or face.
#[derive(Debug, Clone)]
struct Covered {
    kind: SightedKind,
    score: f32,
    bbox: BBox,
    /// Of the left, top, right and bottom edge in pixels per second; `None`: seen once.
    speed: Option<[f32; 4]>,
    seen_at: Instant,
}

/// All persons and faces that are, or were lately, in the picture.
#[derive(Debug, Default)]
pub(super) struct Cover {
    items: Vec<Covered>,
    /// For each item, whether the sighting at hand has it.
    taken: Vec<bool>,
    /// For each item, whether the face of this person is covered by itself.
    has_face: Vec<bool>,
    sighted_at: Option<Instant>,
}

impl Cover {
    pub(super) fn forget(&mut self) {
        self.items.clear();
        self.sighted_at = None;
    }

    /// Takes a sighting. `false` when there is too much to follow.
    pub(super) fn update(&mut self, sighting: &Sighting) -> bool {
        let now = sighting.captured_at;
        self.items
            .retain(|item| now.saturating_duration_since(item.seen_at) <= LOST_FOR);
        self.sighted_at = Some(now);
        self.taken.clear();
        self.taken.resize(self.items.len(), false);
        for found in &sighting.items {
            match self.nearest(found, now) {
                Some(index) => {
                    self.taken[index] = true;
                    self.items[index].see(found, now);
                }
                None => {
                    self.taken.push(true);
                    self.items.push(Covered::new(found, now));
                }
            }
        }
        self.items.len() <= MOST
    }

    /// The item that `found` continues.
    fn nearest(&self, found: &Sighted, now: Instant) -> Option<usize> {
        let likeness = |item: &Covered| {
            let predicted = item.moved(seconds(item.seen_at, now));
            let overlap = predicted.iou(&found.bbox);
            if overlap >= LEAST_OVERLAP {
                return Some(1.0 + overlap);
            }
            let ((x, y), (other_x, other_y)) = (predicted.centre(), found.bbox.centre());
            let size = predicted.width().max(1.0);
            let distance = (x - other_x).hypot(y - other_y) / size;
            let ratio = found.bbox.height() / predicted.height().max(1.0);
            let is_near = distance <= FARTHEST_WIDTHS && (0.5..=2.0).contains(&ratio);
            is_near.then(|| 1.0 - distance / FARTHEST_WIDTHS)
        };
        let free = self.items.iter().zip(&self.taken).enumerate();
        let alike = free.filter_map(|(index, (item, taken))| {
            let fits = !*taken && item.kind == found.kind && item.seen_at < now;
            Some((index, likeness(item).filter(|_| fits)?))
        });
        alike
            .max_by(|a, b| a.1.total_cmp(&b.1))
            .map(|(index, _)| index)
    }

    /// Appends the areas where whole persons and faces may be in a picture captured at `at`.
    pub(super) fn people(&self, at: Instant, areas: &mut Vec<Rect>) {
        areas.extend(self.present(at).map(|item| item.area(&item.bbox, at)));
    }

    /// As [`Cover::people`], of those alone of whom it is certain where their heads are: motion elsewhere
    /// may be a face.
    pub(super) fn certain(&self, at: Instant, areas: &mut Vec<Rect>) {
        let newest = self.sighted_at;
        let certain = |item: &&Covered| Some(item.seen_at) == newest && item.score >= CERTAIN;
        let items = self.items.iter().filter(certain);
        areas.extend(items.map(|item| item.area(&item.bbox, at)));
    }

    /// Appends the areas of faces, and of the heads of persons without a face.
    pub(super) fn faces(&mut self, at: Instant, areas: &mut Vec<Rect>) {
        self.assign_faces();
        let with_face = self.items.iter().zip(&self.has_face);
        let areas_of = with_face.filter_map(|(item, has_face)| {
            let is_present = item.is_present(at);
            let bbox = match item.kind {
                SightedKind::Face => item.bbox,
                SightedKind::Person => head_of(&item.bbox),
            };
            (is_present && !*has_face).then(|| item.area(&bbox, at))
        });
        areas.extend(areas_of);
    }

    /// The boxes of persons with at least `score`, predicted to `at`.
    pub(super) fn persons(&self, at: Instant, score: f32) -> impl Iterator<Item = BBox> {
        let sure = move |item: &&Covered| item.kind == SightedKind::Person && item.score >= score;
        let newest = self.sighted_at;
        self.present(at)
            .filter(sure)
            .filter(move |item| Some(item.seen_at) == newest)
            .map(move |item| item.moved(seconds(item.seen_at, at)))
    }

    /// Marks the persons whose face was seen in the last sighting. A face belongs to one person, so that
    /// of two who overlap the other one's head stays hidden.
    fn assign_faces(&mut self) {
        self.has_face.clear();
        self.has_face.resize(self.items.len(), false);
        let newest = self.sighted_at;
        let is_current = |item: &&Covered| Some(item.seen_at) == newest;
        let is_face = |item: &&Covered| item.kind == SightedKind::Face && item.score >= SURE_FACE;
        for face in self.items.iter().filter(is_current).filter(is_face) {
            let (x, y) = face.bbox.centre();
            let distance = |item: &Covered| {
                let (bbox, head) = (&item.bbox, head_of(&item.bbox));
                let (head_x, head_y) = head.centre();
                let is_inside =
                    (bbox.x1..=bbox.x2).contains(&x) && (bbox.y1..=head.y2).contains(&y);
                let is_person = item.kind == SightedKind::Person;
                (is_person && is_inside).then(|| (x - head_x).hypot(y - head_y))
            };
            let persons = self.items.iter().enumerate();
            let near = persons
                .filter(|(_, item)| is_current(item))
                .filter_map(|(index, item)| Some((index, distance(item)?)));
            if let Some((index, _)) = near.min_by(|a, b| a.1.total_cmp(&b.1)) {
                self.has_face[index] = true;
            }
        }
    }

    fn present(&self, at: Instant) -> impl Iterator<Item = &Covered> {
        self.items.iter().filter(move |item| item.is_present(at))
    }
}

impl Covered {
    fn new(found: &Sighted, now: Instant) -> Self {
        Self {
            kind: found.kind,
            score: found.score,
            bbox: found.bbox,
            speed: None,
            seen_at: now,
        }
    }

    fn see(&mut self, found: &Sighted, now: Instant) {
        let passed = seconds(self.seen_at, now).max(0.001);
        let (before, after) = (edges(&self.bbox), edges(&found.bbox));
        let measured = std::array::from_fn(|edge| (after[edge] - before[edge]) / passed);
        self.speed = Some(match self.speed {
            None => measured,
            Some(speed) => std::array::from_fn(|edge| {
                speed[edge] + (measured[edge] - speed[edge]) * NEWEST_WEIGHT
            }),
        });
        (self.bbox, self.score, self.seen_at) = (found.bbox, found.score, now);
    }

    fn is_present(&self, at: Instant) -> bool {
        at.saturating_duration_since(self.seen_at) <= LOST_FOR
    }

    /// The box after `seconds`, by the motion of its centre.
    fn moved(&self, seconds: f32) -> BBox {
        let [left, top, right, bottom] = self.speed.unwrap_or_default();
        let (cx, cy) = self.bbox.centre();
        BBox::around(
            cx + (left + right) / 2.0 * seconds,
            cy + (top + bottom) / 2.0 * seconds,
            self.bbox.width(),
            self.bbox.height(),
        )
    }

    /// Where the part `bbox` of it may be at `at`: as it was seen, grown by what each edge may have moved
    /// outwards since, and by the margins.
    fn area(&self, bbox: &BBox, at: Instant) -> Rect {
        // Backwards in time, edges move the other way.
        let is_before = at < self.seen_at;
        let seconds = match is_before {
            true => -seconds(at, self.seen_at),
            false => seconds(self.seen_at, at),
        };
        let (width, height) = (self.bbox.width(), self.bbox.height());
        let [left, top, right, bottom] = self.speed.unwrap_or_default();
        // The lower edge of a head moves with the upper one of the person.
        let is_part = bbox.y2 < self.bbox.y2;
        let bottom = if is_part { top } else { bottom };
        let rate = if self.speed.is_some() {
            UNSTEADY
        } else {
            UNKNOWN
        };
        let margin = match self.kind {
            SightedKind::Person => MARGIN,
            SightedKind::Face => FACE_MARGIN,
        };
        let grow = |speed: f32, size: f32, margin: f32| {
            let moved = (speed * seconds).max(0.0) + rate * size * seconds.abs();
            moved.min(size * MOST_GROWTH) + (size * margin).max(LEAST_MARGIN_PX)
        };
        // Casts of floats to integers saturate.
        let (x1, y1) = (
            (bbox.x1 - grow(-left, width, margin.0)).floor() as i32,
            (bbox.y1 - grow(-top, height, margin.1)).floor() as i32,
        );
        let (x2, y2) = (
            (bbox.x2 + grow(right, width, margin.0)).ceil() as i32,
            (bbox.y2 + grow(bottom, height, margin.1)).ceil() as i32,
        );
        Rect::new(x1, y1, x2.saturating_sub(x1), y2.saturating_sub(y1))
    }
}

/// The time from `from` to `to`, at most [`FURTHEST`].
fn seconds(from: Instant, to: Instant) -> f32 {
    to.saturating_duration_since(from)
        .min(FURTHEST)
        .as_secs_f32()
}

fn edges(bbox: &BBox) -> [f32; 4] {
    [bbox.x1, bbox.y1, bbox.x2, bbox.y2]
}

/// The part of a person's box in which the head is.
fn head_of(person: &BBox) -> BBox {
    let (width, height) = (person.width(), person.height());
    let depth = (height * HEAD_OF_HEIGHT).max(width * HEAD_OF_WIDTH);
    BBox {
        y2: person.y1 + depth.min(height),
        ..*person
    }
}
