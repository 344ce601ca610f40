//! Where requests for keyframes are coalesced. Pure.
//!
//! A keyframe costs ten ordinary frames and is sent to all viewers. On its way from a viewer to the
//! encoder a request passes three limits: the viewer's own back-off (`PliPatience`), the gate of its
//! rendition (`KeyframeGate`), and the least distance between two forced keyframes
//! ([`KeyframePolicy`]).

#[cfg(test)]
mod tests;

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
