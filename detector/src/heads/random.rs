//! Tensors for head tests: random, the same on every run.

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
