//! What a detector says about one picture.

use crate::bbox::BBox;

/// One thing that was recognised.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Detection {
    /// Index into the model's labels.
    pub class_id: usize,
    /// How sure the model is, 0..=1.
    pub score: f32,
    /// Where it is, in pixels of the frame.
    pub bbox: BBox,
}
