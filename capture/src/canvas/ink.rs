//! A colour as it lies in the picture.

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
    /// The brightest white.
    pub const WHITE: Self = Self::rgb(255, 255, 255);
    /// The darkest black.
    pub const BLACK: Self = Self::rgb(0, 0, 0);

    /// From full-range RGB, by the usual 8-bit integer form of BT.601.
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
