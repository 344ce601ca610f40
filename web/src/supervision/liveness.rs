//! Whether the feed is live: a signal says what the source last reported, and only new frames, from the
//! source and from the compose thread, prove it.

use std::time::{Duration, Instant};

use capture::{Frame, Signal};

/// Extra time after a frame is stale, for the source's own supervisor to report it first with a better
/// reason.
const GRACE: Duration = Duration::from_millis(500);

/// Times of the newest frames, updated a few times per second.
#[derive(Debug, Default)]
pub(crate) struct Liveness {
    frame_at: Option<Instant>,
    /// How long that frame counts as current: longer for slow sources.
    current_for: Duration,
    composed_at: Option<Instant>,
    /// Since when there is a viewer: without one nothing is composed.
    watched_since: Option<Instant>,
}

impl Liveness {
    /// `frame`: capture time of the newest frame, and how long it counts as current.
    pub(crate) fn record(
        &mut self,
        now: Instant,
        frame: Option<(Instant, Duration)>,
        composed_at: Option<Instant>,
        watched: bool,
    ) {
        self.frame_at = frame.map(|(at, _)| at);
        self.current_for = frame.map_or(Frame::STALE_AFTER, |(_, current_for)| current_for);
        self.composed_at = composed_at;
        self.watched_since = watched.then(|| self.watched_since.unwrap_or(now));
    }

    /// The signal to report: a source that claims to be live without new frames is lost.
    pub(crate) fn effective_signal(&self, signal: Option<&Signal>, now: Instant) -> Option<Signal> {
        let Some(Signal::Live { source, .. }) = signal else {
            return signal.cloned();
        };
        let lost = |reason: &str, since: Instant| {
            Some(Signal::Lost {
                source: source.clone(),
                reason: reason.to_owned(),
                since,
            })
        };
        let stale_after = self.current_for + GRACE;
        let stale = |at: &Instant| now.saturating_duration_since(*at) > stale_after;
        if let Some(at) = self.frame_at.filter(stale) {
            return lost("No picture comes from the source. Waiting for it.", at);
        }
        // Pictures composed before the first viewer came do not count as stale.
        let due_since = self.watched_since.map(|at| self.composed_at.max(Some(at)));
        if let Some(at) = due_since.flatten().filter(stale) {
            let reason = "The picture stands still: the station is recovering.";
            return lost(reason, at);
        }
        signal.cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn live() -> Signal {
        Signal::Live {
            source: "camera".to_owned(),
            note: None,
            width: 1280,
            height: 720,
            fps: 30.0,
        }
    }

    fn fast(at: Instant) -> Option<(Instant, Duration)> {
        Some((at, Frame::STALE_AFTER))
    }

    fn is_live(liveness: &Liveness, now: Instant) -> bool {
        matches!(
            liveness.effective_signal(Some(&live()), now),
            Some(Signal::Live { .. })
        )
    }

    #[test]
    fn a_source_is_live_while_frames_arrive() {
        let (mut liveness, start) = (Liveness::default(), Instant::now());
        assert!(is_live(&liveness, start), "the first is on its way");
        for frame in 0..10 {
            let at = start + SECOND / 10 * frame;
            liveness.record(at, fast(at), None, false);
        }
        let last = start + SECOND / 10 * 9;
        assert!(is_live(&liveness, last + 2 * SECOND));
        assert!(!is_live(&liveness, last + 3 * SECOND));
    }

    #[test]
    fn a_slow_source_is_live_between_its_pictures() {
        let (mut liveness, start) = (Liveness::default(), Instant::now());
        liveness.record(start, Some((start, 10 * SECOND)), None, false);
        assert!(is_live(&liveness, start + 10 * SECOND));
        assert!(!is_live(&liveness, start + 11 * SECOND));
    }

    #[test]
    fn composed_pictures_count_while_somebody_watches() {
        let now = Instant::now() + 60 * SECOND;
        let ago = |seconds: u32| now - seconds * SECOND;
        let live_with = |composed_at, watched_since: Option<Instant>| {
            let mut liveness = Liveness::default();
            let begin = watched_since.unwrap_or(now);
            liveness.record(begin, None, None, watched_since.is_some());
            liveness.record(now, fast(now), composed_at, watched_since.is_some());
            is_live(&liveness, now)
        };
        assert!(live_with(Some(ago(30)), None), "nobody watches");
        assert!(
            live_with(Some(ago(30)), Some(ago(1))),
            "somebody just began"
        );
        assert!(live_with(Some(now), Some(ago(30))));
        assert!(!live_with(Some(ago(5)), Some(ago(30))));
        assert!(!live_with(None, Some(ago(5))));
    }

    #[test]
    fn a_reported_loss_keeps_its_reason() {
        let (liveness, now) = (Liveness::default(), Instant::now());
        let lost = Signal::Lost {
            source: "camera".to_owned(),
            reason: "Camera unplugged. Waiting for it.".to_owned(),
            since: now,
        };
        assert_eq!(liveness.effective_signal(Some(&lost), now), Some(lost));
        assert_eq!(liveness.effective_signal(None, now), None);
    }
}
