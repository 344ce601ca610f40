//! For how long a viewer's picture stood still, as far as this side can know. Pure.

use std::time::{Duration, Instant};

/// From a lost picture (the viewer says so, or frames were thrown away for it) to the next keyframe.
#[derive(Debug, Default)]
pub(crate) struct FreezeClock {
    since: Option<Instant>,
    before: Duration,
}

impl FreezeClock {
    pub(crate) fn began(&mut self, now: Instant) {
        self.since.get_or_insert(now);
    }

    pub(crate) fn ended(&mut self, now: Instant) {
        if let Some(since) = self.since.take() {
            self.before += now.saturating_duration_since(since);
        }
    }

    /// In all until now.
    pub(crate) fn total(&self, now: Instant) -> Duration {
        let running = self.since.map(|since| now.saturating_duration_since(since));
        self.before + running.unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn standing_still_adds_up_and_repeated_signs_are_one() {
        let (mut clock, start) = (FreezeClock::default(), Instant::now());
        let at = |millis| start + Duration::from_millis(millis);
        clock.ended(at(5));
        clock.began(at(10));
        clock.began(at(200));
        assert_eq!(clock.total(at(300)), Duration::from_millis(290));
        clock.ended(at(310));
        clock.began(at(1000));
        clock.ended(at(1100));
        assert_eq!(clock.total(at(5000)), Duration::from_millis(400));
    }
}
