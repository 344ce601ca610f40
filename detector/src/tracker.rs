//! The tracker: follows detections from frame to frame, with stable ids, smoothed scores and motion.
//!
//! Based on ByteTrack (Zhang et al. 2022, arXiv:2110.06864): detections of a high score are matched to
//! objects first, then those of a low score. Only detections of at least `min_score` begin a track,
//! count for its score and keep it shown. Time is measured in seconds, not frames, because inference
//! runs 3 to 30 times a second. Pure: time advances only with [`Tracker::update`].

mod axis;
mod matching;
mod object;
mod rest;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::camera_motion::Shift;
use crate::detection::{BBox, Detection};
use crate::tracks::{FURTHEST_AHEAD, Track};
use matching::FrameMatching;
use object::{ShowLimits, TrackedObject};

pub use object::TrackerConfig;
pub(crate) use object::{Expectation, Standing, Thresholds};

/// The most detections of one frame, and the most objects. Bounds the work on hostile pictures.
const MOST: usize = 256;
/// The least IoU between an object and a weak detection of it.
const WEAK_OVERLAP: f32 = 0.4;
/// From this IoU on, a detection of another class counts as the same object.
const RENAMED_OVERLAP: f32 = 0.7;
/// Above this IoU with a matched detection, another of the same class is a duplicate that NMS kept.
const DOUBLE_OVERLAP: f32 = 0.7;
/// As above for another class, where objects really overlap more (a rider and the horse).
const DOUBLE_OTHER_OVERLAP: f32 = 0.85;
/// Above this IoU with a detected object, one that was not detected is hidden.
const HIDDEN_OVERLAP: f32 = 0.5;

/// A camera's motion over a longer time tells nothing about the next moment.
const LONGEST_CAMERA_STEP: Duration = Duration::from_millis(500);

/// Turns the detections of each frame into tracks.
#[derive(Debug)]
pub struct Tracker {
    thresholds: Thresholds,
    objects: Vec<TrackedObject>,
    next_id: u64,
    updated_at: Option<Instant>,
    /// The smoothed interval between updates; `None` before the second.
    period: Option<Duration>,
    dropped: u64,
    /// How long a frame without motion may go undetected.
    rest: Duration,
    /// How far everything moves in the picture in a second, because the camera moves.
    camera: Shift,
}

impl Tracker {
    #[must_use]
    pub fn new(config: TrackerConfig) -> Self {
        Self::counting_from(config, 1)
    }

    /// As [`Tracker::new`], with the id of the first track: [`Tracker::next_id`] of the tracker before it.
    pub(crate) fn counting_from(config: TrackerConfig, next_id: u64) -> Self {
        Self {
            thresholds: Thresholds::new(config, BTreeMap::new()),
            objects: Vec::new(),
            next_id,
            updated_at: None,
            period: None,
            dropped: 0,
            rest: Duration::ZERO,
            camera: Shift::default(),
        }
    }

    pub(crate) fn next_id(&self) -> u64 {
        self.next_id
    }

    /// Gives new tracks ids from this one on, where another tracker has given those below it.
    pub(crate) fn count_on_from(&mut self, next_id: u64) {
        self.next_id = self.next_id.max(next_id);
    }

    /// Follows other thresholds from the next frame on.
    pub(crate) fn configure(&mut self, thresholds: Thresholds) {
        self.thresholds = thresholds;
    }

    /// Keeps what the last frame showed for so long, since the next one is detected only then if nothing moves.
    pub(crate) fn allow_rest(&mut self, rest: Duration) {
        self.rest = rest;
    }

    /// How many detections and objects were dropped because there were too many at once.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Drops all objects, because the source has changed. Ids count on.
    pub(crate) fn forget(&mut self) {
        self.objects.clear();
        (self.updated_at, self.period) = (None, None);
        self.camera = Shift::default();
    }

    /// Takes the detections of the frame captured at `captured_at`, later than the previous one. Returns
    /// the tracks to show, by ascending id.
    pub fn update(&mut self, detections: &[Detection], captured_at: Instant) -> Vec<Track> {
        self.update_moved(detections, captured_at, Shift::default())
    }

    /// As [`Tracker::update`], with how far everything has moved in the picture since the previous frame, because the
    /// camera has.
    pub(crate) fn update_moved(
        &mut self,
        detections: &[Detection],
        captured_at: Instant,
        moved: Shift,
    ) -> Vec<Track> {
        let before = self.updated_at.unwrap_or(captured_at);
        self.keep_time(captured_at);
        self.follow_camera(moved, captured_at.saturating_duration_since(before));
        let lost_for = self.lost_for();
        self.objects
            .retain(|object| captured_at.saturating_duration_since(object.seen_at) <= lost_for);
        let detections = self.worth_a_look(detections);
        let mut frame =
            FrameMatching::new(&self.objects, &detections, captured_at, self.coast_for());
        let over = |detection: &Detection| self.thresholds.is_over(detection);
        let limits = self.limits();
        let fresh = |object: &TrackedObject| object.is_fresh(captured_at, before, limits);
        let same = |object: &TrackedObject, found: &Detection| object.class_id == found.class_id;
        // Objects that were shown come first.
        for known in [true, false] {
            frame.pair(|object, prediction, found| {
                let is_turn = object.id.is_some() == known;
                let fits = is_turn && over(found) && same(object, found);
                fits.then(|| matching::cost(prediction, &found.bbox))
                    .flatten()
            });
        }
        frame.pair(|object, prediction, found| {
            let fits = fresh(object) && !over(found) && same(object, found);
            let overlap = prediction.bbox.iou(&found.bbox);
            (fits && overlap >= WEAK_OVERLAP).then_some(1.0 - overlap)
        });
        frame.pair(|object, prediction, found| {
            let overlap = prediction.bbox.iou(&found.bbox);
            let named = object.is_confirmed() && fresh(object);
            let fits = named && over(found) && overlap >= RENAMED_OVERLAP;
            fits.then_some(1.0 - overlap)
        });
        let pairs = frame.pairs;
        let taken = self.correct(&detections, &pairs, captured_at, before);
        self.start(&detections, &pairs, taken, captured_at);
        self.shown(captured_at)
    }

    /// What is expected of each object at `at`, after the last update.
    pub(crate) fn expectations(&self, at: Instant) -> impl Iterator<Item = Expectation> {
        let updated_at = self.updated_at.unwrap_or(at);
        let (coast_for, limits, camera) = (self.coast_for(), self.limits(), self.camera);
        self.objects
            .iter()
            .map(move |object| object.expectation(at, updated_at, coast_for, limits))
            .map(move |mut object| {
                let ahead = at.saturating_duration_since(updated_at).min(coast_for);
                let ahead = ahead.as_secs_f32();
                object.to = object.to.moved(camera.x * ahead, camera.y * ahead);
                object
            })
    }

    fn follow_camera(&mut self, moved: Shift, step: Duration) {
        let seconds = step.as_secs_f32();
        self.camera = match step.is_zero() || step > LONGEST_CAMERA_STEP {
            true => Shift::default(),
            // The mean of two steps, since a hand that shakes turns back at once.
            false => Shift {
                x: (self.camera.x + moved.x / seconds) / 2.0,
                y: (self.camera.y + moved.y / seconds) / 2.0,
            },
        };
        for object in &mut self.objects {
            object.shift(moved);
        }
    }

    fn keep_time(&mut self, now: Instant) {
        if let Some(before) = self.updated_at.replace(now) {
            let step = now
                .saturating_duration_since(before)
                .min(Duration::from_secs(2));
            self.period = Some((self.period.unwrap_or(step) * 3 + step) / 4);
        }
    }

    fn worth_a_look(&mut self, detections: &[Detection]) -> Vec<Detection> {
        let mut kept: Vec<Detection> = detections
            .iter()
            .filter(|d| self.plausible(d))
            .copied()
            .collect();
        kept.sort_by(|a, b| b.score.total_cmp(&a.score));
        // overflow: counted (the lowest scores go)
        self.dropped += kept.len().saturating_sub(MOST) as u64;
        kept.truncate(MOST);
        kept
    }

    fn plausible(&self, detection: &Detection) -> bool {
        let BBox { x1, y1, x2, y2 } = detection.bbox;
        let finite = [x1, y1, x2, y2].iter().all(|edge| edge.abs() < 1e6);
        finite && detection.bbox.area() >= 1.0 && self.thresholds.is_plausible(detection)
    }

    /// Updates the objects with their detections. Returns the detections that others may duplicate.
    fn correct<'a>(
        &mut self,
        detections: &'a [Detection],
        pairs: &[(usize, usize)],
        now: Instant,
        before: Instant,
    ) -> Vec<&'a Detection> {
        let (coast_for, limits) = (self.coast_for(), self.limits());
        let mut taken = Vec::new();
        let mut found: Vec<Option<&Detection>> = vec![None; self.objects.len()];
        for &(object, detection) in pairs {
            found[object] = Some(&detections[detection]);
        }
        for (object, found) in self.objects.iter_mut().zip(found) {
            object.end_if_overdue(now, before, limits);
            if let Some(detection) = found {
                object.correct(detection, &self.thresholds, now, coast_for);
            }
            object.note_frame(found, &self.thresholds);
            if object.is_confirmed() && object.id.is_none() {
                object.id = Some(self.next_id);
                self.next_id += 1;
            }
            // A weak detection of an object that is not shown must not suppress others.
            let counts = |one: &&Detection| object.is_confirmed() || self.thresholds.is_over(one);
            taken.extend(found.filter(counts));
        }
        self.objects
            .retain(|object| object.id.is_some() || object.may_be_confirmed());
        taken
    }

    fn start<'a>(
        &mut self,
        detections: &'a [Detection],
        pairs: &[(usize, usize)],
        mut taken: Vec<&'a Detection>,
        now: Instant,
    ) {
        for (index, detection) in detections.iter().enumerate() {
            let paired = pairs.iter().any(|&(_, found)| found == index);
            if paired || !self.thresholds.is_over(detection) || is_double(detection, &taken) {
                continue;
            }
            taken.push(detection);
            let mut object = TrackedObject::new(detection, now);
            object.note_frame(Some(detection), &self.thresholds);
            if object.is_confirmed() {
                object.id = Some(self.next_id);
                self.next_id += 1;
            }
            self.objects.push(object);
        }
        if self.objects.len() > MOST {
            // overflow: counted (the longest unseen go)
            self.dropped += (self.objects.len() - MOST) as u64;
            self.objects
                .sort_by_key(|object| std::cmp::Reverse(object.seen_at));
            self.objects.truncate(MOST);
        }
    }

    fn shown(&self, now: Instant) -> Vec<Track> {
        let (coast_for, limits) = (self.coast_for(), self.limits());
        let show = |object: &TrackedObject| {
            let track = object.track(&object.prediction(now, coast_for), now, limits)?;
            Some(track.seen_by_camera(self.camera))
        };
        let all: Vec<Track> = self.objects.iter().filter_map(show).collect();
        let covered = |track: &Track| {
            let covers = |other: &Track| {
                !other.is_coasting() && other.bbox.iou(&track.bbox) > HIDDEN_OVERLAP
            };
            track.is_coasting() && all.iter().any(covers)
        };
        let mut shown: Vec<Track> = all
            .iter()
            .filter(|track| !covered(track))
            .cloned()
            .collect();
        shown.sort_by_key(|track| track.id);
        shown
    }

    fn period(&self) -> Duration {
        self.period.unwrap_or(Duration::from_millis(100))
    }

    /// How long motion is extrapolated without a detection.
    fn coast_for(&self) -> Duration {
        FURTHEST_AHEAD.max(self.period() * 3 / 2)
    }

    /// How long an object is shown without a detection.
    fn shown_for(&self) -> Duration {
        (self.period() * 2).clamp(Duration::from_millis(400), Duration::from_secs(3))
    }

    /// The limits on showing an object.
    fn limits(&self) -> ShowLimits {
        ShowLimits {
            unseen: self.shown_for(),
            undisturbed: self.shown_for().max(self.rest),
            weak: (self.period() * 5 / 2).clamp(Duration::from_secs(1), Duration::from_secs(3)),
        }
    }

    /// How long an object can be matched again with its old id.
    fn lost_for(&self) -> Duration {
        (self.period() * 6).clamp(Duration::from_secs(1), Duration::from_secs(6))
    }
}

fn is_double(detection: &Detection, taken: &[&Detection]) -> bool {
    taken.iter().any(|other| {
        let same = other.class_id == detection.class_id;
        let most = if same {
            DOUBLE_OVERLAP
        } else {
            DOUBLE_OTHER_OVERLAP
        };
        other.bbox.iou(&detection.bbox) > most
    })
}
