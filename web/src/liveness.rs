//! Pure: whether the feed is live in truth. A signal says what the source was last known to do; only
//! new pictures, from the source and behind the compose thread, prove that it still does.

use std::time::{Duration, Instant};

use capture::Signal;

/// A picture is never silently older than this (ARCHITECTURE.md, what must always hold).
const STALE_AFTER: Duration = Duration::from_secs(2);
/// Unless its source is slower than that: so many times its own interval, within reason.
const INTERVALS: u32 = 2;
const STALE_AFTER_MOST: Duration = Duration::from_secs(20);

/// Follows the pictures. Fed a few times a second, by whoever looks at the slots.
#[derive(Debug, Default)]
pub(crate) struct Liveness {
    frame_at: Option<Instant>,
    /// Between the two newest frames.
    interval: Duration,
    composed_at: Option<Instant>,
    /// Since when somebody watches; nothing is composed for nobody.
    watched_since: Option<Instant>,
}

impl Liveness {
    /// The capture times of the newest frame and the newest composed picture, and whether somebody
    /// watches.
    pub(crate) fn note(
        &mut self,
        now: Instant,
        frame_at: Option<Instant>,
        composed_at: Option<Instant>,
        watched: bool,
    ) {
        if let (Some(new), Some(last)) = (frame_at, self.frame_at)
            && new != last
        {
            self.interval = new.saturating_duration_since(last);
        }
        self.frame_at = frame_at;
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
        let stale_after = (self.interval * INTERVALS).clamp(STALE_AFTER, STALE_AFTER_MOST);
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

    fn is_live(liveness: &Liveness, now: Instant) -> bool {
        matches!(liveness.told(Some(&live()), now), Some(Signal::Live { .. }))
    }

    #[test]
    fn live_is_what_brings_new_frames() {
        let (mut liveness, start) = (Liveness::default(), Instant::now());
        assert!(is_live(&liveness, start), "the first is on its way");
        for frame in 0..10 {
            let at = start + SECOND / 10 * frame;
            liveness.note(at, Some(at), None, false);
        }
        let last = start + SECOND / 10 * 9;
        assert!(is_live(&liveness, last + 2 * SECOND));
        assert!(!is_live(&liveness, last + 3 * SECOND));
    }

    #[test]
    fn a_slow_source_is_live_between_its_pictures() {
        let (mut liveness, start) = (Liveness::default(), Instant::now());
        for at in [start, start + 5 * SECOND] {
            liveness.note(at, Some(at), None, false);
        }
        assert!(is_live(&liveness, start + 14 * SECOND));
        assert!(!is_live(&liveness, start + 16 * SECOND));
        let late = start + 3600 * SECOND;
        liveness.note(late, Some(late), None, false);
        assert!(!is_live(&liveness, late + 21 * SECOND), "within reason");
    }

    #[test]
    fn composed_pictures_count_while_somebody_watches() {
        let now = Instant::now() + 60 * SECOND;
        let ago = |seconds: u32| now - seconds * SECOND;
        let live_with = |composed_at, watched_since: Option<Instant>| {
            let mut liveness = Liveness::default();
            let begin = watched_since.unwrap_or(now);
            liveness.note(begin, None, None, watched_since.is_some());
            liveness.note(now, Some(now), composed_at, watched_since.is_some());
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
