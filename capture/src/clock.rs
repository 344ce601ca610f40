//! The one place where monotonic time becomes wall time.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Inside the process time is [`Instant`] only. Wall time appears at the edges (timecode, logs,
/// files, the API), always through the one origin taken at start, so that a step of the system
/// clock can never reorder frames.
#[derive(Debug, Clone, Copy)]
pub struct WallClock {
    origin: Instant,
    wall_at_origin: Duration,
}

impl WallClock {
    /// Ties the monotonic instant `origin` to the wall time `wall`.
    #[must_use]
    pub fn new(origin: Instant, wall: SystemTime) -> Self {
        let wall_at_origin = wall.duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            origin,
            wall_at_origin,
        }
    }

    /// The clock of this process, tied now.
    #[must_use]
    pub fn start() -> Self {
        Self::new(Instant::now(), SystemTime::now())
    }

    /// The instant this clock was tied at.
    #[must_use]
    pub fn origin(&self) -> Instant {
        self.origin
    }

    /// Unix time of `at` in milliseconds. Instants before the origin are supported.
    #[must_use]
    pub fn unix_ms(&self, at: Instant) -> u64 {
        let wall = match at.checked_duration_since(self.origin) {
            Some(after) => self.wall_at_origin + after,
            None => self.wall_at_origin.saturating_sub(self.origin - at),
        };
        u64::try_from(wall.as_millis()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wall_time_follows_the_monotonic_clock_both_ways() {
        let origin = Instant::now() + Duration::from_secs(100);
        let clock = WallClock::new(origin, UNIX_EPOCH + Duration::from_millis(5_000));
        assert_eq!(clock.unix_ms(origin), 5_000);
        assert_eq!(clock.unix_ms(origin + Duration::from_millis(33)), 5_033);
        assert_eq!(clock.unix_ms(origin - Duration::from_millis(33)), 4_967);
    }
}
