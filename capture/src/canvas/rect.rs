//! A rectangle of whole pixels that any integers can make.

/// `width` x `height` pixels from (`x`, `y`). Not positive in a side means empty.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rect {
    /// Left edge.
    pub x: i32,
    /// Top edge.
    pub y: i32,
    /// Width in pixels.
    pub width: i32,
    /// Height in pixels.
    pub height: i32,
}

impl Rect {
    /// From the origin.
    #[must_use]
    pub fn of_size(width: u32, height: u32) -> Self {
        let side = |length| i32::try_from(length).unwrap_or(i32::MAX);
        Self {
            x: 0,
            y: 0,
            width: side(width),
            height: side(height),
        }
    }

    /// One past the last column.
    #[must_use]
    pub fn right(self) -> i32 {
        self.x.saturating_add(self.width.max(0))
    }

    /// One past the last row.
    #[must_use]
    pub fn bottom(self) -> i32 {
        self.y.saturating_add(self.height.max(0))
    }

    /// Covers no pixel.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.width <= 0 || self.height <= 0
    }

    /// What both cover; empty where they do not meet.
    #[must_use]
    pub fn intersection(self, other: Self) -> Self {
        let (x, y) = (self.x.max(other.x), self.y.max(other.y));
        let width = self.right().min(other.right()).saturating_sub(x).max(0);
        let height = self.bottom().min(other.bottom()).saturating_sub(y).max(0);
        Self {
            x,
            y,
            width,
            height,
        }
    }

    /// Smaller by `margin_px` on all four sides (larger if negative).
    #[must_use]
    pub fn inset(self, margin_px: i32) -> Self {
        let twice = margin_px.saturating_mul(2);
        Self {
            x: self.x.saturating_add(margin_px),
            y: self.y.saturating_add(margin_px),
            width: self.width.saturating_sub(twice),
            height: self.height.saturating_sub(twice),
        }
    }
}
