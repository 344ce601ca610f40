//! A token bucket. Pure.

use std::time::Instant;

#[derive(Debug, Clone)]
pub(crate) struct TokenBucket {
    per_s: f64,
    burst: f64,
    tokens: f64,
    refilled_at: Instant,
}

impl TokenBucket {
    /// A full bucket.
    pub(crate) fn new(burst: f64, per_s: f64, now: Instant) -> Self {
        Self {
            per_s,
            burst,
            tokens: burst,
            refilled_at: now,
        }
    }

    fn refill(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.refilled_at);
        self.refilled_at = self.refilled_at.max(now);
        let tokens = self.per_s.mul_add(passed.as_secs_f64(), self.tokens);
        self.tokens = tokens.min(self.burst);
    }

    /// Takes `tokens`. `false`: there are fewer, and nothing is taken.
    pub(crate) fn take(&mut self, tokens: f64, now: Instant) -> bool {
        self.refill(now);
        let has_enough = self.tokens >= tokens;
        if has_enough {
            self.tokens -= tokens;
        }
        has_enough
    }

    /// Whether it is full again: forgetting it then changes nothing.
    pub(crate) fn is_full(&self, now: Instant) -> bool {
        let passed = now.saturating_duration_since(self.refilled_at);
        self.per_s.mul_add(passed.as_secs_f64(), self.tokens) >= self.burst
    }
}
