//! Joins what detection knows to the compose thread: `signaling` never hears of tracks.

use std::sync::Arc;
use std::time::Instant;

use capture::{Frame, I420, Signal, Slot, WallClock};
use detector::{Card, OverlayPainter, Tracks};
use signaling::{Painter, reserved_top_px};

use crate::without_places::without_places;

/// Paints the newest tracks, predicted to the frame's capture time, or a card.
pub(crate) struct FeedPainter {
    overlay: OverlayPainter,
    tracks: Arc<Slot<Tracks>>,
    clock: WallClock,
}

impl FeedPainter {
    pub(crate) fn new(
        overlay: OverlayPainter,
        tracks: Arc<Slot<Tracks>>,
        clock: WallClock,
    ) -> Self {
        Self {
            overlay,
            tracks,
            clock,
        }
    }
}

impl Painter for FeedPainter {
    fn paint(&mut self, picture: &mut I420, frame: &Frame) {
        let Some(tracks) = self.tracks.latest() else {
            return;
        };
        let reserved_px = reserved_top_px(picture, frame);
        self.overlay
            .paint_tracks(picture, &tracks, frame.captured_at, reserved_px);
    }

    fn card(&mut self, picture: &mut I420, signal: &Signal, now: Instant) {
        let clock = wall_clock_text(self.clock.unix_ms(now));
        let (title, detail) = card_words(signal);
        // All viewers read the card.
        let detail = &without_places(detail);
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
        // The source says it is live and sends nothing: the watchdog will say more in a moment.
        Signal::Live { source, .. } => ("No signal", source),
    }
}

/// Hours, minutes and seconds of Unix time, UTC: a card whose clock ticks is visibly not frozen.
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
