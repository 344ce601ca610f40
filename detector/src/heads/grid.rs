//! Networks that lay grids of cells over their input: which cells there are, in which order, the loop
//! that decodes them, and the two ways in which a cell tells its box.

use super::decoding::{HeadError, InputSize, Values, checked};
use crate::detection::{BBox, Detection};

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

/// Reads an output of the shape [cells, columns] as one row for each cell.
pub(super) fn rows_of_cells<'a>(
    head: &'static str,
    values: &'a Values<'_, f32>,
    input: InputSize,
    strides: &'a [usize],
    columns: usize,
) -> Result<impl Iterator<Item = (&'a [f32], Cell)> + Clone, HeadError> {
    let wanted = [cell_count(input, strides), columns];
    let rows = checked(head, "output", values, &wanted)?.chunks_exact(columns);
    Ok(rows.zip(cells(input, strides)))
}

/// Appends the boxes of all cells to `found`. Each cell comes with what the network says of it:
/// `class_of` makes class and score of that, or `None` where the score is too low, and `box_of` the box.
pub(super) fn decode_cells<T: Copy>(
    cells: impl Iterator<Item = (T, Cell)>,
    class_of: impl Fn(T) -> Option<(usize, f32)>,
    box_of: impl Fn(T, Cell) -> BBox,
    found: &mut Vec<Detection>,
) {
    found.extend(cells.filter_map(|(said, cell)| {
        let (class_id, score) = class_of(said)?;
        let bbox = box_of(said, cell);
        Some(Detection {
            class_id,
            score,
            bbox,
        })
    }));
}

impl Cell {
    /// The box of four numbers: its centre from the cell's corner, in cells, and the natural logarithm
    /// of its size in cells.
    pub(super) fn box_by_size(self, numbers: &[f32]) -> BBox {
        let stride = self.stride as f32;
        BBox::around(
            (numbers[0] + self.column as f32) * stride,
            (numbers[1] + self.row as f32) * stride,
            numbers[2].exp() * stride,
            numbers[3].exp() * stride,
        )
    }

    /// The box of four distributions over distances in cells, given as logits: left, top, right, bottom
    /// (Li et al., Generalized Focal Loss, 2020). They count from the point at `anchor` cells from the
    /// cell's corner.
    pub(super) fn box_by_distributions(self, logits: &[f32], anchor: f32) -> BBox {
        let stride = self.stride as f32;
        let (x, y) = (
            (self.column as f32 + anchor) * stride,
            (self.row as f32 + anchor) * stride,
        );
        let bins = logits.len() / 4;
        let distance = |side: usize| expected_bin(&logits[side * bins..(side + 1) * bins]) * stride;
        BBox::new(
            x - distance(0),
            y - distance(1),
            x + distance(2),
            y + distance(3),
        )
    }
}

/// The mean of the distribution that these logits describe, in bins.
fn expected_bin(logits: &[f32]) -> f32 {
    // The largest logit is subtracted, so that no exponential overflows.
    let largest = logits
        .iter()
        .fold(f32::NEG_INFINITY, |largest, logit| largest.max(*logit));
    let (mut sum, mut weighted) = (0.0, 0.0);
    for (bin, logit) in logits.iter().enumerate() {
        let weight = (logit - largest).exp();
        sum += weight;
        weighted += weight * bin as f32;
    }
    weighted / sum
}

/// The best class and its score, if that is at least `min_score`.
pub(super) fn best_class(scores: &[f32], min_score: f32) -> Option<(usize, f32)> {
    let score = peak(scores);
    (score >= min_score).then(|| (class_with(score, scores), score))
}

/// The best class of a row that has the objectness and then the classes, all of them probabilities. The
/// score is their product.
pub(super) fn best_class_of_object(row: &[f32], min_score: f32) -> Option<(usize, f32)> {
    let (object, scores) = row.split_first()?;
    // A class probability is at most 1, so most rows are skipped after one comparison.
    if *object < min_score || object.is_nan() {
        return None;
    }
    let class_score = peak(scores);
    let score = object * class_score;
    (score >= min_score).then(|| (class_with(class_score, scores), score))
}

/// The first class that has this score.
fn class_with(score: f32, scores: &[f32]) -> usize {
    let place = scores.iter().position(|other| *other == score);
    place.unwrap_or(0)
}

/// The largest value; NaN never wins. Computed in lanes: a plain fold is one chain of dependent
/// comparisons and takes five times as long, which is noticeable with 3598 rows of 80.
fn peak(scores: &[f32]) -> f32 {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_class_is_found_anywhere_and_nan_never_wins() {
        for place in [0, 15, 16, 79] {
            let mut scores = [0.1; 80];
            scores[place] = 0.7;
            scores[40] = f32::NAN;
            assert_eq!(best_class(&scores, 0.5), Some((place, 0.7)));
        }
        assert_eq!(best_class(&[0.3, 0.3], 0.3), Some((0, 0.3)));
        assert_eq!(best_class(&[f32::NAN; 80], 0.0), None);
        assert_eq!(best_class_of_object(&[f32::NAN, 1.0], 0.0), None);
        assert_eq!(best_class_of_object(&[0.5, 0.2, 0.8], 0.4), Some((1, 0.4)));
    }

    #[test]
    fn huge_logits_do_not_overflow() {
        assert_eq!(
            expected_bin(&[0.0, 0.0, 0.0, 900.0, 0.0, 0.0, 0.0, 0.0]),
            3.0
        );
        assert!((expected_bin(&[-900.0; 8]) - 3.5).abs() < 1e-6);
    }
}
