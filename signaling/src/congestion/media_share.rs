//! What share of the bandwidth estimate an encoder gets, by how long its frames wait to leave. Encoders miss their
//! target, and how much headers and retransmissions take is not known exactly: without this control the excess adds up,
//! until frames are so late that they are dropped.

use std::time::{Duration, Instant};

/// Frames that wait this long show that more is encoded than leaves.
const WAIT_LONG: Duration = Duration::from_millis(200);
/// Frames that wait less than this show that there is room.
const WAIT_SHORT: Duration = Duration::from_millis(100);
/// The share changes at most this often, and down faster than up.
const INTERVAL: Duration = Duration::from_millis(100);
const DOWN: f32 = 0.96;
const UP: f32 = 1.01;
/// Frames that wait although their encoder gets this little wait for another reason.
const LEAST: f32 = 0.7;

#[derive(Debug)]
pub(super) struct MediaShare {
    share: f32,
    changed_at: Instant,
}

impl MediaShare {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            share: 1.0,
            changed_at: now,
        }
    }

    pub(super) fn get(&self) -> f32 {
        self.share
    }

    /// The oldest frame has waited for `wait`. Returns `true` if the share changed.
    pub(super) fn update(&mut self, now: Instant, wait: Duration) -> bool {
        if now.saturating_duration_since(self.changed_at) < INTERVAL {
            return false;
        }
        let share = if wait >= WAIT_LONG {
            (self.share * DOWN).max(LEAST)
        } else if wait < WAIT_SHORT {
            (self.share * UP).min(1.0)
        } else {
            self.share
        };
        self.changed_at = now;
        std::mem::replace(&mut self.share, share) != share
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// The share after `steps` of 10 ms, in which frames wait for `wait`.
    fn after(media: &mut MediaShare, now: &mut Instant, steps: u32, wait: Duration) -> f32 {
        for _ in 0..steps {
            *now += 10 * MS;
            media.update(*now, wait);
        }
        media.get()
    }

    #[test]
    fn the_share_falls_while_frames_wait_and_rises_slowly_when_they_do_not() {
        let mut now = Instant::now();
        let mut media = MediaShare::new(now);
        assert_eq!(after(&mut media, &mut now, 100, 50 * MS), 1.0);
        let low = after(&mut media, &mut now, 50, 250 * MS);
        assert!((0.8..0.85).contains(&low), "{low}");
        let same = after(&mut media, &mut now, 100, 150 * MS);
        assert_eq!(same, low, "neither long nor short");
        let risen = after(&mut media, &mut now, 50, 50 * MS);
        assert!((low * 1.04..low * 1.06).contains(&risen), "{risen}");
        assert_eq!(after(&mut media, &mut now, 1000, 500 * MS), LEAST);
        assert_eq!(after(&mut media, &mut now, 1000, Duration::ZERO), 1.0);
    }

    #[test]
    fn a_change_is_told_once() {
        let now = Instant::now();
        let mut media = MediaShare::new(now);
        assert!(!media.update(now + 99 * MS, 300 * MS));
        assert!(media.update(now + 100 * MS, 300 * MS));
        assert!(!media.update(now + 150 * MS, 300 * MS));
    }
}
