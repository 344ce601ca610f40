//! When to try again what failed. Pure.

use std::time::{Duration, Instant};

const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(30);

/// Waits longer after each failure, up to a bound, until something succeeds.
#[derive(Debug, Default)]
pub(crate) struct Retry {
    failures: u32,
    not_before: Option<Instant>,
}

impl Retry {
    /// Whether to try now.
    pub(crate) fn due(&self, now: Instant) -> bool {
        self.not_before.is_none_or(|not_before| now >= not_before)
    }

    /// It failed at `now`.
    pub(crate) fn failed(&mut self, now: Instant) {
        let wait = FIRST.saturating_mul(1 << self.failures.min(8));
        self.not_before = Some(now + wait.min(LONGEST));
        self.failures += 1;
    }

    /// It works.
    pub(crate) fn succeeded(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_to_a_bound_and_start_afresh_after_success() {
        let (mut now, mut retry) = (Instant::now(), Retry::default());
        assert!(retry.due(now));
        for wanted_s in [1, 2, 4, 8, 16, 30, 30] {
            retry.failed(now);
            assert!(!retry.due(now + Duration::from_secs(wanted_s) - Duration::from_millis(1)));
            now += Duration::from_secs(wanted_s);
            assert!(retry.due(now), "{wanted_s}");
        }
        retry.succeeded();
        retry.failed(now);
        assert!(retry.due(now + FIRST));
    }
}
