//! Exponential back-off between attempts.

use std::time::{Duration, Instant};

/// After running this long without a failure, the next failure waits for the shortest time again.
const SOUND_AFTER: Duration = Duration::from_secs(5);

/// Waits that double from a first to a longest one.
///
/// ```
/// use std::time::{Duration, Instant};
///
/// let mut backoff = capture::Backoff::new(Duration::from_secs(1), Duration::from_secs(3));
/// let now = Instant::now();
/// let waits = [0; 3].map(|_| backoff.failed(now).as_secs());
/// assert_eq!(waits, [1, 2, 3]);
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Backoff {
    first: Duration,
    longest: Duration,
    next: Duration,
    running_since: Option<Instant>,
}

impl Backoff {
    #[must_use]
    pub const fn new(first: Duration, longest: Duration) -> Self {
        Self {
            first,
            longest,
            next: first,
            running_since: None,
        }
    }

    /// Notes that the attempt works. Five seconds of this reset the back-off at the next failure.
    pub fn running(&mut self, now: Instant) {
        self.running_since.get_or_insert(now);
    }

    /// The next failure waits for the shortest time again.
    pub fn reset(&mut self) {
        self.next = self.first;
    }

    /// Notes a failure and returns how long to wait before the next attempt.
    pub fn failed(&mut self, now: Instant) -> Duration {
        let was_sound = self
            .running_since
            .take()
            .is_some_and(|since| now - since >= SOUND_AFTER);
        if was_sound {
            self.reset();
        }
        let wait = self.next;
        self.next = (wait * 2).min(self.longest);
        wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn backoff() -> Backoff {
        Backoff::new(Duration::from_millis(250), Duration::from_secs(5))
    }

    fn waits(backoff: &mut Backoff, now: Instant, count: usize) -> Vec<u128> {
        (0..count)
            .map(|_| backoff.failed(now).as_millis())
            .collect()
    }

    #[test]
    fn waits_double_up_to_five_seconds() {
        let mut backoff = backoff();
        let expected = [250, 500, 1000, 2000, 4000, 5000, 5000];
        assert_eq!(waits(&mut backoff, Instant::now(), 7), expected);
    }

    #[test]
    fn five_seconds_without_a_failure_reset_the_wait() {
        let start = Instant::now();
        let mut backoff = backoff();
        waits(&mut backoff, start, 3);
        backoff.running(start);
        backoff.running(start + Duration::from_millis(900));
        let again = backoff.failed(start + Duration::from_secs(1));
        assert_eq!(again.as_millis(), 2000, "one second does not reset it");
        backoff.running(start + Duration::from_secs(10));
        assert_eq!(
            backoff.failed(start + Duration::from_secs(20)),
            Duration::from_millis(250)
        );
    }
}
