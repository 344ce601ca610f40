//! What a built-in style is.

use crate::builtin::plane::Colour;
use crate::builtin::stages::{Stages, StyleError};
use crate::builtin::subject::Subject;

/// Lower than the live feed's threads. Not 19: beside a detector that keeps both cores busy, that would
/// leave a sixtieth of a core, and a picture would take a minute.
pub(super) const NICE: i32 = 10;

/// Pixels that styles work on, in the picture's own shape: 1280x720. Smaller pictures are enlarged, so that
/// strokes and dots look the same on all.
pub(super) const WORK_PX: f64 = 1280.0 * 720.0;

/// A style made on this machine.
pub(super) struct BuiltinStyle {
    pub(super) id: &'static str,
    /// The title on the style card.
    pub(super) title: &'static str,
    /// The number of times that `make` calls [`Stages::advance`].
    pub(super) steps: u32,
    /// Makes the picture from one with balanced brightness and about [`WORK_PX`] pixels.
    pub(super) make: fn(&Subject, &Stages) -> Result<Colour, StyleError>,
}
