//! Detections: boxes with a class and a score, and non-maximum suppression.

/// One detected object.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Detection {
    /// Index into the model's labels.
    pub class_id: usize,
    /// The confidence, 0..=1.
    pub score: f32,
    /// In pixels of the frame.
    pub bbox: BBox,
}

/// A box by its left, top, right and bottom edges, in pixels of its picture. Edges lie between pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BBox {
    pub x1: f32,
    pub y1: f32,
    pub x2: f32,
    pub y2: f32,
}

impl BBox {
    #[must_use]
    pub const fn new(x1: f32, y1: f32, x2: f32, y2: f32) -> Self {
        Self { x1, y1, x2, y2 }
    }

    /// A box from its centre and its size.
    #[must_use]
    pub fn around(cx: f32, cy: f32, width: f32, height: f32) -> Self {
        let (dx, dy) = (width / 2.0, height / 2.0);
        Self {
            x1: cx - dx,
            y1: cy - dy,
            x2: cx + dx,
            y2: cy + dy,
        }
    }

    /// Width in pixels, never negative.
    #[must_use]
    pub fn width(&self) -> f32 {
        (self.x2 - self.x1).max(0.0)
    }

    /// Height in pixels, never negative.
    #[must_use]
    pub fn height(&self) -> f32 {
        (self.y2 - self.y1).max(0.0)
    }

    /// Area in square pixels.
    #[must_use]
    pub fn area(&self) -> f32 {
        self.width() * self.height()
    }

    #[must_use]
    pub fn centre(&self) -> (f32, f32) {
        ((self.x1 + self.x2) / 2.0, (self.y1 + self.y2) / 2.0)
    }

    /// Intersection over union; 0 for boxes that do not overlap or have no area.
    #[must_use]
    pub fn iou(&self, other: &Self) -> f32 {
        let width = (self.x2.min(other.x2) - self.x1.max(other.x1)).max(0.0);
        let height = (self.y2.min(other.y2) - self.y1.max(other.y1)).max(0.0);
        let both = width * height;
        let either = self.area() + other.area() - both;
        if either > 0.0 { both / either } else { 0.0 }
    }

    /// The part inside a picture of this size; `None` when it is less than a pixel on a side, or a
    /// coordinate is NaN.
    #[must_use]
    pub fn clipped(&self, width_px: u32, height_px: u32) -> Option<Self> {
        let (width, height) = (width_px as f32, height_px as f32);
        let inside = Self {
            x1: self.x1.clamp(0.0, width),
            y1: self.y1.clamp(0.0, height),
            x2: self.x2.clamp(0.0, width),
            y2: self.y2.clamp(0.0, height),
        };
        (inside.width() >= 1.0 && inside.height() >= 1.0).then_some(inside)
    }

    /// The box moved by this many pixels to the right and down.
    #[must_use]
    pub fn moved(&self, x: f32, y: f32) -> Self {
        Self {
            x1: self.x1 + x,
            y1: self.y1 + y,
            x2: self.x2 + x,
            y2: self.y2 + y,
        }
    }

    /// Whether no coordinate is infinite or NaN.
    pub(crate) fn is_finite(&self) -> bool {
        [self.x1, self.y1, self.x2, self.y2]
            .iter()
            .all(|coordinate| coordinate.is_finite())
    }

    /// The box with each axis multiplied by its factor.
    #[must_use]
    pub fn scaled(&self, x: f32, y: f32) -> Self {
        Self {
            x1: self.x1 * x,
            y1: self.y1 * y,
            x2: self.x2 * x,
            y2: self.y2 * y,
        }
    }
}

/// Greedy non-maximum suppression per class: removes a box when a kept one of the same class and a
/// higher score overlaps it with an IoU above `max_iou`. The result is sorted by score, best first.
pub(crate) fn suppress(detections: &mut Vec<Detection>, max_iou: f32) {
    // A stable sort keeps the model's order of equal scores, as the reference implementations do.
    detections.sort_by(|a, b| b.score.total_cmp(&a.score));
    let mut kept = 0;
    for next in 0..detections.len() {
        let candidate = detections[next];
        let covered = detections[..kept].iter().any(|better| {
            better.class_id == candidate.class_id && better.bbox.iou(&candidate.bbox) > max_iou
        });
        if !covered {
            detections[kept] = candidate;
            kept += 1;
        }
    }
    detections.truncate(kept);
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNIT: BBox = BBox::new(0.0, 0.0, 10.0, 10.0);

    #[test]
    fn iou_of_equal_halved_and_disjoint_boxes() {
        let half = BBox { x2: 5.0, ..UNIT };
        assert_eq!(UNIT.iou(&UNIT), 1.0);
        assert_eq!(UNIT.iou(&half), 0.5);
        assert_eq!(
            UNIT.iou(&BBox {
                x1: 20.0,
                x2: 30.0,
                ..UNIT
            }),
            0.0
        );
        let flat = BBox { y2: 0.0, ..UNIT };
        assert_eq!(
            flat.iou(&flat),
            0.0,
            "no area, no overlap, no division by zero"
        );
    }

    #[test]
    fn clipping_keeps_the_visible_part() {
        let over = BBox::new(-5.0, 2.0, 50.0, 8.0);
        let inside = BBox::new(0.0, 2.0, 20.0, 8.0);
        assert_eq!(over.clipped(20, 10), Some(inside));
        assert_eq!(BBox { x1: 21.0, ..over }.clipped(20, 10), None);
        assert_eq!(
            BBox {
                x1: f32::NAN,
                ..over
            }
            .clipped(20, 10),
            None
        );
        let endless = BBox::new(f32::NEG_INFINITY, 0.0, f32::INFINITY, 4.0);
        assert_eq!(
            endless.clipped(20, 10).map(|inside| inside.area()),
            Some(80.0)
        );
    }

    fn at(x1: f32, score: f32, class_id: usize) -> Detection {
        Detection {
            class_id,
            score,
            bbox: BBox::new(x1, 0.0, x1 + 10.0, 10.0),
        }
    }

    #[test]
    fn the_best_of_a_heap_stays_and_other_classes_are_left_alone() {
        let mut heap = vec![
            at(1.0, 0.6, 0),
            at(0.0, 0.9, 0),
            at(1.0, 0.5, 7),
            at(40.0, 0.3, 0),
        ];
        suppress(&mut heap, 0.5);
        assert_eq!(heap, [at(0.0, 0.9, 0), at(1.0, 0.5, 7), at(40.0, 0.3, 0)]);
    }

    #[test]
    fn a_suppressed_box_suppresses_no_other() {
        // b covers c and a covers b, but a does not cover c: c stays.
        let mut chain = vec![at(0.0, 0.9, 0), at(3.0, 0.8, 0), at(6.0, 0.7, 0)];
        suppress(&mut chain, 0.5);
        assert_eq!(chain, [at(0.0, 0.9, 0), at(6.0, 0.7, 0)]);
        suppress(&mut Vec::new(), 0.5);
    }
}
