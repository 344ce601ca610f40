//! Follows detections from frame to frame: stable ids, smoothed scores, motion.
//!
//! After ByteTrack (Zhang et al. 2022, arXiv:2110.06864): detections that are sure are matched
//! first, then the weak ones are asked whether they are a known thing after all. Here time is in
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
use thing::Thing;

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
/// Noise of weak detections, against the others.
const WEAK_DOUBT: f32 = 2.0;
/// Inference slower than this shows things at their first detection: waiting would be felt.
const SLOW_PERIOD: Duration = Duration::from_millis(250);

/// From which scores detections count for what. All 0..=1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TrackerConfig {
    /// Below, a detection is not looked at. From here on it may continue a thing.
    pub weak_score: f32,
    /// From here on a detection is matched first, and may find lost things again.
    pub strong_score: f32,
    /// From here on a detection may be a new thing, shown when it is seen twice.
    pub start_score: f32,
    /// From here on a new thing is shown at once.
    pub sure_score: f32,
}

impl TrackerConfig {
    /// For a model whose detections are worth showing from `score` on.
    #[must_use]
    pub fn for_score(score: f32) -> Self {
        Self {
            weak_score: (score / 2.0).max(0.05),
            strong_score: score,
            start_score: score,
            sure_score: score + (1.0 - score) * 0.3,
        }
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
        let strong = |detection: &Detection| detection.score >= self.config.strong_score;
        let known = |thing: &Thing| thing.id.is_some();
        let shown_for = self.shown_for();
        let fresh = |thing: &Thing| {
            known(thing) && captured_at.saturating_duration_since(thing.seen_at) <= shown_for
        };
        let same = |thing: &Thing, found: &Detection| thing.class_id == found.class_id;
        round.pair(|thing, guess, found| {
            let fits = known(thing) && strong(found) && same(thing, found);
            fits.then(|| matching::cost(guess, &found.bbox)).flatten()
        });
        round.pair(|thing, guess, found| {
            let fits = fresh(thing) && !strong(found) && same(thing, found);
            let overlap = guess.bbox.iou(&found.bbox);
            (fits && overlap >= WEAK_OVERLAP).then_some(1.0 - overlap)
        });
        round.pair(|thing, guess, found| {
            let fits = !known(thing) && strong(found) && same(thing, found);
            fits.then(|| matching::cost(guess, &found.bbox)).flatten()
        });
        round.pair(|thing, guess, found| {
            let overlap = guess.bbox.iou(&found.bbox);
            let fits = fresh(thing) && strong(found) && overlap >= RENAMED_OVERLAP;
            fits.then_some(1.0 - overlap)
        });
        let pairs = round.pairs;
        self.correct(&detections, &pairs, captured_at);
        self.start(&detections, &pairs, captured_at);
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

    fn correct(&mut self, detections: &[Detection], pairs: &[(usize, usize)], now: Instant) {
        let coast_for = self.coast_for();
        let mut matched = vec![false; self.things.len()];
        for &(thing, found) in pairs {
            let detection = &detections[found];
            let weak = detection.score < self.config.strong_score;
            let doubt = if weak { WEAK_DOUBT } else { 1.0 };
            self.things[thing].correct(detection, doubt, now, coast_for);
            matched[thing] = true;
        }
        // What was seen once only and is not seen again was nothing.
        let mut matched = matched.into_iter();
        self.things
            .retain(|thing| matched.next() == Some(true) || thing.id.is_some());
        for thing in self
            .things
            .iter_mut()
            .filter(|thing| thing.id.is_none() && thing.hits >= 2)
        {
            thing.id = Some(self.next_id);
            self.next_id += 1;
        }
    }

    fn start(&mut self, detections: &[Detection], pairs: &[(usize, usize)], now: Instant) {
        let sure = if self.period() >= SLOW_PERIOD {
            0.0
        } else {
            self.config.sure_score
        };
        let mut taken: Vec<&Detection> =
            pairs.iter().map(|&(_, found)| &detections[found]).collect();
        for (index, detection) in detections.iter().enumerate() {
            let paired = pairs.iter().any(|&(_, found)| found == index);
            if paired || detection.score < self.config.start_score || is_double(detection, &taken) {
                continue;
            }
            taken.push(detection);
            let mut thing = Thing::new(detection, now);
            if detection.score >= sure {
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
        let (coast_for, shown_for) = (self.coast_for(), self.shown_for());
        let recent = |thing: &&Thing| now.saturating_duration_since(thing.seen_at) <= shown_for;
        let show = |thing: &Thing| thing.track(&thing.guess(now, coast_for), now, shown_for);
        let all: Vec<Track> = self.things.iter().filter(recent).filter_map(show).collect();
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
