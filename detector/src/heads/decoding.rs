//! What all heads share: the trait that they implement, its input and errors, and the decoding of a
//! grid of cells.

use ndarray::ArrayViewD;
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
    /// outputs are untrusted: a shape that does not fit is an error, and NaN is never a detection.
    fn decode(
        &mut self,
        outputs: &dyn RawOutputs,
        min_score: f32,
        found: &mut Vec<Detection>,
    ) -> Result<(), HeadError>;
}

/// The outputs of one run, by name, without their batch axis.
pub(crate) trait RawOutputs {
    fn floats(&self, name: &'static str) -> Result<ArrayViewD<'_, f32>, HeadError>;
    fn integers(&self, name: &'static str) -> Result<ArrayViewD<'_, i64>, HeadError>;
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
    values: &ArrayViewD<'a, T>,
    wanted: &[usize],
) -> Result<&'a [T], HeadError> {
    let values_of_shape = values.to_slice().filter(|_| values.shape() == wanted);
    values_of_shape.ok_or_else(|| HeadError::Shape {
        output,
        found: values.shape().to_vec(),
        head,
        wanted: wanted.to_vec(),
    })
}

/// One cell of the grids that a network lays over its input.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cell {
    pub(super) column: usize,
    pub(super) row: usize,
    /// Width and height of the cell in pixels.
    pub(super) stride: usize,
}

/// All cells in the order of the networks' outputs: stride by stride, each grid row by row. Cells at
/// the right and lower edge may reach beyond the input.
pub(super) fn cells(input: InputSize, strides: &[usize]) -> impl Iterator<Item = Cell> + Clone {
    strides.iter().flat_map(move |&stride| {
        let (columns, rows) = (input.width.div_ceil(stride), input.height.div_ceil(stride));
        (0..rows).flat_map(move |row| {
            (0..columns).map(move |column| Cell {
                column,
                row,
                stride,
            })
        })
    })
}

pub(super) fn cell_count(input: InputSize, strides: &[usize]) -> usize {
    let count = |stride: &usize| input.width.div_ceil(*stride) * input.height.div_ceil(*stride);
    strides.iter().map(count).sum()
}

/// Reads the output `output` of the shape [cells, columns] as one row for each cell.
pub(super) fn rows_of_cells<'a>(
    head: &'static str,
    outputs: &'a dyn RawOutputs,
    input: InputSize,
    strides: &'a [usize],
    columns: usize,
) -> Result<impl Iterator<Item = (&'a [f32], Cell)> + Clone, HeadError> {
    let values = outputs.floats("output")?;
    let wanted = [cell_count(input, strides), columns];
    let rows = checked(head, "output", &values, &wanted)?.chunks_exact(columns);
    Ok(rows.zip(cells(input, strides)))
}

/// The first class that has this score.
pub(super) fn class_with(score: f32, scores: &[f32]) -> usize {
    let place = scores.iter().position(|other| *other == score);
    place.unwrap_or(0)
}

/// The largest value; NaN never wins. Computed in lanes: a plain fold is one chain of dependent
/// comparisons and takes five times as long, which is noticeable with 3598 rows of 80.
pub(super) fn peak(scores: &[f32]) -> f32 {
    const LANES: usize = 16;
    let mut best = [f32::NEG_INFINITY; LANES];
    let chunks = scores.chunks_exact(LANES);
    let rest = chunks.remainder();
    for chunk in chunks {
        for (best, score) in best.iter_mut().zip(chunk) {
            *best = if *score > *best { *score } else { *best };
        }
    }
    best.iter()
        .chain(rest)
        .fold(f32::NEG_INFINITY, |best, score| best.max(*score))
}
