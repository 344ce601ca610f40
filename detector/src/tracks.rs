//! Tracks: what the tracker knows after one frame, and its prediction for later frames.

use std::sync::Arc;
use std::time::{Duration, Instant};

use capture::{Mounting, SourceNumber};

use crate::camera_motion::Shift;
use crate::detection::BBox;
use crate::zones::ZoneMarks;

/// Boxes are extrapolated for at most this long. Afterwards they stand still until they are stale.
pub(crate) const FURTHEST_AHEAD: Duration = Duration::from_millis(500);
/// How far boxes are extrapolated back, for frames that are painted after a newer one was detected.
const FURTHEST_BACK: Duration = Duration::from_millis(250);
/// A box is extrapolated to at most this factor of its size, or its inverse.
const MOST_GROWTH: f32 = 1.25;

/// One object followed from frame to frame.
#[derive(Debug, Clone, PartialEq)]
pub struct Track {
    /// Counts up, and is never reused.
    pub id: u64,
    /// Index into the labels.
    pub class_id: usize,
    /// Median of the last scores, 0..=1.
    pub score: f32,
    /// In pixels of the frame.
    pub bbox: BBox,
    pub zones: ZoneMarks,
    /// Apart from the camera's.
    motion: Motion,
    /// How far everything moves in the picture in a second, because the camera moves.
    camera: Shift,
    /// The time since its last detection, at the frame of its [`Tracks`].
    unseen: Duration,
    /// How long after its last detection it is shown.
    shown_for: Duration,
}

/// Velocities in pixels per second.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Motion {
    pub(crate) x: f32,
    pub(crate) y: f32,
    pub(crate) width: f32,
    pub(crate) height: f32,
}

impl Track {
    /// An object that does not move and was just detected, e.g. on a still picture.
    #[must_use]
    pub fn still(id: u64, class_id: usize, score: f32, bbox: BBox) -> Self {
        let (motion, unseen) = (Motion::default(), Duration::ZERO);
        Self {
            id,
            class_id,
            score,
            bbox,
            zones: ZoneMarks::default(),
            motion,
            camera: Shift::default(),
            unseen,
            shown_for: FURTHEST_AHEAD,
        }
    }

    pub(crate) fn moving(self, motion: Motion, unseen: Duration, shown_for: Duration) -> Self {
        Self {
            motion,
            unseen,
            shown_for,
            ..self
        }
    }

    /// `velocity`: of everything in the picture, in pixels per second.
    pub(crate) fn seen_by_camera(self, velocity: Shift) -> Self {
        Self {
            camera: velocity,
            ..self
        }
    }

    /// Whether it was not detected in the frame of its [`Tracks`], only predicted.
    #[must_use]
    pub fn is_coasting(&self) -> bool {
        !self.unseen.is_zero()
    }

    /// Where it is expected `ahead` after the frame of its [`Tracks`]. `None`: it is not shown any more.
    pub(crate) fn carried(&self, ahead: Duration) -> Option<Self> {
        let unseen = self.unseen + ahead;
        if unseen > self.shown_for {
            return None;
        }
        let believed = ahead.min(FURTHEST_AHEAD.saturating_sub(self.unseen));
        Some(Self {
            bbox: self.moved(believed.as_secs_f32(), None),
            unseen,
            ..self.clone()
        })
    }

    /// `view`: how far the view has moved, if that is known.
    fn moved(&self, seconds: f32, view: Option<Shift>) -> BBox {
        let (cx, cy) = self.bbox.centre();
        let grown = |side: f32, rate: f32| {
            (side + rate * seconds).clamp(side / MOST_GROWTH, side * MOST_GROWTH)
        };
        let view = view.unwrap_or(Shift {
            x: self.camera.x * seconds,
            y: self.camera.y * seconds,
        });
        BBox::around(
            cx + self.motion.x * seconds + view.x,
            cy + self.motion.y * seconds + view.y,
            grown(self.bbox.width(), self.motion.width),
            grown(self.bbox.height(), self.motion.height),
        )
    }
}

/// All tracks after one frame was detected.
#[derive(Debug, Clone)]
pub struct Tracks {
    /// When that frame was captured.
    pub captured_at: Instant,
    pub frame_seq: u64,
    /// The source of that frame. Tracks are not shown on pictures of another source.
    pub source_number: SourceNumber,
    pub frame_width: u32,
    pub frame_height: u32,
    /// Of that frame: the boxes are true for frames with the same one only.
    pub mounting: Mounting,
    pub labels: Arc<[String]>,
    /// Sorted by ascending id.
    pub items: Vec<Track>,
}

impl Tracks {
    /// The tracks predicted to `at`, with boxes clipped to the frame. Without those that were not detected
    /// for too long, or have left the frame.
    #[must_use]
    pub fn predicted_at(&self, at: Instant) -> Vec<Track> {
        self.predicted_in_view(at, None)
    }

    /// As [`Tracks::predicted_at`]. `view`: how far the camera's view has moved since the frame of these tracks; `None`: as
    /// fast as before.
    pub(crate) fn predicted_in_view(&self, at: Instant, view: Option<Shift>) -> Vec<Track> {
        let ahead = at.saturating_duration_since(self.captured_at);
        let back = self
            .captured_at
            .saturating_duration_since(at)
            .min(FURTHEST_BACK);
        let predicted = self.items.iter().filter_map(|track| {
            let unseen = track.unseen + ahead;
            if unseen > track.shown_for {
                return None;
            }
            let believed = ahead.min(FURTHEST_AHEAD.saturating_sub(track.unseen));
            let moved = track.moved(believed.as_secs_f32() - back.as_secs_f32(), view);
            let bbox = moved.clipped(self.frame_width, self.frame_height)?;
            Some(Track {
                bbox,
                unseen,
                ..track.clone()
            })
        });
        predicted.collect()
    }

    /// The name of a class, or its number when the model has no name for it.
    #[must_use]
    pub fn label(&self, class_id: usize) -> std::borrow::Cow<'_, str> {
        match self.labels.get(class_id) {
            Some(label) => label.as_str().into(),
            None => format!("class {class_id}").into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOX: BBox = BBox::new(100.0, 100.0, 140.0, 160.0);

    fn tracks(track: Track) -> Tracks {
        Tracks {
            captured_at: Instant::now(),
            frame_seq: 1,
            source_number: 0,
            frame_width: 640,
            frame_height: 360,
            mounting: Mounting::default(),
            labels: Arc::from(["person".to_owned()]),
            items: vec![track],
        }
    }

    fn moving(unseen_ms: u64) -> Tracks {
        let motion = Motion {
            x: 300.0,
            y: -60.0,
            width: 0.0,
            height: 10.0,
        };
        let (unseen, shown_for) = (Duration::from_millis(unseen_ms), Duration::from_secs(2));
        tracks(Track::still(1, 0, 0.9, BOX).moving(motion, unseen, shown_for))
    }

    fn left_at(tracks: &Tracks, at: Instant) -> f32 {
        tracks.predicted_at(at)[0].bbox.x1
    }

    #[test]
    fn boxes_move_with_their_velocity() {
        let tracks = moving(0);
        let later = tracks.predicted_at(tracks.captured_at + Duration::from_millis(100));
        let expected = BBox::new(130.0, 93.5, 170.0, 154.5);
        assert!(later[0].bbox.iou(&expected) > 0.999, "{later:?}");
        assert_eq!(tracks.predicted_at(tracks.captured_at)[0].bbox, BOX);
    }

    #[test]
    fn frames_from_before_the_detection_get_boxes_too() {
        let tracks = moving(0);
        for (ms, left) in [(50, 85.0), (5000, 25.0)] {
            let earlier = tracks.captured_at.checked_sub(Duration::from_millis(ms));
            let found = left_at(&tracks, earlier.expect("uptime"));
            assert!((found - left).abs() < 0.01, "{ms} ms: {found}");
        }
    }

    #[test]
    fn motion_is_extrapolated_for_a_limited_time() {
        let tracks = moving(0);
        let start = tracks.captured_at;
        assert!((left_at(&tracks, start + Duration::from_millis(1500)) - 250.0).abs() < 0.01);
        let stale = tracks.predicted_at(start + Duration::from_millis(2001));
        assert!(stale.is_empty(), "{stale:?}");
        let coasting = moving(400);
        let later = start + Duration::from_millis(900);
        // It is extrapolated for another 0.1 s.
        assert!((left_at(&coasting, later) - 130.0).abs() < 0.01);
    }

    #[test]
    fn what_has_left_the_frame_is_gone() {
        let mut tracks = moving(0);
        tracks.items[0].motion.x = -900.0;
        let start = tracks.captured_at;
        let half_out = tracks.predicted_at(start + Duration::from_millis(120));
        assert_eq!(half_out[0].bbox.x1, 0.0);
        let outside = tracks.predicted_at(start + Duration::from_millis(400));
        assert!(outside.is_empty(), "{outside:?}");
    }

    #[test]
    fn growth_is_bounded() {
        let mut tracks = moving(0);
        tracks.items[0].motion = Motion {
            width: -1e6,
            height: 1e6,
            ..Motion::default()
        };
        let later = tracks.predicted_at(tracks.captured_at + Duration::from_millis(300));
        assert!((later[0].bbox.width() - 32.0).abs() < 0.01, "{later:?}");
        assert!((later[0].bbox.height() - 75.0).abs() < 0.01, "{later:?}");
    }

    #[test]
    fn classes_without_a_name_have_a_number() {
        let tracks = moving(0);
        assert_eq!(tracks.label(0), "person");
        assert_eq!(tracks.label(7), "class 7");
    }
}
