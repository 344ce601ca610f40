//! An open detector with its tracker: which frames are detected, and what comes of each.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use capture::{Frame, Mounting, SourceNumber};

use super::detect::Detect;
use super::faces::FaceFinder;
use super::gate::MotionGate;
use super::pace::{FrameSelector, Pace};
use super::tuning::TuningControl;
use crate::camera_motion::CameraMotion;
use crate::detector::DetectError;
use crate::metrics::DetectorMetrics;
use crate::privacy::{SIGHTING_SCORE, Sighting, Sightings};
use crate::tracker::{Thresholds, Tracker, TrackerConfig};
use crate::tracks::Tracks;

/// What boxes of a frame refer to: its size, its source, its mounting.
type View = ((u32, u32), SourceNumber, Mounting);

fn view_of(frame: &Frame) -> View {
    let size = (frame.pixels.width(), frame.pixels.height());
    (size, frame.source_number, frame.mounting)
}

/// An open detector with its tracker.
pub(super) struct AtWork<D> {
    pub(super) detector: D,
    pub(super) labels: Arc<[String]>,
    pub(super) tracker: Tracker,
    /// The generation of the tuning in use.
    tuned: u64,
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
    pub(super) fn new(detector: D, next_track_id: u64) -> Self {
        let config = TrackerConfig::for_score(detector.min_score());
        Self {
            labels: detector.labels(),
            detector,
            tracker: Tracker::counting_from(config, next_track_id),
            tuned: 0,
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
        self.shown = tuning.shown(&self.labels);
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
            self.view = view;
        }
        // Weak detections are for the tracker, which continues known objects with them.
        let weak_score = self.thresholds.least_weak_score();
        let is_sighting_needed = sightings.are_needed();
        let least_score = match is_sighting_needed {
            true => weak_score.min(SIGHTING_SCORE),
            false => weak_score,
        };
        let mut detections = self.detector.detect(&frame.pixels, least_score)?;
        self.failures = 0;
        if self.is_gated {
            self.gate.note_detection(frame.captured_at);
        }
        // Before the tracker and every limit on what is shown.
        if is_sighting_needed {
            let mut sighting = Sighting::new(frame, &self.labels, &detections);
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
        let is_shown = |class_id: usize| self.shown.get(class_id).is_none_or(|shown| *shown);
        detections.retain(|found| self.thresholds.is_plausible(found) && is_shown(found.class_id));
        let started = Instant::now();
        MotionGate::prepare(&mut self.tracker, self.is_gated);
        self.camera.observe(&frame.pixels, frame.captured_at);
        let before = self.followed.replace(frame.captured_at);
        let moved = before.and_then(|before| self.camera.since(before));
        let moved = moved.unwrap_or_default();
        let items = self
            .tracker
            .update_moved(&detections, frame.captured_at, moved);
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
