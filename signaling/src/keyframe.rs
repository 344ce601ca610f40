//! When the encoder is forced to make a keyframe. Pure.
//!
//! A keyframe costs ten ordinary frames and is sent to all viewers, so requests (PLI, FIR, joins the
//! engine cannot serve from its cache) coalesce and what is forced keeps a distance.

use std::time::{Duration, Instant};

/// The least time between two forced keyframes. LiveKit throttles PLI to one in 500 ms for its
/// fastest layer (`receiver_base.go`); the engine serves joins within this time from its cache.
pub const MIN_INTERVAL: Duration = Duration::from_millis(500);

/// One rendition's keyframes.
#[derive(Debug, Default)]
pub struct KeyframePolicy {
    last: Option<Instant>,
    requested: bool,
}

impl KeyframePolicy {
    /// Somebody cannot go on without a keyframe. Further requests until it is made are the same one.
    pub fn request(&mut self) {
        self.requested = true;
    }

    /// The first viewer came to a rendition that nobody watched. It gets a keyframe with the next
    /// picture, unless one is so young that the engine's cache still serves it.
    pub fn started(&mut self, now: Instant) {
        self.requested |= self.last.is_none_or(|last| now >= last + MIN_INTERVAL);
    }

    /// When the keyframe asked for may be made; `None` when none is asked for.
    #[must_use]
    pub fn due(&self, now: Instant) -> Option<Instant> {
        self.requested
            .then(|| self.last.map_or(now, |last| last + MIN_INTERVAL))
    }

    /// Whether the picture encoded now is to be a keyframe.
    #[must_use]
    pub fn is_due(&self, now: Instant) -> bool {
        self.due(now).is_some_and(|due| due <= now)
    }

    /// A keyframe was encoded, forced or of the encoder's own accord: it serves every request so far.
    pub fn made(&mut self, now: Instant) {
        self.last = Some(now);
        self.requested = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: Duration = Duration::from_millis(33);

    /// Runs the policy at 30 fps; `requests(ms)` says how many requests came before that frame.
    fn forced_at(duration_ms: u64, requests: impl Fn(u64) -> usize) -> Vec<u64> {
        let origin = Instant::now();
        let mut policy = KeyframePolicy::default();
        policy.started(origin);
        let mut forced = Vec::new();
        let times = (0u64..)
            .map(|index| index * 33)
            .take_while(|ms| *ms < duration_ms);
        for ms in times {
            (0..requests(ms)).for_each(|_| policy.request());
            let now = origin + Duration::from_millis(ms);
            if policy.is_due(now) {
                policy.made(now);
                forced.push(ms);
            }
        }
        forced
    }

    #[test]
    fn the_first_viewer_gets_one_at_once_and_no_more_follow_unasked() {
        assert_eq!(forced_at(10_000, |_| 0), [0]);
    }

    #[test]
    fn a_hundred_joins_in_a_second_cost_two() {
        assert_eq!(forced_at(1_000, |_| 4).len(), 2);
    }

    #[test]
    fn a_lone_request_long_after_the_last_is_served_with_the_next_frame() {
        assert_eq!(forced_at(4_000, |ms| usize::from(ms == 1980)), [0, 1980]);
    }

    #[test]
    fn a_storm_is_spaced_and_a_request_in_between_waits_its_turn() {
        let forced = forced_at(5_000, |_| 1);
        assert!(
            forced.windows(2).all(|pair| pair[1] - pair[0] >= 500),
            "{forced:?}"
        );
        assert_eq!(forced_at(5_000, |ms| usize::from(ms == 99)), [0, 528]);
    }

    #[test]
    fn an_unforced_keyframe_serves_the_requests_too() {
        let now = Instant::now();
        let mut policy = KeyframePolicy::default();
        policy.made(now);
        policy.request();
        assert_eq!(policy.due(now + FRAME), Some(now + MIN_INTERVAL));
        policy.made(now + FRAME);
        assert_eq!(policy.due(now + FRAME), None);
    }

    #[test]
    fn whoever_comes_and_goes_quickly_costs_no_keyframe_each_time() {
        let now = Instant::now();
        let mut policy = KeyframePolicy::default();
        policy.started(now);
        policy.made(now);
        policy.started(now + FRAME);
        assert!(
            !policy.is_due(now + MIN_INTERVAL),
            "the engine's cache serves this one"
        );
        policy.started(now + MIN_INTERVAL);
        assert!(policy.is_due(now + MIN_INTERVAL));
    }
}
