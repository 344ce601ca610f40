//! Sightings: the raw detections of persons and faces in one frame.

use std::sync::Arc;
use std::time::{Duration, Instant};

use capture::{Frame, Mounting, Slot, SourceNumber};

use super::settings::{PrivacyControl, PrivacyMode};
use crate::detection::{BBox, Detection};

/// The score from which on a person or a face is hidden. Below the tracker's weak score of the models,
/// 0.15 and more: a person who is wrongly shown is worse than a chair that is wrongly hidden. Lower still,
/// boxes of nothing would cover half of the room.
pub const SIGHTING_SCORE: f32 = 0.1;

/// The longest interval between detections while somebody watches in a mode that needs them: six a
/// second, above every limit on the rate.
const LONGEST_PERIOD: Duration = Duration::from_nanos(1_000_000_000 / 6);

/// The most detections that are taken of one frame, best first: more than the filter follows, which
/// hides the whole picture then.
const MOST_SIGHTED: usize = 128;

/// What was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SightedKind {
    Person,
    Face,
}

impl SightedKind {
    /// The kind of objects with this label; `None` for objects that need no privacy.
    pub(crate) fn of_label(label: &str) -> Option<Self> {
        let is = |name: &str| label.eq_ignore_ascii_case(name);
        if is("person") || is("people") || is("pedestrian") {
            Some(Self::Person)
        } else if is("face") {
            Some(Self::Face)
        } else {
            None
        }
    }
}

/// One person or face.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sighted {
    pub kind: SightedKind,
    /// 0..=1.
    pub score: f32,
    /// In pixels of the frame.
    pub bbox: BBox,
}

/// All persons and faces in one frame, from [`SIGHTING_SCORE`] on: before the minimum score, class
/// filters and the tracker.
#[derive(Debug, Clone, PartialEq)]
pub struct Sighting {
    /// When the frame was captured.
    pub captured_at: Instant,
    /// The source of the frame: sightings tell nothing about pictures of another source.
    pub source_number: SourceNumber,
    pub frame_width: u32,
    pub frame_height: u32,
    /// Of that frame.
    pub mounting: Mounting,
    /// Whether the model can find persons.
    pub finds_persons: bool,
    /// Whether the model can find faces.
    pub finds_faces: bool,
    /// Best first.
    pub items: Vec<Sighted>,
}

impl Sighting {
    /// Persons and faces among `detections`, which are sorted, best first.
    #[must_use]
    pub fn new(frame: &Frame, labels: &[String], detections: &[Detection]) -> Self {
        let finds = |kind: SightedKind| {
            let of_kind = |label: &String| SightedKind::of_label(label) == Some(kind);
            labels.iter().any(of_kind)
        };
        Self {
            captured_at: frame.captured_at,
            source_number: frame.source_number,
            frame_width: frame.pixels.width(),
            frame_height: frame.pixels.height(),
            mounting: frame.mounting,
            finds_persons: finds(SightedKind::Person),
            finds_faces: finds(SightedKind::Face),
            items: sighted(labels, detections).take(MOST_SIGHTED).collect(),
        }
    }

    /// Adds the faces among what a second model found in the same frame.
    pub(crate) fn add_faces(&mut self, labels: &[String], detections: &[Detection]) {
        let others = sighted(labels, detections);
        let room = MOST_SIGHTED.saturating_sub(self.items.len());
        let faces = others.filter(|item| item.kind == SightedKind::Face);
        self.items.extend(faces.take(room));
        self.finds_faces = true;
    }
}

/// Persons and faces among `detections`.
fn sighted(labels: &[String], detections: &[Detection]) -> impl Iterator<Item = Sighted> {
    detections.iter().filter_map(|found| {
        let kind = SightedKind::of_label(labels.get(found.class_id)?)?;
        Some(Sighted {
            kind,
            score: found.score,
            bbox: found.bbox,
        })
    })
}

/// The connection from the detect thread to the privacy filter.
#[derive(Debug, Clone, Default)]
pub struct Sightings {
    /// Tells whether sightings are needed.
    pub control: Arc<PrivacyControl>,
    /// Where they are published.
    pub slot: Arc<Slot<Sighting>>,
}

impl Sightings {
    /// The longest interval between detections; `None`: any is good enough.
    pub(crate) fn longest_period(&self) -> Option<Duration> {
        self.are_needed().then_some(LONGEST_PERIOD)
    }

    /// Whether sightings are needed at all.
    pub(crate) fn are_needed(&self) -> bool {
        self.control.mode().needs_detections()
    }

    /// Whether faces have to be found by a second model, since the main one with these labels has none.
    pub(crate) fn need_face_model(&self, labels: &[String]) -> bool {
        let is_face = |label: &String| SightedKind::of_label(label) == Some(SightedKind::Face);
        self.control.mode() == PrivacyMode::BlurFaces && !labels.iter().any(is_face)
    }
}
