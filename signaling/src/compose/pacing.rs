//! What to compose, and when: the newest frame, a card, the last picture again, or nothing. Pure.

#[cfg(test)]
mod tests;

use std::time::{Duration, Instant};

use capture::RateCap;

/// A source that is being opened gets this long before a card appears, so that no card flashes at the
/// start.
pub const OPENING_GRACE: Duration = Duration::from_millis(300);

/// Five cards a second keep the card's clock accurate at little cost.
pub const CARD_INTERVAL: Duration = Duration::from_millis(200);

/// A requested keyframe waits this long after the last picture for a new one, which a source of 20 fps
/// or more provides; after that the last picture is encoded again.
pub const REPEAT_AFTER: Duration = Duration::from_millis(50);

/// What the compose thread knows when it decides.
#[derive(Debug, Clone, Copy)]
pub struct Seen {
    /// Somebody wants pictures.
    pub watched: bool,
    /// When the newest frame was taken, if there was one.
    pub newest: Option<Instant>,
    /// How long that frame stands without a newer one; then a card takes over: the picture of a source
    /// that gives one a second or more is never silently older than 2 s.
    pub stale_after: Duration,
    /// That frame has not been composed yet.
    pub fresh: bool,
    /// Since when the source reports that it is lost.
    pub lost_since: Option<Instant>,
    /// A keyframe is requested and may be made from then on.
    pub keyframe_due: Option<Instant>,
}

/// What to do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Nobody watches: nothing, until somebody does.
    Sleep,
    /// Nothing until then, unless something changes.
    Wait(Instant),
    /// Compose and encode the newest frame.
    Frame,
    /// The newest frame comes too soon after the one before: skip it.
    Skip,
    /// Draw and encode a card.
    Card,
    /// Encode the last picture again, for a keyframe that a viewer waits for.
    Repeat,
}

/// Decides the next [`Step`].
#[derive(Debug)]
pub struct Pacing {
    cap: RateCap,
    watched_since: Option<Instant>,
    /// When the newest frame came.
    frame_at: Option<Instant>,
    card_at: Option<Instant>,
    /// When the last picture was composed since somebody watches.
    picture_at: Option<Instant>,
}

impl Pacing {
    /// At most `fps` frames a second, plus a tenth for sources whose clock runs fast.
    #[must_use]
    pub fn new(fps: u32) -> Self {
        Self {
            cap: RateCap::new(fps),
            watched_since: None,
            frame_at: None,
            card_at: None,
            picture_at: None,
        }
    }

    /// Another highest frame rate.
    pub fn set_most_fps(&mut self, fps: u32) {
        self.cap.set_fps(fps);
    }

    /// The next frame may be of another source, whose capture times are not those of the one before.
    pub fn begin_epoch(&mut self) {
        self.cap = self.cap.restarted();
    }

    /// What to do at `now`. The caller must carry out the step.
    pub fn decide(&mut self, now: Instant, seen: &Seen) -> Step {
        if !seen.watched {
            *self = Self {
                cap: self.cap.restarted(),
                ..Self::new(1)
            };
            return Step::Sleep;
        }
        let resumed = self.watched_since.is_none();
        let watched_since = *self.watched_since.get_or_insert(now);
        if seen.fresh || resumed {
            // A frame that came before somebody watched is as old as its capture time says.
            self.frame_at = seen
                .newest
                .map(|captured_at| if resumed { captured_at } else { now });
        }
        let live_until = match (seen.newest, seen.lost_since) {
            (Some(captured_at), Some(since)) if captured_at <= since => now,
            (None, Some(_)) => now,
            _ => self
                .frame_at
                .map_or(watched_since + OPENING_GRACE, |at| at + seen.stale_after),
        };
        if now < live_until {
            self.live(now, seen, live_until)
        } else {
            self.dark(now, seen)
        }
    }

    fn live(&mut self, now: Instant, seen: &Seen, until: Instant) -> Step {
        self.card_at = None;
        if let Some(captured_at) = seen.newest.filter(|_| seen.fresh) {
            if !self.cap.admits(captured_at) {
                return Step::Skip;
            }
            self.picture_at = Some(now);
            return Step::Frame;
        }
        match self.repeat_at(seen) {
            Some(at) if at <= now => {
                self.picture_at = Some(now);
                Step::Repeat
            }
            Some(at) => Step::Wait(at.min(until)),
            None => Step::Wait(until),
        }
    }

    fn dark(&mut self, now: Instant, seen: &Seen) -> Step {
        let tick = self.card_at.map_or(now, |at| at + CARD_INTERVAL);
        let at = self.repeat_at(seen).map_or(tick, |repeat| repeat.min(tick));
        if at > now {
            return Step::Wait(at);
        }
        (self.card_at, self.picture_at) = (Some(now), Some(now));
        Step::Card
    }

    fn repeat_at(&self, seen: &Seen) -> Option<Instant> {
        Some(seen.keyframe_due?.max(self.picture_at? + REPEAT_AFTER))
    }
}
