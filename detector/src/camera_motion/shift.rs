//! A way in a picture.

/// Pixels to the right and down.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Shift {
    pub(crate) x: f32,
    pub(crate) y: f32,
}
