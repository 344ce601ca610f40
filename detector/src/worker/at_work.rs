//! An open detector with its tracker: which frames are detected, and what comes of each.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use capture::{Frame, Mounting, SourceNumber};

use super::detect::Detect;
use super::faces::FaceFinder;
use super::gate::MotionGate;
use super::pace::{FrameSelector, Pace};
use super::second::SecondAtWork;
use super::tuning::{Tuning, TuningControl};
use crate::camera_motion::{CameraMotion, Shift};
use crate::detection::Detection;
use crate::detector::DetectError;
use crate::metrics::DetectorMetrics;
use crate::privacy::{SIGHTING_SCORE, Sighting, Sightings};
use crate::tracker::{Thresholds, Tracker, TrackerConfig};
use crate::tracks::{Track, Tracks};
use crate::zones::{Picture, ZoneMembership};

/// What boxes of a frame refer to: its size, its source, its mounting.
type View = ((u32, u32), SourceNumber, Mounting);

fn view_of(frame: &Frame) -> View {
    let size = (frame.pixels.width(), frame.pixels.height());
    (size, frame.source_number, frame.mounting)
}

/// An open detector with its tracker.
pub(super) struct AtWork<D> {
    pub(super) detector: D,
    /// Of both models, if there are two.
    pub(super) labels: Arc<[String]>,
    tracker: Tracker,
    second: Option<SecondAtWork>,
    /// The generation of the tuning in use.
    tuned: u64,
    tuning: Arc<Tuning>,
    zones: ZoneMembership,
    /// For each class, whether it is shown.
    shown: Vec<bool>,
    thresholds: Thresholds,
    /// Of the last frame.
    view: View,
    camera: CameraMotion,
    /// When the last frame was captured.
    followed: Option<Instant>,
    /// Failures in a row.
    pub(super) failures: u32,
    selector: FrameSelector,
    gate: MotionGate,
    /// Whether the gate has seen the last frame.
    is_gated: bool,
    /// When a detection was made last.
    pub(super) last: Option<Instant>,
}

impl<D: Detect> AtWork<D> {
    pub(super) fn new(mut detector: D, next_track_id: u64) -> Self {
        let config = TrackerConfig::for_score(detector.min_score());
        let mut labels = detector.labels();
        let second = detector.second().map(|(second, period)| {
            let own = second.labels();
            let (second, joint) = SecondAtWork::new(&own, &labels, second.min_score(), period);
            labels = joint;
            second
        });
        Self {
            labels,
            detector,
            tracker: Tracker::counting_from(config, next_track_id),
            second,
            tuned: 0,
            tuning: Arc::default(),
            zones: ZoneMembership::default(),
            shown: Vec::new(),
            thresholds: Thresholds::new(config, BTreeMap::new()),
            view: View::default(),
            camera: CameraMotion::default(),
            followed: None,
            failures: 0,
            selector: FrameSelector::default(),
            gate: MotionGate::default(),
            is_gated: false,
            last: None,
        }
    }

    /// The id of the next track, whichever model finds it.
    pub(super) fn next_track_id(&self) -> u64 {
        let second = self.second.as_ref().map_or(0, SecondAtWork::next_id);
        self.tracker.next_id().max(second)
    }

    /// Whether the frame that came at `now` is to be detected. What is left out is counted.
    pub(super) fn selects(
        &mut self,
        frame: &Frame,
        now: Instant,
        pace: &Pace,
        longest: Option<Duration>,
        tuning: &TuningControl,
        metrics: &DetectorMetrics,
    ) -> bool {
        let period = pace.period_within(longest);
        if !self.selector.is_due(now, period) {
            // overflow: counted (frames that the pace skips)
            metrics.paced_out.inc();
            return false;
        }
        self.is_gated = pace.is_gated();
        if self.is_gated {
            let is_due = self
                .gate
                .is_due(&frame.pixels, frame.captured_at, &self.tracker, longest);
            let is_changed = self.view != view_of(frame) || self.tuned != tuning.generation();
            if !is_due && !is_changed {
                // overflow: counted (frames that show nothing new)
                metrics.unmoved.inc();
                return false;
            }
        }
        self.selector.take(now, period);
        true
    }

    /// Takes changed limits into use.
    pub(super) fn tune(&mut self, control: &TuningControl) {
        let generation = control.generation();
        if generation == self.tuned {
            return;
        }
        self.tuned = generation;
        let tuning = control.tuning();
        self.thresholds = tuning.thresholds(self.detector.min_score(), &self.labels);
        self.tracker.configure(self.thresholds.clone());
        if let Some(second) = &mut self.second {
            second.tune(&tuning, &self.labels);
        }
        self.shown = tuning.shown(&self.labels);
        if self.tuning.zones != tuning.zones {
            self.zones.set(&tuning.zones);
        }
        self.tuning = tuning;
    }

    pub(super) fn follow(
        &mut self,
        frame: &Frame,
        metrics: &DetectorMetrics,
        sightings: &Sightings,
        faces: Option<&mut FaceFinder<D>>,
    ) -> Result<Tracks, DetectError> {
        let view = view_of(frame);
        if self.view != view {
            // Another source, mode or mounting, so that the old boxes do not apply.
            self.tracker.forget();
            self.camera.forget();
            if let Some(second) = &mut self.second {
                second.forget();
            }
            self.view = view;
        }
        let for_privacy = sightings.are_needed();
        let least_score = least_score(&self.thresholds, for_privacy);
        let detections = self.detector.detect(&frame.pixels, least_score)?;
        let by_second = self.detect_second(frame, for_privacy, metrics)?;
        self.failures = 0;
        if self.is_gated {
            self.gate.note_detection(frame.captured_at);
        }
        // Before the tracker and every limit on what is shown.
        if for_privacy {
            let mut all = [&detections[..], by_second.as_deref().unwrap_or_default()].concat();
            all.sort_by(|a, b| b.score.total_cmp(&a.score));
            let mut sighting = Sighting::new(frame, &self.labels, &all);
            match faces {
                Some(faces) if sightings.need_face_model(&self.labels) => {
                    faces.add_to(&mut sighting, frame, Instant::now());
                }
                Some(faces) => faces.close(),
                None => {}
            }
            sightings.slot.publish(sighting);
        } else if let Some(faces) = faces {
            faces.close();
        }
        let started = Instant::now();
        let picture = (view.0, frame.camera.as_deref());
        self.camera.observe(&frame.pixels, frame.captured_at);
        let mut items = self.track(detections, by_second, picture, frame.captured_at);
        self.zones.mark(&mut items, picture, frame.captured_at);
        metrics.track.observe(started.elapsed().as_secs_f64());
        Ok(Tracks {
            captured_at: frame.captured_at,
            frame_seq: frame.seq,
            source_number: frame.source_number,
            frame_width: view.0.0,
            frame_height: view.0.1,
            mounting: frame.mounting,
            labels: Arc::clone(&self.labels),
            items,
        })
    }

    /// The detections of the second model, if there is one and the frame is for it.
    fn detect_second(
        &mut self,
        frame: &Frame,
        for_privacy: bool,
        metrics: &DetectorMetrics,
    ) -> Result<Option<Vec<Detection>>, DetectError> {
        let (Some(second), Some((detector, _))) = (&mut self.second, self.detector.second()) else {
            return Ok(None);
        };
        if !second.selects(frame.captured_at, for_privacy) {
            return Ok(None);
        }
        let least_score = least_score(second.thresholds(), for_privacy);
        let started = Instant::now();
        let found = detector.detect(&frame.pixels, least_score)?;
        metrics.second_detected_in(started.elapsed());
        Ok(Some(second.renamed(found)))
    }

    /// The tracks to show, by ascending id. `by_second`: `None` if the second model did not see the frame.
    fn track(
        &mut self,
        mut detections: Vec<Detection>,
        by_second: Option<Vec<Detection>>,
        picture: Picture<'_>,
        captured_at: Instant,
    ) -> Vec<Track> {
        let next_id = self.next_track_id();
        let (shown, is_gated) = (&self.shown, self.is_gated);
        let (tuning, zones) = (&self.tuning, &self.zones);
        let is_shown = |found: &Detection| {
            shown.get(found.class_id).is_none_or(|shown| *shown)
                && tuning.is_large_enough(&found.bbox, picture.0)
                && zones.keeps(found, picture)
        };
        detections.retain(|found| {
            let is_left = self
                .second
                .as_ref()
                .is_some_and(|second| second.knows(found.class_id));
            self.thresholds.is_plausible(found) && is_shown(found) && !is_left
        });
        MotionGate::prepare(&mut self.tracker, is_gated);
        self.tracker.count_on_from(next_id);
        let before = self.followed.replace(captured_at);
        let moved = moved_since(&mut self.camera, before);
        let mut items = self.tracker.update_moved(&detections, captured_at, moved);
        if let Some(second) = &mut self.second {
            if let Some(mut found) = by_second {
                found.retain(|one| second.thresholds().is_plausible(one) && is_shown(one));
                let moved = moved_since(&mut self.camera, second.seen_at());
                second.set_next_id(self.tracker.next_id());
                second.follow(&found, captured_at, moved, is_gated);
            }
            items.extend(second.tracks_at(captured_at));
            items.sort_by_key(|track| track.id);
        }
        items
    }

    /// Updates the rate, smoothed over about ten detections.
    pub(super) fn note_rate(&mut self, now: Instant, metrics: &DetectorMetrics) {
        let Some(last) = self.last.replace(now) else {
            return;
        };
        let period = now.saturating_duration_since(last).as_secs_f64().max(1e-4);
        let rate = metrics.rate_fps.get();
        let smoothed = if rate > 0.0 {
            1.0 / rate * 0.9 + period * 0.1
        } else {
            period
        };
        metrics.rate_fps.set(1.0 / smoothed);
    }
}

/// How far the camera's view has moved since a frame; zero where that is not known.
fn moved_since(camera: &mut CameraMotion, then: Option<Instant>) -> Shift {
    let moved = then.and_then(|then| camera.since(then));
    moved.unwrap_or_default()
}

/// Weak detections are for the tracker, which continues known objects with them.
fn least_score(thresholds: &Thresholds, for_privacy: bool) -> f32 {
    let weak = thresholds.least_weak_score();
    if for_privacy {
        weak.min(SIGHTING_SCORE)
    } else {
        weak
    }
}
