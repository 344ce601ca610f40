//! For how long a rendition is kept that needs a little more than the estimate: the queue grows slowly then, and a change
//! of the rendition would stop the picture at once. Pure.

use std::time::{Duration, Instant};

/// An estimate of at least this share of the sent rate is waited for.
const NEARLY_ENOUGH_SHARE: f32 = 0.85;
/// In this time the queue grows by less than the time for which a change of the rendition stops the picture.
const LONGEST: Duration = Duration::from_secs(1);

#[derive(Debug, Default)]
pub(super) struct Shortfall {
    since: Option<Instant>,
}

impl Shortfall {
    /// The estimate, if a smaller rendition is due for it.
    pub(super) fn due(&mut self, now: Instant, bps: Option<u32>, sent_bps: u32) -> Option<u32> {
        let Some(bps) = bps.filter(|bps| *bps < sent_bps) else {
            self.since = None;
            return None;
        };
        let since = *self.since.get_or_insert(now);
        let is_nearly_enough = bps as f32 >= sent_bps as f32 * NEARLY_ENOUGH_SHARE;
        let waits = is_nearly_enough && now.saturating_duration_since(since) < LONGEST;
        (!waits).then_some(bps)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_estimate_that_is_nearly_enough_is_waited_for() {
        let start = Instant::now();
        let mut shortfall = Shortfall::default();
        let mut due = |ms: u32, bps| {
            let now = start + ms * Duration::from_millis(1);
            shortfall.due(now, bps, 1_000_000)
        };
        assert_eq!([due(0, Some(900_000)), due(999, Some(900_000))], [None; 2]);
        assert_eq!(due(1000, Some(900_000)), Some(900_000));
        assert_eq!([due(1010, Some(1_000_000)), due(1020, None)], [None; 2]);
        assert_eq!(due(1030, Some(900_000)), None, "it was enough meanwhile");
        assert_eq!(due(1040, Some(800_000)), Some(800_000), "far too little");
    }
}
