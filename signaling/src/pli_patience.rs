//! How soon a viewer's plea for a keyframe is passed on. Pure.
//!
//! A keyframe goes to everybody. A viewer on a bad network that asks again and again must not make all
//! the others pay for it: its first plea counts at once, each further one a while later.

use std::time::{Duration, Instant};

const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(4);
/// Without a plea for so long all is forgiven.
const FORGIVEN: Duration = Duration::from_secs(10);

#[derive(Debug, Default)]
pub(crate) struct PliPatience {
    passed_at: Option<Instant>,
    wait: Duration,
    pending: Option<Instant>,
    served_at: Option<Instant>,
}

impl PliPatience {
    /// The viewer asks. `true`: pass it on now; else when [`Self::due`] says. A keyframe that left less
    /// than `on_its_way` ago cannot have been missed yet.
    pub(crate) fn ask(&mut self, now: Instant, on_its_way: Duration) -> bool {
        let since_served = self.served_at.map(|at| now.saturating_duration_since(at));
        if since_served.is_some_and(|since| since < on_its_way) {
            return false;
        }
        let Some(passed_at) = self.passed_at else {
            return self.pass(now, FIRST);
        };
        let since = now.saturating_duration_since(passed_at);
        if since >= FORGIVEN {
            return self.pass(now, FIRST);
        }
        if since >= self.wait {
            return self.pass(now, (self.wait * 2).min(LONGEST));
        }
        self.pending.get_or_insert(passed_at + self.wait);
        false
    }

    /// A keyframe leaves: nothing is pending any more.
    pub(crate) fn served(&mut self, now: Instant) {
        (self.pending, self.served_at) = (None, Some(now));
    }

    /// When to call [`Self::tick`].
    pub(crate) fn due(&self) -> Option<Instant> {
        self.pending
    }

    /// `true`: a plea that waited is to be passed on now.
    pub(crate) fn tick(&mut self, now: Instant) -> bool {
        self.pending.is_some_and(|at| at <= now) && self.pass(now, (self.wait * 2).min(LONGEST))
    }

    fn pass(&mut self, now: Instant, wait: Duration) -> bool {
        (self.passed_at, self.wait, self.pending) = (Some(now), wait, None);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ON_ITS_WAY: Duration = Duration::from_millis(50);

    /// When pleas every 100 ms are passed on, in milliseconds.
    fn passed(until_ms: u64, served: bool) -> Vec<u64> {
        let start = Instant::now();
        let mut patience = PliPatience::default();
        let mut passed = Vec::new();
        for ms in (0..until_ms).step_by(100) {
            let now = start + Duration::from_millis(ms);
            if patience.tick(now) || patience.ask(now, ON_ITS_WAY) {
                passed.push(ms);
                if served {
                    patience.served(now);
                }
            }
        }
        passed
    }

    #[test]
    fn the_first_plea_counts_at_once_and_a_stream_of_them_less_and_less() {
        assert_eq!(passed(12_000, true), [0, 500, 1500, 3500, 7500, 11_500]);
    }

    #[test]
    fn a_plea_that_waits_is_passed_on_unless_a_keyframe_came() {
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let mut patience = PliPatience::default();
        assert!(patience.ask(at(0), ON_ITS_WAY) && !patience.ask(at(100), ON_ITS_WAY));
        assert_eq!(patience.due(), Some(at(500)));
        assert!(!patience.tick(at(499)) && patience.tick(at(500)));
        assert!(!patience.ask(at(600), ON_ITS_WAY));
        patience.served(at(700));
        assert!(!patience.tick(at(9000)), "a keyframe left meanwhile");
        assert!(patience.ask(at(20_000), ON_ITS_WAY), "forgiven");
    }

    #[test]
    fn a_keyframe_that_cannot_have_arrived_yet_is_not_asked_for_again() {
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let mut patience = PliPatience::default();
        let slow = Duration::from_millis(450);
        assert!(patience.ask(at(0), slow));
        patience.served(at(33));
        assert!(!patience.ask(at(300), slow) && !patience.tick(at(500)));
        assert!(patience.ask(at(510), slow), "it was lost");
    }
}
