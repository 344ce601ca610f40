//! A box as COCO writes it.

use crate::bbox::BBox;

/// Left, top, width, height in pixels. In double precision, as pycocotools has it: an IoU that lies
/// on a threshold must fall on the same side.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rect {
    /// Left edge.
    pub x: f64,
    /// Top edge.
    pub y: f64,
    /// Width.
    pub width: f64,
    /// Height.
    pub height: f64,
}

impl From<[f64; 4]> for Rect {
    fn from([x, y, width, height]: [f64; 4]) -> Self {
        Self {
            x,
            y,
            width,
            height,
        }
    }
}

impl From<BBox> for Rect {
    fn from(bbox: BBox) -> Self {
        let [x1, y1, x2, y2] = [bbox.x1, bbox.y1, bbox.x2, bbox.y2].map(f64::from);
        Self::from([x1, y1, x2 - x1, y2 - y1])
    }
}

impl Rect {
    fn area(&self) -> f64 {
        self.width * self.height
    }

    /// The area that both have, by the arithmetic of `bbIou` in cocoapi's `maskApi.c`.
    fn shared(&self, other: &Self) -> f64 {
        let width = (self.x + self.width).min(other.x + other.width) - self.x.max(other.x);
        let height = (self.y + self.height).min(other.y + other.height) - self.y.max(other.y);
        if width > 0.0 && height > 0.0 {
            width * height
        } else {
            0.0
        }
    }

    /// Intersection over union with a true box.
    pub(super) fn iou(&self, truth: &Self) -> f64 {
        match self.shared(truth) {
            0.0 => 0.0,
            both => both / (self.area() + truth.area() - both),
        }
    }

    /// How much of this box lies in a crowd: to find one person of many is right.
    pub(super) fn share_within(&self, crowd: &Self) -> f64 {
        match self.shared(crowd) {
            0.0 => 0.0,
            both => both / self.area(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crowd_asks_only_that_a_box_lies_in_it() {
        let crowd = Rect::from([0.0, 0.0, 100.0, 100.0]);
        let one = Rect::from([90.0, 0.0, 20.0, 10.0]);
        assert_eq!(one.share_within(&crowd), 0.5);
        assert!(one.iou(&crowd) < 0.01);
        let elsewhere = Rect::from([200.0, 0.0, 0.0, 0.0]);
        assert_eq!(
            (elsewhere.iou(&crowd), elsewhere.share_within(&crowd)),
            (0.0, 0.0)
        );
    }

    #[test]
    fn corners_become_left_top_width_height() {
        let bbox = BBox {
            x1: 1.0,
            y1: 2.0,
            x2: 4.0,
            y2: 8.0,
        };
        assert_eq!(Rect::from(bbox), Rect::from([1.0, 2.0, 3.0, 6.0]));
    }
}
