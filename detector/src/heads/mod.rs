//! One file per head: raw outputs of a network to boxes. Pure; the session is not known here.
//!
//! Every head answers in pixels of the network's input, unclipped, every box over the threshold;
//! suppression and the way back to the frame are the same for all and live elsewhere.

pub(crate) mod deimv2;
pub(crate) mod fastestdet;
pub(crate) mod nanodet_plus;
pub(crate) mod yolox;

#[cfg(test)]
mod reference;

use ndarray::{ArrayView1, ArrayView2, ArrayView3};
use serde::Deserialize;
use thiserror::Error;

pub use yolox::BoxUnits;

/// Which decoder a model needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Head {
    /// YOLOX: anchor-free cells with objectness, strides 8, 16, 32.
    Yolox,
    /// NanoDet-Plus: class scores and a distribution per box side, strides 8, 16, 32, 64.
    NanodetPlus,
    /// DEIMv2 and its DETR relatives: a list of boxes, ready made.
    Deimv2,
    /// FastestDet: one grid of cells with objectness, stride 16.
    Fastestdet,
}

/// The outputs do not have the form that the head needs.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("output `{output}` has the shape {found:?}, the {head} head needs {wanted}")]
pub struct HeadError {
    /// Which output of the network.
    pub output: &'static str,
    /// The shape it has.
    pub found: Vec<usize>,
    /// The head's name.
    pub head: &'static str,
    /// What would be right.
    pub wanted: String,
}

/// The raw outputs of one run, as the session hands them over.
#[derive(Debug)]
pub(crate) enum RawOutputs<'a> {
    /// One row per place.
    Rows(ArrayView2<'a, f32>),
    /// One plane per number, with a place per cell.
    Planes(ArrayView3<'a, f32>),
    /// Ready-made boxes.
    Boxes {
        labels: ArrayView1<'a, i64>,
        boxes: ArrayView2<'a, f32>,
        scores: ArrayView1<'a, f32>,
    },
}

/// Width and height of a network's input in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct InputSize {
    pub(crate) width: usize,
    pub(crate) height: usize,
}

/// How many places a head with these strides looks at.
fn places(input: InputSize, strides: &[usize]) -> usize {
    strides
        .iter()
        .map(|s| input.width.div_ceil(*s) * input.height.div_ceil(*s))
        .sum()
}

/// The first class that has this score.
fn class_with(score: f32, scores: &[f32]) -> usize {
    let place = scores.iter().position(|other| *other == score);
    place.unwrap_or(0)
}

/// The largest value; NaN never wins. Written in lanes: a plain fold is one long chain of dependent
/// comparisons and costs five times as much, which shows with 3598 rows of 80.
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
    fn the_number_of_places_is_that_of_the_published_models() {
        let square = |side| InputSize {
            width: side,
            height: side,
        };
        assert_eq!(places(square(416), &yolox::STRIDES), 3549);
        assert_eq!(places(square(416), &nanodet_plus::STRIDES), 3598);
        assert_eq!(places(square(320), &nanodet_plus::STRIDES), 2125);
    }

    #[test]
    fn the_best_class_is_found_anywhere_and_nan_never_wins() {
        for place in [0, 15, 16, 79] {
            let mut scores = [0.1; 80];
            scores[place] = 0.7;
            scores[40] = f32::NAN;
            assert_eq!((peak(&scores), class_with(0.7, &scores)), (0.7, place));
        }
        assert_eq!(class_with(0.3, &[0.3, 0.3]), 0);
    }
}
