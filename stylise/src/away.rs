//! When to look again at a stylist that is away, and how long a job waits for it.

use std::time::{Duration, Instant};

const FIRST_LOOK: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// A stylist that was not there.
#[derive(Debug, Clone)]
pub(crate) struct Away {
    reason: String,
    since: Instant,
    pause: Duration,
    look_at: Instant,
}

impl Away {
    /// It was not there just now.
    pub(crate) fn new(reason: String, now: Instant) -> Self {
        Self {
            reason,
            since: now,
            pause: FIRST_LOOK,
            look_at: now + FIRST_LOOK,
        }
    }

    /// Still not there: the next pause is twice as long, up to half a minute.
    pub(crate) fn again(&mut self, reason: String, now: Instant) {
        self.reason = reason;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        self.look_at = now + self.pause;
    }

    /// When to look again.
    pub(crate) fn look_at(&self) -> Instant {
        self.look_at
    }

    /// Why, for people.
    pub(crate) fn reason(&self) -> &str {
        &self.reason
    }

    /// Whether a job that stands in the queue since `queued_at` waited long enough for it.
    pub(crate) fn is_too_long(&self, queued_at: Instant, patience: Duration, now: Instant) -> bool {
        now.saturating_duration_since(self.since.max(queued_at)) >= patience
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_looked_at_less_and_less_often() {
        let start = Instant::now();
        let mut now = start;
        let mut away = Away::new("refused".to_owned(), now);
        let mut pauses = Vec::new();
        for _ in 0..7 {
            pauses.push((away.look_at() - now).as_secs());
            now = away.look_at();
            away.again("still refused".to_owned(), now);
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 30, 30]);
        assert_eq!(away.reason(), "still refused");
    }

    #[test]
    fn a_job_waits_from_when_it_came_or_the_stylist_went() {
        let start = Instant::now();
        let minutes = |m: u64| Duration::from_secs(60 * m);
        let away = Away::new("gone".to_owned(), start + minutes(10));
        let patience = minutes(30);
        assert!(!away.is_too_long(start, patience, start + minutes(39)));
        assert!(away.is_too_long(start, patience, start + minutes(40)));
        let later = start + minutes(20);
        assert!(!away.is_too_long(later, patience, start + minutes(49)));
    }
}
