//! Paints detections for the compose thread: `signaling` does not know about tracks.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use capture::{Frame, I420, Signal, Slot, WallClock};
use detector::privacy::PrivacyFilter;
use detector::{Card, LabelContent, OverlayPainter, Tracks, Zone};
use signaling::{Painter, PictureFilter, reserved_top_px};

use crate::games::ShownGame;
use crate::redaction::redact_paths;

/// Paints the newest tracks, predicted to the frame's capture time, and what a game shows; or a card.
pub(crate) struct FeedPainter {
    overlay: OverlayPainter,
    tracks: Arc<Slot<Tracks>>,
    game: Arc<Slot<ShownGame>>,
    control: Arc<OverlayControl>,
    clock: WallClock,
}

/// What is painted on the picture, shared by whoever changes it and the compose thread.
#[derive(Debug, Default)]
pub(crate) struct OverlayControl {
    paints_boxes: AtomicBool,
    paints_camera_names: AtomicBool,
    /// The index in [`LabelContent::ALL`].
    labels: AtomicUsize,
    /// Those whose outlines are painted. Held only to copy or to replace the pointer.
    zones: Mutex<Arc<Vec<Zone>>>,
}

impl OverlayControl {
    /// Takes effect with the next picture.
    pub(crate) fn set(&self, paints_boxes: bool, labels: LabelContent, paints_camera_names: bool) {
        let index = LabelContent::ALL.iter().position(|one| *one == labels);
        self.labels
            .store(index.unwrap_or_default(), Ordering::Relaxed);
        self.paints_boxes.store(paints_boxes, Ordering::Relaxed);
        self.paints_camera_names
            .store(paints_camera_names, Ordering::Relaxed);
    }

    /// The zones whose outlines are painted from the next picture on.
    pub(crate) fn set_zones(&self, zones: Vec<Zone>) {
        *self.zones.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(zones);
    }

    fn zones(&self) -> Arc<Vec<Zone>> {
        Arc::clone(&self.zones.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn labels(&self) -> LabelContent {
        let index = self.labels.load(Ordering::Relaxed);
        LabelContent::ALL.get(index).copied().unwrap_or_default()
    }
}

/// Hides what the owner wants hidden, before anything else sees the picture.
pub(crate) struct FeedFilter(pub(crate) PrivacyFilter);

impl PictureFilter for FeedFilter {
    fn is_needed(&self) -> bool {
        self.0.is_needed()
    }

    fn apply(&mut self, picture: &mut I420, frame: &Frame) {
        self.0.follow_source(frame.source_number);
        self.0.follow_mounting(frame.mounting);
        self.0.apply(picture, frame.captured_at);
    }
}

impl FeedPainter {
    pub(crate) fn new(
        overlay: OverlayPainter,
        tracks: Arc<Slot<Tracks>>,
        game: Arc<Slot<ShownGame>>,
        control: Arc<OverlayControl>,
        clock: WallClock,
    ) -> Self {
        Self {
            overlay,
            tracks,
            game,
            control,
            clock,
        }
    }

    /// The newest tracks, if they are of the source and the mounting of `frame`.
    fn tracks_of(&self, frame: &Frame) -> Option<Arc<Tracks>> {
        let of_this_view = |tracks: &Arc<Tracks>| {
            (tracks.source_number, tracks.mounting) == (frame.source_number, frame.mounting)
        };
        self.tracks.latest().filter(of_this_view)
    }

    /// The marks of a game take the place of boxes.
    fn paint_marks(&mut self, picture: &mut I420, frame: &Frame, game: &ShownGame) {
        let tracks = self.tracks_of(frame);
        let reserved_px = reserved_top_px(picture, frame);
        self.overlay.paint_marks(
            picture,
            &game.marks,
            tracks.as_deref(),
            frame.captured_at,
            reserved_px,
        );
    }

    fn paint_boxes(&mut self, picture: &mut I420, frame: &Frame) {
        let Some(tracks) = self.tracks_of(frame) else {
            return;
        };
        self.overlay.set_labels(self.control.labels());
        let reserved_px = reserved_top_px(picture, frame);
        self.overlay
            .paint_tracks(picture, &tracks, frame.captured_at, reserved_px);
    }
}

impl Painter for FeedPainter {
    fn paint(&mut self, picture: &mut I420, frame: &Frame) {
        let zones = self.control.zones();
        if !zones.is_empty() {
            let camera = frame.camera.as_deref();
            let shown = zones.iter().filter(|zone| zone.is_for(camera));
            self.overlay.paint_zones(picture, shown);
        }
        let game = self.game.latest();
        let has_marks = |game: &&Arc<ShownGame>| {
            !game.marks.is_empty() && game.source_number == Some(frame.source_number)
        };
        if let Some(game) = game.as_ref().filter(has_marks) {
            self.paint_marks(picture, frame, game);
        } else if self.control.paints_boxes.load(Ordering::Relaxed) {
            self.paint_boxes(picture, frame);
        }
        if let Some(name) = &frame.camera
            && self.control.paints_camera_names.load(Ordering::Relaxed)
        {
            self.overlay.paint_camera_name(picture, name);
        }
        if let Some(banner) = game.as_ref().and_then(|game| game.banner.as_ref()) {
            let reserved_px = reserved_top_px(picture, frame);
            self.overlay
                .paint_game(picture, banner, frame.captured_at, reserved_px);
        }
    }

    fn card(&mut self, picture: &mut I420, signal: &Signal, now: Instant) {
        let clock = wall_clock_text(self.clock.unix_ms(now));
        let (title, detail) = card_words(signal);
        // The card is visible to all viewers.
        let detail = &redact_paths(detail);
        self.overlay.paint_card(
            picture,
            &Card {
                title,
                detail,
                clock: &clock,
            },
        );
    }
}

fn card_words(signal: &Signal) -> (&str, &str) {
    match signal {
        Signal::Opening { source } => ("Starting", source),
        Signal::Lost { reason, .. } => ("No signal", reason),
        Signal::Closed { reason, .. } => ("The camera is closed", reason.as_deref().unwrap_or("")),
        // The source claims to be live and sends nothing; the watchdog will report it in a moment.
        Signal::Live { source, .. } => ("No signal", source),
    }
}

/// The UTC time of day: a ticking clock shows that the card is not frozen.
fn wall_clock_text(unix_ms: u64) -> String {
    let second_of_day = unix_ms / 1000 % 86_400;
    let (hours, rest) = (second_of_day / 3600, second_of_day % 3600);
    format!("{hours:02}:{:02}:{:02} UTC", rest / 60, rest % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_shows_utc() {
        assert_eq!(wall_clock_text(1_700_000_000_000), "22:13:20 UTC");
    }
}
