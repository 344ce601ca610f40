//! A box in pixels.

/// Left, top, right, bottom in pixels of the picture it belongs to; the edges lie between pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BBox {
    /// Left edge.
    pub x1: f32,
    /// Top edge.
    pub y1: f32,
    /// Right edge.
    pub x2: f32,
    /// Bottom edge.
    pub y2: f32,
}

impl BBox {
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

    /// The middle.
    #[must_use]
    pub fn centre(&self) -> (f32, f32) {
        ((self.x1 + self.x2) / 2.0, (self.y1 + self.y2) / 2.0)
    }

    /// Intersection over union, 0 for boxes that do not meet or have no area.
    #[must_use]
    pub fn iou(&self, other: &Self) -> f32 {
        let width = (self.x2.min(other.x2) - self.x1.max(other.x1)).max(0.0);
        let height = (self.y2.min(other.y2) - self.y1.max(other.y1)).max(0.0);
        let both = width * height;
        let either = self.area() + other.area() - both;
        if either > 0.0 { both / either } else { 0.0 }
    }

    /// The part inside a picture of this size; `None` when less than a pixel of it is.
    ///
    /// A model may answer anything: boxes that are not numbers are `None` too.
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

    /// Each axis stretched by its own factor about the origin.
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

#[cfg(test)]
mod tests {
    use super::*;

    const UNIT: BBox = BBox {
        x1: 0.0,
        y1: 0.0,
        x2: 10.0,
        y2: 10.0,
    };

    #[test]
    fn iou_of_halves_quarters_and_strangers() {
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
    fn clipping_keeps_the_visible_part_and_drops_the_rest() {
        let over = BBox {
            x1: -5.0,
            y1: 2.0,
            x2: 50.0,
            y2: 8.0,
        };
        let inside = BBox {
            x1: 0.0,
            y1: 2.0,
            x2: 20.0,
            y2: 8.0,
        };
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
        let endless = BBox {
            x1: f32::NEG_INFINITY,
            y1: 0.0,
            x2: f32::INFINITY,
            y2: 4.0,
        };
        assert_eq!(
            endless.clipped(20, 10).map(|inside| inside.area()),
            Some(80.0)
        );
    }
}
