//! What all heads share: the trait that they implement, its input and errors.

use ndarray::{CowArray, IxDyn};
use serde::Deserialize;
use thiserror::Error;

use crate::detection::Detection;

/// A decoder of one family of networks.
///
/// The simplest one reads a list of boxes:
///
/// ```ignore
/// struct Plain(HeadConfig);
///
/// impl DecodeHead for Plain {
///     fn decode(&mut self, outputs: &dyn RawOutputs, min_score: f32, found: &mut Vec<Detection>)
///         -> Result<(), HeadError>
///     {
///         let rows = outputs.floats("boxes")?; // [boxes, 6]: left, top, right, bottom, score, class
///         let count = rows.shape()[0];
///         for row in checked("plain", "boxes", &rows, &[count, 6])?.chunks_exact(6) {
///             let bbox = BBox { x1: row[0], y1: row[1], x2: row[2], y2: row[3] };
///             if row[4] >= min_score {
///                 found.push(Detection { class_id: row[5] as usize, score: row[4], bbox });
///             }
///         }
///         Ok(())
///     }
/// }
/// ```
pub(crate) trait DecodeHead: Send {
    /// The name of an input that takes the size in which the network returns its boxes, as a tensor
    /// of i64, shape [1, 2]: width, height. `None`: the network has only one input.
    fn size_input(&self) -> Option<&'static str> {
        None
    }

    /// Appends to `found` what scores at least `min_score`, in pixels of the network's input. The
    /// outputs are untrusted: a shape that does not fit is an error, and a score that is NaN is never a
    /// detection. (The detector removes boxes with NaN.)
    fn decode(
        &mut self,
        outputs: &dyn RawOutputs,
        min_score: f32,
        found: &mut Vec<Detection>,
    ) -> Result<(), HeadError>;
}

/// The values of an output, borrowed where the network returns them in this type.
pub(crate) type Values<'a, T> = CowArray<'a, T, IxDyn>;

/// The outputs of one run, by name, without their batch axis. Other types of numbers are converted.
pub(crate) trait RawOutputs {
    fn floats(&self, name: &'static str) -> Result<Values<'_, f32>, HeadError>;
    fn integers(&self, name: &'static str) -> Result<Values<'_, i64>, HeadError>;
    /// How much of the numbers of all outputs is NaN, 0..=1.
    fn nan_share(&self) -> f32;
}

/// The units of the four numbers of a box.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BoxUnits {
    /// Offset from the cell's corner in cells; natural logarithm of the size in cells.
    Cells,
    /// Centre and size in pixels of the input.
    Pixels,
}

/// What a decoder has to know of its model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct HeadConfig {
    pub(crate) input: InputSize,
    /// As the network counts them, with ids that have no label.
    pub(crate) classes: usize,
    /// For YOLOX.
    pub(crate) box_units: Option<BoxUnits>,
}

/// Width and height of a network's input in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct InputSize {
    pub(crate) width: usize,
    pub(crate) height: usize,
}

/// Why outputs cannot be decoded.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum HeadError {
    #[error("output `{output}` has the shape {found:?}, the {head} head needs {wanted:?}")]
    Shape {
        output: &'static str,
        found: Vec<usize>,
        head: &'static str,
        wanted: Vec<usize>,
    },
    #[error("output `{output}` cannot be read: {why}")]
    Output { output: &'static str, why: String },
}

/// The values of an output in order, if it has the shape `wanted`.
pub(super) fn checked<'a, T>(
    head: &'static str,
    output: &'static str,
    values: &'a Values<'_, T>,
    wanted: &[usize],
) -> Result<&'a [T], HeadError> {
    let values_of_shape = values.as_slice().filter(|_| values.shape() == wanted);
    values_of_shape.ok_or_else(|| HeadError::Shape {
        output,
        found: values.shape().to_vec(),
        head,
        wanted: wanted.to_vec(),
    })
}

/// The logistic function.
pub(super) fn logistic(value: f32) -> f32 {
    1.0 / (1.0 + (-value).exp())
}
