//! When the screen shows nothing, because nobody is there to see it. Pure: the caller passes the time.

use std::time::{Duration, Instant};

/// Since when nobody was there.
#[derive(Debug)]
pub(crate) struct Blanking {
    needed_at: Instant,
}

impl Blanking {
    pub(crate) fn new(now: Instant) -> Self {
        Self { needed_at: now }
    }

    /// Somebody is there.
    pub(crate) fn wake(&mut self, now: Instant) {
        self.needed_at = now;
    }

    /// Whether nothing is to be shown. `after`: so long nobody has to be there before; `None`: never.
    pub(crate) fn is_due(&self, now: Instant, after: Option<Duration>) -> bool {
        let alone = now.saturating_duration_since(self.needed_at);
        after.is_some_and(|after| alone >= after)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_blank_when_nobody_was_there_for_long_enough() {
        let now = Instant::now();
        let mut blanking = Blanking::new(now);
        let (after, later) = (Duration::from_secs(60), now + Duration::from_secs(61));
        assert!(!blanking.is_due(now, Some(after)));
        assert!(blanking.is_due(later, Some(after)));
        assert!(!blanking.is_due(later, None));
        blanking.wake(later);
        assert!(!blanking.is_due(later, Some(after)));
    }
}
