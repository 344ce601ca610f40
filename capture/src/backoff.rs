//! How long to wait before the next try.

use std::time::{Duration, Instant};

/// The first wait after a failure.
const FIRST: Duration = Duration::from_millis(250);
/// The longest wait: a camera plugged in again shows up within this.
const LONGEST: Duration = Duration::from_secs(5);
/// A source that ran this long was sound; its next failure starts from the first wait again.
const SOUND_AFTER: Duration = Duration::from_secs(5);

/// Doubling waits from 0.25 s to 5 s.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Backoff {
    next: Duration,
    flowing_since: Option<Instant>,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            next: FIRST,
            flowing_since: None,
        }
    }
}

impl Backoff {
    /// The source gives pictures.
    pub(crate) fn flowing(&mut self, now: Instant) {
        self.flowing_since.get_or_insert(now);
    }

    /// The source failed: how long to wait before it is opened again.
    pub(crate) fn failed(&mut self, now: Instant) -> Duration {
        let sound = self
            .flowing_since
            .take()
            .is_some_and(|since| now - since >= SOUND_AFTER);
        if sound {
            self.next = FIRST;
        }
        let wait = self.next;
        self.next = (wait * 2).min(LONGEST);
        wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(backoff: &mut Backoff, now: Instant, count: usize) -> Vec<u128> {
        (0..count)
            .map(|_| backoff.failed(now).as_millis())
            .collect()
    }

    #[test]
    fn waits_double_up_to_five_seconds() {
        let mut backoff = Backoff::default();
        let expected = [250, 500, 1000, 2000, 4000, 5000, 5000];
        assert_eq!(waits(&mut backoff, Instant::now(), 7), expected);
    }

    #[test]
    fn only_a_source_that_ran_for_a_while_starts_over() {
        let start = Instant::now();
        let mut backoff = Backoff::default();
        waits(&mut backoff, start, 3);
        backoff.flowing(start);
        backoff.flowing(start + Duration::from_millis(900));
        let blip = backoff.failed(start + Duration::from_secs(1));
        assert_eq!(
            blip.as_millis(),
            2000,
            "one second of pictures is no recovery"
        );
        backoff.flowing(start + Duration::from_secs(10));
        assert_eq!(backoff.failed(start + Duration::from_secs(20)), FIRST);
    }
}
