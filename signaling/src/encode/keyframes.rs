//! Where requests for keyframes are coalesced. Pure.
//!
//! A keyframe costs as much as ten other frames and goes to every viewer of its rendition. A PLI or FIR
//! passes two limits on its way to the encoder: the exponential back-off of its viewer (`PliBackoff`),
//! then the gate of its rendition (`KeyframeGate`), which [`super::demand::Demand`] holds for all threads.
//! Requests that no viewer can repeat at will (a join, a full queue, an opened tap) go straight to the
//! gate. `PliSender` is the other direction: PLIs that this station sends to a publisher.

#[cfg(test)]
mod tests;

use std::time::{Duration, Instant};

/// The least time between two forced keyframes of a rendition. LiveKit throttles PLI to one in 500 ms for
/// its fastest layer (`receiver_base.go`); the engine serves joins within this time from its cache.
const MIN_INTERVAL: Duration = Duration::from_millis(500);
/// The least time between a keyframe and one that starts the picture of a viewer who has just connected.
const START_INTERVAL: Duration = Duration::from_millis(200);

/// The keyframe requests of one rendition: all requests up to the next keyframe are one.
#[derive(Debug, Default)]
pub(crate) struct KeyframeGate {
    /// The least time since the last keyframe; `None`: none is requested.
    requested: Option<Duration>,
    made_at: Option<Instant>,
    /// RTP time of the newest keyframe that reached an engine thread.
    arrived_ticks: Option<u32>,
}

impl KeyframeGate {
    /// Requests a keyframe. `true`: nobody had requested one since the last keyframe.
    pub(crate) fn request(&mut self) -> bool {
        let before = self.requested;
        self.requested.get_or_insert(MIN_INTERVAL);
        before.is_none()
    }

    /// Like [`Self::request`], for the first picture of a viewer: [`START_INTERVAL`] applies.
    pub(crate) fn request_start(&mut self) -> bool {
        self.requested.replace(START_INTERVAL).is_none()
    }

    /// The first viewer came to a rendition that nobody watched. It gets a keyframe with the next
    /// picture, unless one is so young that the engine's cache still serves it.
    pub(crate) fn started(&mut self, now: Instant) {
        if self.made_at.is_none_or(|at| now >= at + MIN_INTERVAL) {
            self.request();
        }
    }

    /// When the requested keyframe may be made; `None` when none is requested.
    pub(crate) fn due(&self, now: Instant) -> Option<Instant> {
        let spacing = self.requested?;
        Some(self.made_at.map_or(now, |at| at + spacing))
    }

    /// Whether the picture that is encoded now is to be a keyframe.
    pub(crate) fn is_due(&self, now: Instant) -> bool {
        self.due(now).is_some_and(|due| due <= now)
    }

    /// A keyframe was encoded, forced or not: it answers every request so far.
    pub(crate) fn made(&mut self, now: Instant) {
        (self.requested, self.made_at) = (None, Some(now));
    }

    /// A keyframe reached an engine thread: it answers whoever requested one while it was on its way.
    /// Each engine thread gets it, but only the first arrival counts: a request after that means the
    /// next keyframe.
    pub(crate) fn arrived(&mut self, rtp_ticks: u32) {
        let is_newer = |newest: u32| rtp_ticks.wrapping_sub(newest).cast_signed() > 0;
        if self.arrived_ticks.is_none_or(is_newer) {
            (self.arrived_ticks, self.requested) = (Some(rtp_ticks), None);
        }
    }

    /// Nobody watches the rendition any more.
    pub(crate) fn cancel(&mut self) {
        self.requested = None;
    }
}

/// The first wait between two requests of one viewer; it doubles up to the longest.
const FIRST_WAIT: Duration = Duration::from_millis(500);
const LONGEST_WAIT: Duration = Duration::from_secs(4);
/// The back-off resets after this long without a PLI.
const RESET_AFTER: Duration = Duration::from_secs(10);

/// The exponential back-off of one viewer's PLIs and FIRs: a viewer that loses every keyframe must not
/// make everybody else pay for one after the other.
#[derive(Debug, Default)]
pub(crate) struct PliBackoff {
    forwarded_at: Option<Instant>,
    wait: Duration,
    /// When a PLI that came too early is forwarded.
    delayed_until: Option<Instant>,
    keyframe_sent_at: Option<Instant>,
}

impl PliBackoff {
    /// Takes a PLI or FIR. `true`: forward it now; otherwise [`Self::due`] says when. A keyframe that left
    /// less than `in_flight` ago cannot have been missed yet, so that a PLI within that time is ignored.
    pub(crate) fn request(&mut self, now: Instant, in_flight: Duration) -> bool {
        let since = |at: Instant| now.saturating_duration_since(at);
        if self
            .keyframe_sent_at
            .is_some_and(|at| since(at) < in_flight)
        {
            return false;
        }
        match self.forwarded_at {
            Some(at) if since(at) < self.wait => {
                self.delayed_until.get_or_insert(at + self.wait);
                false
            }
            Some(at) if since(at) < RESET_AFTER => self.forward(now, self.wait * 2),
            _ => self.forward(now, FIRST_WAIT),
        }
    }

    /// A keyframe leaves for this viewer: it answers a delayed PLI.
    pub(crate) fn keyframe_sent(&mut self, now: Instant) {
        (self.delayed_until, self.keyframe_sent_at) = (None, Some(now));
    }

    /// The frames of this viewer after its last keyframe were dropped here.
    pub(crate) fn keyframe_dropped(&mut self) {
        self.keyframe_sent_at = None;
    }

    /// When to call [`Self::forward_delayed`].
    pub(crate) fn due(&self) -> Option<Instant> {
        self.delayed_until
    }

    /// `true`: a delayed PLI is forwarded now.
    pub(crate) fn forward_delayed(&mut self, now: Instant) -> bool {
        self.delayed_until.is_some_and(|at| at <= now) && self.forward(now, self.wait * 2)
    }

    fn forward(&mut self, now: Instant, wait: Duration) -> bool {
        (self.forwarded_at, self.wait, self.delayed_until) =
            (Some(now), wait.min(LONGEST_WAIT), None);
        true
    }
}

/// An unanswered PLI to a publisher is repeated after this long.
const REPEAT_AFTER: Duration = Duration::from_secs(1);

/// The PLIs that this station sends to a publisher: at least [`MIN_INTERVAL`] after a keyframe, and
/// repeated until one comes.
#[derive(Debug, Default)]
pub(crate) struct PliSender {
    keyframe_at: Option<Instant>,
    sent_at: Option<Instant>,
    wanted: bool,
}

impl PliSender {
    /// A keyframe is needed.
    pub(crate) fn want(&mut self) {
        self.wanted = true;
    }

    /// A keyframe is needed, and a PLI that was sent before is taken as lost.
    pub(crate) fn want_anew(&mut self) {
        (self.sent_at, self.wanted) = (None, true);
    }

    /// A keyframe came.
    pub(crate) fn came(&mut self, now: Instant) {
        (self.keyframe_at, self.sent_at, self.wanted) = (Some(now), None, false);
    }

    /// `true`: send a PLI now; it counts as sent.
    pub(crate) fn ask(&mut self, now: Instant) -> bool {
        let is_due = self.wanted && self.not_before().is_none_or(|at| at <= now);
        if is_due {
            self.sent_at = Some(now);
        }
        is_due
    }

    /// When to call [`Self::ask`] again.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.not_before().filter(|_| self.wanted)
    }

    fn not_before(&self) -> Option<Instant> {
        let spaced = self.keyframe_at.map(|at| at + MIN_INTERVAL);
        let repeated = self.sent_at.map(|at| at + REPEAT_AFTER);
        spaced.into_iter().chain(repeated).max()
    }
}
