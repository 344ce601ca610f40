//! What the tests of all heads share: outputs that are the same on every run, and the comparison with
//! a reference decoder; and the tests of the functions that all heads share.

mod packages;

use ndarray::{Array, ArrayD, Dimension};

use super::decoding::Values;
use super::grid::{cell_count, cells};
use super::*;
use crate::detection::BBox;
use crate::detection::Detection;

/// What a reference decoder found: class, score and corners.
pub(super) type Reference = (usize, f64, [f64; 4]);

/// Asserts that the decoder found the same as the reference, in the same order.
pub(super) fn assert_same(found: &[Detection], wanted: &[Reference]) {
    assert!(wanted.len() > 5, "the test has detections to compare");
    assert_eq!(found.len(), wanted.len());
    for (ours, (class_id, score, corners)) in found.iter().zip(wanted) {
        assert_eq!(ours.class_id, *class_id);
        assert!((f64::from(ours.score) - score).abs() < 1e-3);
        let BBox { x1, y1, x2, y2 } = ours.bbox;
        for (ours, wanted) in [x1, y1, x2, y2].into_iter().zip(corners) {
            assert!((f64::from(ours) - wanted).abs() < 1e-3, "{ours} {wanted}");
        }
    }
}

/// An input of 96x64 pixels.
pub(super) fn config(classes: usize) -> HeadConfig {
    HeadConfig {
        input: InputSize {
            width: 96,
            height: 64,
        },
        classes,
        box_units: None,
    }
}

/// Made-up outputs of a run.
#[derive(Default)]
pub(super) struct Outputs {
    floats: Vec<(&'static str, ArrayD<f32>)>,
    integers: Vec<(&'static str, ArrayD<i64>)>,
}

impl Outputs {
    pub(super) fn floats<D: Dimension>(mut self, name: &'static str, array: Array<f32, D>) -> Self {
        self.floats.push((name, array.into_dyn()));
        self
    }

    pub(super) fn integers<D: Dimension>(
        mut self,
        name: &'static str,
        array: Array<i64, D>,
    ) -> Self {
        self.integers.push((name, array.into_dyn()));
        self
    }

    pub(super) fn decode(
        &self,
        decoder: &mut dyn DecodeHead,
        min_score: f32,
    ) -> Result<Vec<Detection>, HeadError> {
        let mut found = Vec::new();
        decoder.decode(self, min_score, &mut found)?;
        Ok(found)
    }
}

impl RawOutputs for Outputs {
    fn floats(&self, name: &'static str) -> Result<Values<'_, f32>, HeadError> {
        named(&self.floats, name)
    }

    fn integers(&self, name: &'static str) -> Result<Values<'_, i64>, HeadError> {
        named(&self.integers, name)
    }

    fn nan_share(&self) -> f32 {
        0.0
    }
}

fn named<'a, T>(
    all: &'a [(&str, ArrayD<T>)],
    output: &'static str,
) -> Result<Values<'a, T>, HeadError> {
    let found = all.iter().find(|(name, _)| *name == output);
    let why = "there is none".to_owned();
    let view = found.map(|(_, array)| array.view().into());
    view.ok_or(HeadError::Output { output, why })
}

/// xorshift32 (Marsaglia, 2003): enough for test tensors and needs no crate.
pub(super) struct Random(u32);

impl Random {
    pub(super) fn new(seed: u32) -> Self {
        Self(seed.max(1))
    }

    /// Uniform in `low..high`.
    pub(super) fn between(&mut self, low: f32, high: f32) -> f32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        low + (high - low) * (self.0 as f32 / u32::MAX as f32)
    }
}

#[test]
fn the_number_of_cells_is_that_of_the_published_models() {
    let count = |side, strides: &[usize]| {
        let input = InputSize {
            width: side,
            height: side,
        };
        assert_eq!(cells(input, strides).count(), cell_count(input, strides));
        cell_count(input, strides)
    };
    assert_eq!(count(416, &yolox::STRIDES), 3549);
    assert_eq!(count(416, &nanodet_plus::STRIDES), 3598);
    assert_eq!(count(320, &nanodet_plus::STRIDES), 2125);
}
