//! How often pictures come. Pure.

use std::time::{Duration, Instant};

/// The times between the last few pictures.
#[derive(Debug, Default)]
pub(crate) struct Rhythm {
    last: Option<Instant>,
    /// The newest first.
    gaps: [Option<Duration>; 5],
}

impl Rhythm {
    /// Notes a picture.
    pub(crate) fn picture(&mut self, at: Instant) {
        if let Some(last) = self.last.replace(at) {
            self.gaps.rotate_right(1);
            self.gaps[0] = Some(at.saturating_duration_since(last));
        }
    }

    /// The median: a stall in between changes nothing. `None` before the second picture.
    pub(crate) fn usual_gap(&self) -> Option<Duration> {
        let mut gaps = self.gaps;
        gaps.sort_unstable();
        let known = gaps.partition_point(Option::is_none);
        gaps[known..].get((gaps.len() - known) / 2).copied()?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> Option<Duration> {
        Some(Duration::from_secs(seconds))
    }

    #[test]
    fn one_stall_does_not_make_a_camera_slow_but_a_new_pace_does() {
        let mut rhythm = Rhythm::default();
        let mut now = Instant::now();
        rhythm.picture(now);
        assert_eq!(rhythm.usual_gap(), None);
        let mut after = |gap| {
            now += Duration::from_secs(gap);
            rhythm.picture(now);
            rhythm.usual_gap()
        };
        assert_eq!(after(4), seconds(4));
        for _ in 0..4 {
            after(4);
        }
        assert_eq!(after(60), seconds(4));
        assert_eq!(after(4), seconds(4));
        assert_eq!([1, 1, 1].map(after), [seconds(4), seconds(4), seconds(1)]);
    }
}
