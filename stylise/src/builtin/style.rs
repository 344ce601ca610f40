//! What a built-in style is.

use crate::builtin::plane::Colour;
use crate::builtin::stages::{Stages, StyleError};
use crate::builtin::subject::Subject;

/// A style made on this machine.
pub(super) struct BuiltinStyle {
    pub(super) id: &'static str,
    /// The title on the style card.
    pub(super) title: &'static str,
    /// The number of times that `make` calls [`Stages::advance`].
    pub(super) steps: u32,
    /// Makes the picture from one with balanced brightness and about [`WORK_PX`](super::WORK_PX) pixels.
    pub(super) make: fn(&Subject, &Stages) -> Result<Colour, StyleError>,
}
