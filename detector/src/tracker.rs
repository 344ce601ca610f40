//! Follows detections from frame to frame: stable ids, smoothed scores, motion.
//!
//! After ByteTrack (Zhang et al. 2022, arXiv:2110.06864): detections that are sure are matched
//! first, then the weak ones are asked whether they are a known thing after all. Only detections over
//! the least score make a track, count for its score and keep it shown. Here time is in
//! seconds, not frames, as inference runs at anything from 3 to 30 a second. Pure: all of it moves
//! only when [`Tracker::update`] is called.

mod assignment;
mod kalman;
mod matching;
mod round;
#[cfg(test)]
mod tests;
mod thing;

use std::time::{Duration, Instant};

use crate::bbox::BBox;
use crate::detection::Detection;
use crate::tracks::{FURTHEST_AHEAD, Track};
use round::Round;
use thing::{Hold, Thing};

/// Detections of one frame and things followed at once; a bound for a model gone mad.
const MOST: usize = 256;
/// A weak detection must lie well on the thing it continues.
const WEAK_OVERLAP: f32 = 0.4;
/// So much overlap with another class: the same thing, named differently this time.
const RENAMED_OVERLAP: f32 = 0.7;
/// So much overlap with a thing just matched: a second box for it that NMS let through.
const DOUBLE_OVERLAP: f32 = 0.7;
/// As above with another class, where some overlap is real (a rider and the horse).
const DOUBLE_OTHER_OVERLAP: f32 = 0.85;
/// A coasting thing is not shown behind one that was detected and covers so much of it.
const HIDDEN_OVERLAP: f32 = 0.5;
/// "Far over the bar": this part of the way from the least score to 1.
const SURE_MARGIN: f32 = 0.3;

/// From which scores detections count for what. All 0..=1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TrackerConfig {
    /// A detection below is ignored. From here on it may tell where a known thing is, nothing else:
    /// it neither begins a thing nor counts for its score, its class or its being shown.
    pub weak_score: f32,
    /// From here on a detection counts. A thing is shown once two of its last three rounds had such
    /// a detection, and no track ever has a lower score.
    pub min_score: f32,
    /// From here on one detection is enough for a thing to be shown.
    pub sure_score: f32,
}

impl TrackerConfig {
    /// For tracks that are to be shown from `min_score` on.
    #[must_use]
    pub fn for_score(min_score: f32) -> Self {
        Self {
            // Not nearly zero, where every cell of a network is a detection.
            weak_score: (min_score / 2.0).max(0.05).min(min_score.max(0.01)),
            min_score,
            sure_score: min_score + (1.0 - min_score) * SURE_MARGIN,
        }
    }

    fn is_over(&self, detection: &Detection) -> bool {
        detection.score >= self.min_score
    }

    fn is_sure(&self, detection: &Detection) -> bool {
        detection.score >= self.sure_score
    }
}

impl Default for TrackerConfig {
    fn default() -> Self {
        Self::for_score(0.35)
    }
}

/// Turns each frame's detections into tracks.
#[derive(Debug)]
pub struct Tracker {
    config: TrackerConfig,
    things: Vec<Thing>,
    next_id: u64,
    updated_at: Option<Instant>,
    /// Smoothed time between updates, once there were two.
    period: Option<Duration>,
    dropped: u64,
}

impl Tracker {
    /// Follows nothing yet.
    #[must_use]
    pub fn new(config: TrackerConfig) -> Self {
        Self {
            config,
            things: Vec::new(),
            next_id: 1,
            updated_at: None,
            period: None,
            dropped: 0,
        }
    }

    /// Detections and things dropped so far because there were too many at once.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Follows nothing any more: the picture is of something else. Ids still count on.
    pub(crate) fn forget(&mut self) {
        self.things.clear();
        (self.updated_at, self.period) = (None, None);
    }

    /// Takes what was detected in the frame captured at `captured_at` (frames in order) and
    /// answers what to show of it, by ascending id.
    pub fn update(&mut self, detections: &[Detection], captured_at: Instant) -> Vec<Track> {
        self.keep_time(captured_at);
        let lost_for = self.lost_for();
        self.things
            .retain(|thing| captured_at.saturating_duration_since(thing.seen_at) <= lost_for);
        let detections = self.worth_a_look(detections);
        let mut round = Round::new(&self.things, &detections, captured_at, self.coast_for());
        let over = |detection: &Detection| self.config.is_over(detection);
        let known = |thing: &Thing| thing.id.is_some();
        let shown_for = self.shown_for();
        let fresh =
            |thing: &Thing| captured_at.saturating_duration_since(thing.seen_at) <= shown_for;
        let same = |thing: &Thing, found: &Detection| thing.class_id == found.class_id;
        round.pair(|thing, guess, found| {
            let fits = known(thing) && over(found) && same(thing, found);
            fits.then(|| matching::cost(guess, &found.bbox)).flatten()
        });
        round.pair(|thing, guess, found| {
            let fits = !known(thing) && over(found) && same(thing, found);
            fits.then(|| matching::cost(guess, &found.bbox)).flatten()
        });
        round.pair(|thing, guess, found| {
            let fits = fresh(thing) && !over(found) && same(thing, found);
            let overlap = guess.bbox.iou(&found.bbox);
            (fits && overlap >= WEAK_OVERLAP).then_some(1.0 - overlap)
        });
        round.pair(|thing, guess, found| {
            let overlap = guess.bbox.iou(&found.bbox);
            let named = thing.is_confirmed() && fresh(thing);
            let fits = named && over(found) && overlap >= RENAMED_OVERLAP;
            fits.then_some(1.0 - overlap)
        });
        let pairs = round.pairs;
        let taken = self.correct(&detections, &pairs, captured_at);
        self.start(&detections, &pairs, taken, captured_at);
        self.shown(captured_at)
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
        finite && detection.bbox.area() >= 1.0 && detection.score >= self.config.weak_score
    }

    /// Answers the detections beside which the same again is no other thing.
    fn correct<'a>(
        &mut self,
        detections: &'a [Detection],
        pairs: &[(usize, usize)],
        now: Instant,
    ) -> Vec<&'a Detection> {
        let (coast_for, hold) = (self.coast_for(), self.hold());
        let mut taken = Vec::new();
        let mut found: Vec<Option<&Detection>> = vec![None; self.things.len()];
        for &(thing, detection) in pairs {
            found[thing] = Some(&detections[detection]);
        }
        for (thing, found) in self.things.iter_mut().zip(found) {
            thing.end_if_overdue(now, hold);
            if let Some(detection) = found {
                thing.correct(detection, &self.config, now, coast_for);
            }
            thing.judge(found, &self.config);
            if thing.is_confirmed() && thing.id.is_none() {
                thing.id = Some(self.next_id);
                self.next_id += 1;
            }
            // What a thing that is not shown took weakly must not hide something else.
            let counts = |one: &&Detection| thing.is_confirmed() || self.config.is_over(one);
            taken.extend(found.filter(counts));
        }
        self.things
            .retain(|thing| thing.id.is_some() || thing.may_be_confirmed());
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
            if paired || !self.config.is_over(detection) || is_double(detection, &taken) {
                continue;
            }
            taken.push(detection);
            let mut thing = Thing::new(detection, now);
            thing.judge(Some(detection), &self.config);
            if thing.is_confirmed() {
                thing.id = Some(self.next_id);
                self.next_id += 1;
            }
            self.things.push(thing);
        }
        if self.things.len() > MOST {
            // overflow: counted (the longest unseen go)
            self.dropped += (self.things.len() - MOST) as u64;
            self.things
                .sort_by_key(|thing| std::cmp::Reverse(thing.seen_at));
            self.things.truncate(MOST);
        }
    }

    fn shown(&self, now: Instant) -> Vec<Track> {
        let (coast_for, hold) = (self.coast_for(), self.hold());
        let show = |thing: &Thing| thing.track(&thing.guess(now, coast_for), now, hold);
        let all: Vec<Track> = self.things.iter().filter_map(show).collect();
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

    /// Motion goes on without detections for this long.
    fn coast_for(&self) -> Duration {
        FURTHEST_AHEAD.max(self.period() * 3 / 2)
    }

    /// Shown without detections for this long.
    fn shown_for(&self) -> Duration {
        (self.period() * 2).clamp(Duration::from_millis(400), Duration::from_secs(3))
    }

    /// Shown with weak detections, or none, for this long.
    fn hold(&self) -> Hold {
        Hold {
            unseen: self.shown_for(),
            weak: (self.period() * 5 / 2).clamp(Duration::from_secs(1), Duration::from_secs(3)),
        }
    }

    /// Found again by its id for this long.
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
