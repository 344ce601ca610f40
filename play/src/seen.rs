//! What the detector follows in one frame, as the rules need it.

use std::time::Instant;

use serde::Serialize;

/// Objects of one frame beyond this number are not looked at: work is bounded whatever the picture shows.
const OBJECTS_MAX: usize = 64;

/// A rectangle in fractions of the picture: 0 is its left or top edge, 1 its right or bottom edge.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Region {
    pub left: f32,
    pub top: f32,
    pub right: f32,
    pub bottom: f32,
}

impl Region {
    #[must_use]
    pub const fn new(left: f32, top: f32, right: f32, bottom: f32) -> Self {
        Self {
            left,
            top,
            right,
            bottom,
        }
    }

    #[must_use]
    pub fn width(&self) -> f32 {
        self.right - self.left
    }

    #[must_use]
    pub fn height(&self) -> f32 {
        self.bottom - self.top
    }

    #[must_use]
    pub fn centre(&self) -> (f32, f32) {
        (
            f32::midpoint(self.left, self.right),
            f32::midpoint(self.top, self.bottom),
        )
    }

    /// Intersection over union, 0..=1.
    #[must_use]
    pub fn iou(&self, other: &Self) -> f32 {
        let width = self.right.min(other.right) - self.left.max(other.left);
        let height = self.bottom.min(other.bottom) - self.top.max(other.top);
        if width <= 0.0 || height <= 0.0 {
            return 0.0;
        }
        let common = width * height;
        common / (self.width() * self.height() + other.width() * other.height() - common)
    }

    /// The largest change against `before`, in parts of its size: of its centre, its height or half its width.
    pub(crate) fn moved_from(&self, before: &Self) -> f32 {
        let (x, y) = self.centre();
        let (x_before, y_before) = before.centre();
        let across = (x - x_before).abs() / before.width();
        let along = (y - y_before).abs() / before.height();
        let taller = (self.height() - before.height()).abs() / before.height();
        let wider = (self.width() - before.width()).abs() / before.width();
        across.max(along).max(taller).max(wider / 2.0)
    }

    /// Halfway to `other`: damps the jitter of boxes.
    pub(crate) fn halfway(&self, other: &Self) -> Self {
        Self::new(
            f32::midpoint(self.left, other.left),
            f32::midpoint(self.top, other.top),
            f32::midpoint(self.right, other.right),
            f32::midpoint(self.bottom, other.bottom),
        )
    }

    /// Whether it has an area and lies at least partly in the picture.
    fn is_usable(&self) -> bool {
        let sides = [self.left, self.top, self.right, self.bottom];
        let is_near = sides.iter().all(|side| (-1.0..=2.0).contains(side));
        is_near && self.width() > 1e-4 && self.height() > 1e-4
    }
}

/// One track in one frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SeenObject {
    /// Is never used for another object.
    pub track_id: u64,
    /// Index into the labels of the model.
    pub class_id: usize,
    /// 0..=1
    pub score: f32,
    pub region: Region,
    /// It was not detected in this frame, only predicted.
    pub is_coasting: bool,
}

/// The tracks that are shown on one frame.
#[derive(Debug, Clone, PartialEq)]
pub struct SeenFrame {
    pub frame_seq: u64,
    /// Changes with the source of the pictures: nothing is followed from one source to another.
    pub source_number: u64,
    pub captured_at: Instant,
    pub objects: Vec<SeenObject>,
}

impl SeenFrame {
    /// Objects with a place in the picture and a score.
    pub(crate) fn usable(&self) -> impl Iterator<Item = &SeenObject> {
        let is_usable =
            |object: &&SeenObject| object.region.is_usable() && (0.0..=1.0).contains(&object.score);
        self.objects.iter().filter(is_usable).take(OBJECTS_MAX)
    }
}
