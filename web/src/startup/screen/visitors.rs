//! Pictures that visitors agreed to show, now and then on the screen. They are read on a thread of their own: a slow
//! disk delays no picture of the feed.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use capture::jpeg::JpegDecoder;
use capture::{Heartbeat, PicturePool, PooledPicture, TURN_MAX, lock};
use screen::OutputChoice;
use stylise::GalleryId;

use crate::app::App;

/// How long each picture is shown, and the time between two.
const EACH: Duration = Duration::from_secs(6);
const BETWEEN: Duration = Duration::from_secs(25);
/// A picture that is withdrawn, hidden or erased is gone after this time, plus the screen's own look at its state.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// The picture to show now. The thread ends when the screen drops it.
#[derive(Debug, Default)]
pub(super) struct VisitorPictures {
    shown: Mutex<Option<(GalleryId, Arc<PooledPicture>)>>,
    /// Whether a display shows pictures.
    is_watching: AtomicBool,
}

impl VisitorPictures {
    /// Starts the thread, unless there is no screen or `[screen] pictures` is off.
    pub(super) fn start(app: &Arc<App>) -> std::io::Result<Arc<Self>> {
        let pictures = Arc::new(Self::default());
        let config = &app.config.screen;
        if config.pictures && config.output() != OutputChoice::Off {
            let (app, shared) = (Arc::clone(app), Arc::downgrade(&pictures));
            let threads = app.threads.clone();
            threads.spawn("screen-visitors", move |heartbeat| {
                let mut turns = Turns::default();
                while let Some(pictures) = shared.upgrade() {
                    pictures.follow(&app, &mut turns, heartbeat);
                    drop(pictures);
                    std::thread::sleep(LOOK_EVERY);
                }
            })?;
        }
        Ok(pictures)
    }

    pub(super) fn shown(&self) -> Option<(GalleryId, Arc<PooledPicture>)> {
        lock(&self.shown).clone()
    }

    pub(super) fn set_watching(&self, is_watching: bool) {
        self.is_watching.store(is_watching, Ordering::Relaxed);
    }

    fn follow(&self, app: &App, turns: &mut Turns, heartbeat: &Heartbeat) {
        heartbeat.beat(TURN_MAX);
        let now = Instant::now();
        // A closed camera shows nobody, also none who agreed before.
        let may_show = self.is_watching.load(Ordering::Relaxed)
            && app.settings.present().booth.gallery
            && !app.shutter.is_closed();
        let listed = || -> Option<Vec<GalleryId>> {
            let shown = app.booth.get().ok()?.gallery(false).ok()?;
            Some(shown.into_iter().map(|picture| picture.id).collect())
        };
        let is_due = may_show && turns.needs_list(now);
        let list = is_due.then(listed).flatten().unwrap_or_default();
        let wanted = if may_show {
            turns.next(&list, now)
        } else {
            None
        };
        let mut shown = lock(&self.shown);
        if shown.as_ref().map(|(id, _)| *id) == wanted {
            return;
        }
        *shown = None;
        drop(shown);
        if let Some(id) = wanted {
            let picture = read(app, id);
            *lock(&self.shown) = picture.map(|picture| (id, Arc::new(picture)));
        }
    }
}

/// `None`: it was withdrawn meanwhile, or cannot be read.
fn read(app: &App, id: GalleryId) -> Option<PooledPicture> {
    let jpeg = app.booth.get().ok()?.gallery_picture(id, false).ok()??;
    let decoded =
        JpegDecoder::new().and_then(|mut jpegs| jpegs.decode(&jpeg, &PicturePool::new(1)));
    decoded
        .inspect_err(|error| tracing::debug!(%error, "a picture of the gallery cannot be shown"))
        .ok()
}

/// Whose turn it is. Pure: the caller passes the time.
#[derive(Debug, Default)]
struct Turns {
    last: Option<GalleryId>,
    /// Of the last one.
    began_at: Option<Instant>,
}

impl Turns {
    fn is_showing(&self, now: Instant) -> bool {
        let since = self.began_at.map(|at| now.saturating_duration_since(at));
        since.is_some_and(|since| since < EACH)
    }

    /// Whether a picture is shown, which may have been withdrawn, or the next one is due.
    fn needs_list(&self, now: Instant) -> bool {
        let since = self.began_at.map(|at| now.saturating_duration_since(at));
        since.is_none_or(|since| since < EACH || since >= EACH + BETWEEN)
    }

    /// The picture to show now. `list`: those that may be shown, newest first.
    fn next(&mut self, list: &[GalleryId], now: Instant) -> Option<GalleryId> {
        if self.is_showing(now) {
            return self.last.filter(|last| list.contains(last));
        }
        if !self.needs_list(now) || list.is_empty() {
            return None;
        }
        let at = self
            .last
            .and_then(|last| list.iter().position(|id| *id == last));
        self.last = Some(list[at.map_or(0, |at| (at + 1) % list.len())]);
        self.began_at = Some(now);
        self.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_picture_has_its_turn_and_the_feed_is_alone_between_them() {
        let list = [(); 2].map(|()| GalleryId::random());
        let (mut turns, start) = (Turns::default(), Instant::now());
        let mut shown = Vec::new();
        for second in 0..80 {
            let now = start + Duration::from_secs(second);
            shown.push(turns.next(&list, now));
        }
        assert_eq!(shown[0..6], [Some(list[0]); 6]);
        assert_eq!(shown[6..31], [None; 25]);
        assert_eq!(shown[31..37], [Some(list[1]); 6]);
        assert_eq!(shown[62..68], [Some(list[0]); 6]);
    }

    #[test]
    fn a_picture_that_is_withdrawn_is_shown_no_longer() {
        let id = GalleryId::random();
        let (mut turns, now) = (Turns::default(), Instant::now());
        assert_eq!(turns.next(&[], now), None);
        assert_eq!(turns.next(&[id], now), Some(id));
        let soon = now + Duration::from_secs(1);
        assert!(turns.needs_list(soon));
        assert_eq!(turns.next(&[], soon), None);
        assert_eq!(turns.next(&[], soon + EACH + BETWEEN), None);
    }
}
