//! When a rendition's encoder is asked for a keyframe: requests coalesce and keep a distance.

use std::time::{Duration, Instant};

/// Least time from one keyframe to the next request. A keyframe costs as much as ten other frames;
/// a viewer that loses one mostly lost it to congestion.
const SPACING: Duration = Duration::from_millis(500);
/// A keyframe that has not come after this long is asked for again.
const PATIENCE: Duration = Duration::from_secs(1);

/// The requests of one rendition.
#[derive(Debug, Default)]
pub(crate) struct KeyframeGate {
    keyframe_at: Option<Instant>,
    requested_at: Option<Instant>,
    wanted: bool,
}

impl KeyframeGate {
    /// Somebody needs a keyframe.
    pub(crate) fn want(&mut self) {
        self.wanted = true;
    }

    /// Somebody needs a keyframe, and any request that was made is lost on its way.
    pub(crate) fn want_anew(&mut self) {
        self.requested_at = None;
        self.wanted = true;
    }

    /// A keyframe came: it answers everybody.
    pub(crate) fn came(&mut self, now: Instant) {
        self.keyframe_at = Some(now);
        self.requested_at = None;
        self.wanted = false;
    }

    /// Nobody watches any more.
    pub(crate) fn cancel(&mut self) {
        self.requested_at = None;
        self.wanted = false;
    }

    /// Whether to ask the encoder now; if so, that counts as asked.
    pub(crate) fn ask(&mut self, now: Instant) -> bool {
        let due = self.wanted && self.not_before().is_none_or(|at| at <= now);
        if due {
            self.requested_at = Some(now);
        }
        due
    }

    /// When to call [`Self::ask`] again.
    pub(crate) fn due(&self) -> Option<Instant> {
        // `wanted` stays until the keyframe comes, so a lost request is repeated.
        self.not_before().filter(|_| self.wanted)
    }

    fn not_before(&self) -> Option<Instant> {
        let apart = self.keyframe_at.map(|at| at + SPACING);
        let again = self.requested_at.map(|at| at + PATIENCE);
        apart.into_iter().chain(again).max()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn requests_coalesce_until_the_keyframe_comes() {
        let (mut gate, start) = (KeyframeGate::default(), Instant::now());
        assert!(!gate.ask(start), "nobody wants one");
        gate.want();
        assert!(gate.ask(start));
        gate.want();
        assert!(!gate.ask(start + 10 * MS), "asked already");
        gate.came(start + 30 * MS);
        assert!(!gate.ask(start + 2000 * MS), "all were answered");
    }

    #[test]
    fn keyframes_keep_their_distance() {
        let (mut gate, start) = (KeyframeGate::default(), Instant::now());
        gate.came(start);
        gate.want();
        assert!(!gate.ask(start + 100 * MS));
        assert_eq!(gate.due(), Some(start + SPACING));
        assert!(gate.ask(start + SPACING));
    }

    #[test]
    fn a_keyframe_that_never_comes_is_asked_for_again() {
        let (mut gate, start) = (KeyframeGate::default(), Instant::now());
        gate.want();
        assert!(gate.ask(start));
        assert!(!gate.ask(start + 900 * MS));
        assert!(gate.ask(start + 1000 * MS));
        assert!(!gate.ask(start + 1100 * MS));
        gate.want_anew();
        assert!(gate.ask(start + 1100 * MS), "the second was lost");
        gate.cancel();
        assert_eq!(gate.due(), None);
    }
}
