//! Decides whether a frame is worth a detection: while nothing moves, or moves as predicted, the tracks of an earlier
//! frame are as good. Pure: time comes with the frames.

mod change;
#[cfg(test)]
mod tests;

use std::time::{Duration, Instant};

use capture::I420;

use crate::detection::BBox;
use crate::tracker::{Expectation, Standing, Tracker};
use change::PictureChange;

/// The longest time between two detections.
const LONGEST_REST: Duration = Duration::from_secs(1);
/// How long tracks are shown without a newer detection: the one after the longest rest takes time.
const SHOWN_AT_REST: Duration = Duration::from_millis(1500);
/// An object is detected again so long before it would no longer be shown.
const EXPIRY_MARGIN: Duration = Duration::from_millis(120);
/// How soon an object that is not shown yet is confirmed: two frames at 30 a second.
const CONFIRM_AFTER: Duration = Duration::from_millis(60);
/// How soon it is checked whether an object that was not found has gone.
const MISSED_AFTER: Duration = Duration::from_millis(100);
/// How often what changes outside of all boxes is searched for new objects. After a still picture such a change is
/// searched at once.
const SEARCH_PERIOD: Duration = Duration::from_millis(130);
/// As above for what has been changing for [`UNKNOWN_FOR`]: a tree, a television, a camera that is carried about.
const UNKNOWN_PERIOD: Duration = Duration::from_millis(250);
const UNKNOWN_FOR: Duration = Duration::from_secs(2);
/// A picture without such a change for so long is still.
const STILL_AFTER: Duration = Duration::from_millis(500);
/// So many changed cells outside of all boxes may be a new object; fewer are noise.
const LEAST_NEW_CELLS: usize = 4;
/// A box whose picture changed in less than this share has not moved.
const STILL_SHARE: f32 = 0.03;
/// A box is detected again when this part of it is likely beside the object: the IoU is then about 0.8, and 0.9 in the
/// mean of the time since the last detection.
const MOST_ERROR: f32 = 0.25;
/// The part of its way by which a moving object is likely to miss its prediction.
const ERROR_OF_WAY: f32 = 0.3;
/// What changes so near to a box, in parts of its sides, belongs to its object.
const BESIDE: f32 = 0.1;
/// Frames further apart do not tell how soon the next one comes.
const LONGEST_INTERVAL: Duration = Duration::from_millis(100);

/// Selects the frames of one stream that are worth a detection.
#[derive(Debug, Default)]
pub struct MotionGate {
    change: PictureChange,
    /// The capture time of the last detected frame.
    detected_at: Option<Instant>,
    /// The capture time of the last frame.
    seen_at: Option<Instant>,
    /// When something changed outside of all boxes: at first since the picture was still, and last.
    unknown: Option<(Instant, Instant)>,
    /// Of the present frame.
    expected: Vec<Expectation>,
}

/// The time since the last detected frame, and until the next frame.
#[derive(Clone, Copy)]
struct Ages {
    age: Duration,
    interval: Duration,
}

impl Ages {
    /// Whether no other frame is nearer to this age.
    fn reaches(self, age: Duration) -> bool {
        self.age + self.interval / 2 >= age
    }

    /// Whether the next frame is older than this.
    fn is_last_before(self, age: Duration) -> bool {
        self.age + self.interval > age
    }
}

impl MotionGate {
    /// Whether the frame is worth a detection. `tracker`: as of the last detected frame. `longest`: a shorter time
    /// between two detections than the gate's own.
    pub fn is_due(
        &mut self,
        picture: &I420,
        captured_at: Instant,
        tracker: &Tracker,
        longest: Option<Duration>,
    ) -> bool {
        let since = |then: Instant| captured_at.saturating_duration_since(then);
        let before = self.seen_at.replace(captured_at);
        let interval = before.map_or(LONGEST_INTERVAL, since).min(LONGEST_INTERVAL);
        let is_comparable = self.change.observe(picture);
        let Some(age) = self.detected_at.map(since).filter(|_| is_comparable) else {
            return true;
        };
        let ages = Ages { age, interval };
        if ages.is_last_before(longest.unwrap_or(LONGEST_REST).min(LONGEST_REST)) {
            return true;
        }
        self.expected.clear();
        self.expected.extend(tracker.expectations(captured_at));
        self.expected
            .retain(|object| object.standing != Standing::Lost);
        if self.is_track_due(ages) {
            return true;
        }
        ages.reaches(SEARCH_PERIOD)
            && self.is_something_new()
            && ages.reaches(self.search_period(captured_at))
    }

    /// The frame that was asked about last is detected.
    pub fn note_detection(&mut self, captured_at: Instant) {
        self.detected_at = Some(captured_at);
        self.change.note_detection();
    }

    /// Prepares a tracker for detections as seldom as the gate's, or as often as frames come.
    pub fn prepare(tracker: &mut Tracker, is_gated: bool) {
        tracker.allow_rest(if is_gated {
            SHOWN_AT_REST
        } else {
            Duration::ZERO
        });
    }

    /// Whether the box of a known object may be wrong, or is about to disappear.
    fn is_track_due(&self, ages: Ages) -> bool {
        self.expected.iter().any(|object| match object.standing {
            Standing::Unconfirmed => ages.reaches(CONFIRM_AFTER),
            Standing::Missed => ages.reaches(MISSED_AFTER) || self.has_moved(object),
            Standing::Detected => {
                let ends = ages.interval + EXPIRY_MARGIN > object.shown_for;
                ends || self.has_moved(object)
            }
            Standing::Lost => false,
        })
    }

    /// Whether an object is likely to have left its predicted box.
    fn has_moved(&self, object: &Expectation) -> bool {
        let way = way(&object.from, &object.to);
        if self.change.share_in(&object.to) < STILL_SHARE {
            // The picture stands still, so that the prediction is wrong by the way that it adds.
            return way >= MOST_ERROR;
        }
        object.error.hypot(way * ERROR_OF_WAY) >= MOST_ERROR
    }

    /// Whether something changed where no known object is.
    fn is_something_new(&mut self) -> bool {
        let cell_px = self.change.cell_px();
        for object in &self.expected {
            self.change
                .explain(&around(&object.from, &object.to, cell_px));
        }
        self.change.unexplained() >= LEAST_NEW_CELLS
    }

    /// How soon after a detection a change outside of all boxes is searched, which the frame at `now` shows.
    fn search_period(&mut self, now: Instant) -> Duration {
        let since = |then: Instant| now.saturating_duration_since(then);
        let run = self.unknown.filter(|(_, last)| since(*last) < STILL_AFTER);
        let first = run.map_or(now, |(first, _)| first);
        self.unknown = Some((first, now));
        match since(first) < UNKNOWN_FOR {
            true => SEARCH_PERIOD,
            false => UNKNOWN_PERIOD,
        }
    }
}

/// How far the edges of a box move, in parts of its sides.
fn way(from: &BBox, to: &BBox) -> f32 {
    let part = |from: f32, to: f32, side: f32| (to - from).abs() / side.max(1.0);
    let x = part(from.x1, to.x1, to.width()).max(part(from.x2, to.x2, to.width()));
    let y = part(from.y1, to.y1, to.height()).max(part(from.y2, to.y2, to.height()));
    x + y
}

/// A box around both and what is near them.
fn around(one: &BBox, other: &BBox, margin_px: f32) -> BBox {
    let margin = |side: f32| margin_px + side * BESIDE;
    let (x, y) = (margin(other.width()), margin(other.height()));
    BBox::new(
        one.x1.min(other.x1) - x,
        one.y1.min(other.y1) - y,
        one.x2.max(other.x2) + x,
        one.y2.max(other.y2) + y,
    )
}
