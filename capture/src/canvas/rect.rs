//! What is drawn with: a colour and a rectangle.

/// A colour in BT.601 limited range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ink {
    /// Luma, 16..=235.
    pub y: u8,
    /// Blue difference, 16..=240.
    pub u: u8,
    /// Red difference, 16..=240.
    pub v: u8,
}

impl Ink {
    pub const WHITE: Self = Self::rgb(255, 255, 255);
    pub const BLACK: Self = Self::rgb(0, 0, 0);

    /// Converts full-range RGB by the usual 8-bit integer form of BT.601.
    #[must_use]
    pub const fn rgb(r: u8, g: u8, b: u8) -> Self {
        let (r, g, b) = (r as i32, g as i32, b as i32);
        Self {
            y: (16 + ((66 * r + 129 * g + 25 * b + 128) >> 8)) as u8,
            u: (128 + ((-38 * r - 74 * g + 112 * b + 128) >> 8)) as u8,
            v: (128 + ((112 * r - 94 * g - 18 * b + 128) >> 8)) as u8,
        }
    }
}

/// A rectangle of `width` x `height` pixels from (`x`, `y`). Empty when a side is not positive.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rect {
    pub x: i32,
    pub y: i32,
    pub width: i32,
    pub height: i32,
}

impl Rect {
    #[must_use]
    pub const fn new(x: i32, y: i32, width: i32, height: i32) -> Self {
        Self {
            x,
            y,
            width,
            height,
        }
    }

    #[must_use]
    pub fn of_size(width: u32, height: u32) -> Self {
        let side = |length| i32::try_from(length).unwrap_or(i32::MAX);
        Self::new(0, 0, side(width), side(height))
    }

    /// The same columns, but `height` rows from `y` on.
    #[must_use]
    pub const fn rows(self, y: i32, height: i32) -> Self {
        Self { y, height, ..self }
    }

    /// The same rows, but `width` columns from `x` on.
    #[must_use]
    pub const fn columns(self, x: i32, width: i32) -> Self {
        Self { x, width, ..self }
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

    #[must_use]
    pub fn is_empty(self) -> bool {
        self.width <= 0 || self.height <= 0
    }

    /// The area that both cover; may be empty.
    #[must_use]
    pub fn intersection(self, other: Self) -> Self {
        let (x, y) = (self.x.max(other.x), self.y.max(other.y));
        let width = self.right().min(other.right()).saturating_sub(x).max(0);
        let height = self.bottom().min(other.bottom()).saturating_sub(y).max(0);
        Self::new(x, y, width, height)
    }

    /// The rectangle made smaller by `margin_px` on all four sides; larger if negative.
    #[must_use]
    pub fn inset(self, margin_px: i32) -> Self {
        let twice = margin_px.saturating_mul(2);
        self.columns(
            self.x.saturating_add(margin_px),
            self.width.saturating_sub(twice),
        )
        .rows(
            self.y.saturating_add(margin_px),
            self.height.saturating_sub(twice),
        )
    }
}
