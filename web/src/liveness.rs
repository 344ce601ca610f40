//! Pure: whether the feed is live in truth. A signal says what the source was last known to do; only
//! new pictures, from the source and behind the compose thread, prove that it still does.

use std::time::{Duration, Instant};

use capture::{Frame, Signal};

/// What a frame's own time to stand leaves to the supervisor, which says so first and better.
const GRACE: Duration = Duration::from_millis(500);

/// Follows the pictures. Fed a few times a second, by whoever looks at the slots.
#[derive(Debug, Default)]
pub(crate) struct Liveness {
    frame_at: Option<Instant>,
    /// How long that frame stands: longer for a slow source.
    stands_for: Duration,
    composed_at: Option<Instant>,
    /// Since when somebody watches; nothing is composed for nobody.
    watched_since: Option<Instant>,
}

impl Liveness {
    /// When the newest frame was captured and how long it stands, when the newest composed picture was
    /// captured, and whether somebody watches.
    pub(crate) fn note(
        &mut self,
        now: Instant,
        frame: Option<(Instant, Duration)>,
        composed_at: Option<Instant>,
        watched: bool,
    ) {
        self.frame_at = frame.map(|(at, _)| at);
        self.stands_for = frame.map_or(Frame::STALE_AFTER, |(_, stands_for)| stands_for);
        self.composed_at = composed_at;
        self.watched_since = watched.then(|| self.watched_since.unwrap_or(now));
    }

    /// The signal as people should be told of it: a source that calls itself live while no pictures
    /// come is lost.
    pub(crate) fn told(&self, signal: Option<&Signal>, now: Instant) -> Option<Signal> {
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
        let stale_after = self.stands_for + GRACE;
        let stale = |at: &Instant| now.saturating_duration_since(*at) > stale_after;
        if let Some(at) = self.frame_at.filter(stale) {
            return lost("No picture comes from the source. Waiting for it.", at);
        }
        // What was composed before anybody watched is old by right.
        let due_since = self.watched_since.map(|at| self.composed_at.max(Some(at)));
        if let Some(at) = due_since.flatten().filter(stale) {
            let reason = "The picture stands still: the station is mending itself.";
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
        matches!(liveness.told(Some(&live()), now), Some(Signal::Live { .. }))
    }

    #[test]
    fn live_is_what_brings_new_frames() {
        let (mut liveness, start) = (Liveness::default(), Instant::now());
        assert!(is_live(&liveness, start), "the first is on its way");
        for frame in 0..10 {
            let at = start + SECOND / 10 * frame;
            liveness.note(at, fast(at), None, false);
        }
        let last = start + SECOND / 10 * 9;
        assert!(is_live(&liveness, last + 2 * SECOND));
        assert!(!is_live(&liveness, last + 3 * SECOND));
    }

    #[test]
    fn a_slow_source_is_live_between_its_pictures() {
        let (mut liveness, start) = (Liveness::default(), Instant::now());
        liveness.note(start, Some((start, 10 * SECOND)), None, false);
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
            liveness.note(begin, None, None, watched_since.is_some());
            liveness.note(now, fast(now), composed_at, watched_since.is_some());
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
    fn what_the_source_says_of_its_loss_stays() {
        let (liveness, now) = (Liveness::default(), Instant::now());
        let lost = Signal::Lost {
            source: "camera".to_owned(),
            reason: "Camera unplugged. Waiting for it.".to_owned(),
            since: now,
        };
        assert_eq!(liveness.told(Some(&lost), now), Some(lost));
        assert_eq!(liveness.told(None, now), None);
    }
}
