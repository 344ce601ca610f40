//! The second of two models: its tracker, and what its detections become among those of the first. Pure.
//!
//! Both share the labels and the ids of tracks. What the second has found stays in use until it detects again, moved to
//! the frames between.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::gate::MotionGate;
use super::pace::FrameSelector;
use super::tuning::Tuning;
use crate::camera_motion::Shift;
use crate::detection::Detection;
use crate::privacy::SightedKind;
use crate::tracker::{Thresholds, Tracker, TrackerConfig};
use crate::tracks::Track;

/// What the worker knows of the second model.
pub(super) struct SecondAtWork {
    /// For each of its classes, the place among the labels of both.
    classes: Vec<usize>,
    min_score: f32,
    period: Duration,
    /// It finds what privacy hides.
    finds_people: bool,
    tracker: Tracker,
    thresholds: Thresholds,
    selector: FrameSelector,
    /// The tracks of its last frame, and when that was captured.
    latest: Option<(Instant, Vec<Track>)>,
}

impl SecondAtWork {
    /// Also returns the labels of both. `labels`: its own; `of_first`: those of the first model.
    pub(super) fn new(
        labels: &[String],
        of_first: &[String],
        min_score: f32,
        period: Duration,
    ) -> (Self, Arc<[String]>) {
        let (classes, joint) = joined(of_first, labels);
        let config = TrackerConfig::for_score(min_score);
        let second = Self {
            classes,
            min_score,
            period,
            finds_people: labels
                .iter()
                .any(|label| SightedKind::of_label(label).is_some()),
            tracker: Tracker::new(config),
            thresholds: Thresholds::new(config, Default::default()),
            selector: FrameSelector::default(),
            latest: None,
        };
        (second, joint)
    }

    pub(super) fn next_id(&self) -> u64 {
        self.tracker.next_id()
    }

    /// Forgets what it has seen: the source or the mounting has changed.
    pub(super) fn forget(&mut self) {
        self.tracker.forget();
        self.latest = None;
    }

    /// `labels`: of both models.
    pub(super) fn tune(&mut self, tuning: &Tuning, labels: &[String]) {
        self.thresholds = tuning.thresholds(self.min_score, labels);
        self.tracker.configure(self.thresholds.clone());
    }

    pub(super) fn thresholds(&self) -> &Thresholds {
        &self.thresholds
    }

    /// Whether the frame that was captured at `at` is for it. For privacy each frame is, if it finds people.
    pub(super) fn selects(&mut self, at: Instant, for_privacy: bool) -> bool {
        let is_due = self.selector.is_due(at, self.period);
        if is_due {
            self.selector.take(at, self.period);
        }
        is_due || (for_privacy && self.finds_people)
    }

    /// Its detections with the classes that both models share.
    pub(super) fn renamed(&self, mut detections: Vec<Detection>) -> Vec<Detection> {
        detections.retain_mut(|found| {
            let class = self.classes.get(found.class_id);
            found.class_id = class.copied().unwrap_or_default();
            class.is_some()
        });
        detections
    }

    /// Whether a class of both is left to it.
    pub(super) fn knows(&self, class_id: usize) -> bool {
        self.classes.contains(&class_id)
    }

    /// When the last frame that it saw was captured.
    pub(super) fn seen_at(&self) -> Option<Instant> {
        self.latest.as_ref().map(|(seen_at, _)| *seen_at)
    }

    /// New tracks get ids from `next_id` on.
    pub(super) fn set_next_id(&mut self, next_id: u64) {
        self.tracker.count_on_from(next_id);
    }

    /// Takes its detections of a frame. `moved`: how far the camera's view has moved since the last one.
    pub(super) fn follow(
        &mut self,
        detections: &[Detection],
        captured_at: Instant,
        moved: Shift,
        is_gated: bool,
    ) {
        MotionGate::prepare(&mut self.tracker, is_gated);
        let tracks = self.tracker.update_moved(detections, captured_at, moved);
        self.latest = Some((captured_at, tracks));
    }

    /// Its tracks as they are expected at `at`, a frame that it may not have seen.
    pub(super) fn tracks_at(&self, at: Instant) -> impl Iterator<Item = Track> {
        let (seen_at, tracks) = match &self.latest {
            Some((seen_at, tracks)) => (*seen_at, tracks.as_slice()),
            None => (at, &[][..]),
        };
        let ahead = at.saturating_duration_since(seen_at);
        tracks.iter().filter_map(move |track| track.carried(ahead))
    }
}

/// For each label of the second model, its place among the labels of both; and these: the first model's, then the others.
fn joined(first: &[String], second: &[String]) -> (Vec<usize>, Arc<[String]>) {
    let mut joint = first.to_vec();
    let mut place = |label: &String| {
        let known = joint.iter().position(|other| other == label);
        known.unwrap_or_else(|| {
            joint.push(label.clone());
            joint.len() - 1
        })
    };
    let classes = second.iter().map(&mut place).collect();
    (classes, joint.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detection::BBox;

    fn labels(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn found(class_id: usize, x: f32) -> Detection {
        let bbox = BBox::around(x, 50.0, 20.0, 20.0);
        Detection {
            class_id,
            score: 0.9,
            bbox,
        }
    }

    fn second(own: &[&str]) -> (SecondAtWork, Arc<[String]>) {
        let of_first = labels(&["person", "cup"]);
        SecondAtWork::new(&labels(own), &of_first, 0.5, Duration::from_millis(200))
    }

    #[test]
    fn labels_of_both_are_shared() {
        let (second, joint) = second(&["hat", "cup"]);
        assert_eq!(*joint, labels(&["person", "cup", "hat"])[..]);
        let renamed = second.renamed(vec![found(0, 1.0), found(1, 2.0), found(7, 3.0)]);
        let classes: Vec<usize> = renamed.iter().map(|one| one.class_id).collect();
        assert_eq!(classes, [2, 1], "an unknown class is left out");
        assert!(second.knows(1) && second.knows(2) && !second.knows(0));
    }

    #[test]
    fn it_has_a_rate_of_its_own_and_sees_each_frame_for_privacy() {
        let start = Instant::now();
        let frames = |second: &mut SecondAtWork, for_privacy| {
            let at = |frame: u32| start + Duration::from_millis(33) * frame;
            (0..30)
                .filter(|frame| second.selects(at(*frame), for_privacy))
                .count()
        };
        let (mut faces, _) = second(&["face"]);
        assert_eq!(frames(&mut faces, false), 5);
        let (mut faces, _) = second(&["face"]);
        assert_eq!(frames(&mut faces, true), 30);
        let (mut hats, _) = second(&["hat"]);
        assert_eq!(
            frames(&mut hats, true),
            5,
            "it finds nothing that is hidden"
        );
    }

    #[test]
    fn its_tracks_move_on_between_its_frames_and_end() {
        let (mut second, joint) = second(&["face"]);
        second.tune(&Tuning::default(), &joint);
        let start = Instant::now();
        let at = |ms: u64| start + Duration::from_millis(ms);
        // To the right with 100 pixels a second.
        for frame in 0..10 {
            let ms = frame * 200;
            let detections = [found(2, 50.0 + ms as f32 / 10.0)];
            second.set_next_id(40);
            second.follow(&detections, at(ms), Shift::default(), false);
        }
        let now: Vec<Track> = second.tracks_at(at(1800)).collect();
        let later: Vec<Track> = second.tracks_at(at(1900)).collect();
        let [now, later] = [&now[0], &later[0]];
        assert_eq!((now.id, later.id, now.class_id), (40, 40, 2));
        let moved = later.bbox.centre().0 - now.bbox.centre().0;
        assert!((7.0..13.0).contains(&moved), "{moved}");
        assert!(!now.is_coasting() && later.is_coasting());
        assert_eq!(second.tracks_at(at(20_000)).count(), 0);
        second.forget();
        assert_eq!(second.tracks_at(at(1900)).count(), 0);
        assert_eq!(second.next_id(), 41, "ids count on");
    }
}
