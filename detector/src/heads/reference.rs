//! What head tests share: tensors that are random and the same on every run, and the comparison with
//! a decoder written as the paper says it.

use crate::bbox::BBox;
use crate::detection::Detection;

/// What a plain decoder found: class, score and corners.
pub(super) type Reference = (usize, f64, [f64; 4]);

/// The two decoders found the same, in the same order.
pub(super) fn assert_same(found: &[Detection], wanted: &[Reference]) {
    assert!(wanted.len() > 5, "a test of something");
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
