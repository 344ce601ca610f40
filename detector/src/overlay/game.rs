//! What a game shows on the picture: lines, a large word, a clock, scores, and marks on tracks.
//!
//! In: words and numbers, since this crate knows no game. The layout (`layout.rs`, pure) is made once for each banner
//! and size; painting it costs no more than the pixels touched.

mod layout;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::{Duration, Instant};

use capture::I420;
use capture::canvas::{Canvas, Rect, Text};

use super::OverlayPainter;
use super::boxes::{self, Marked};
use super::style::{self, ACCENT, GROUND, PAPER, Rgb, Sizes};
use crate::detection::BBox;
use crate::tracks::Tracks;
use layout::{BannerLayout, PlacedText};

/// How long a flash is shown: a still frame around the picture, which neither blinks nor moves.
const FLASH: Duration = Duration::from_millis(500);
/// The digits of a clock have the accent's colour from here on.
const URGENT: Duration = Duration::from_secs(5);
/// Opacity of the ground below texts.
const GROUND_ALPHA: u8 = 176;
const GOOD: Rgb = (74, 214, 122);
const BAD: Rgb = (255, 92, 80);

/// What is shown over the whole picture. Two equal ones look alike.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GameBanner {
    /// Above the large word.
    pub line: String,
    /// Its capitals are at least a sixth of the picture's height, if the width allows.
    pub big_word: Option<String>,
    pub clock: Option<BannerClock>,
    pub score: Option<u32>,
    pub flash: Option<BannerFlash>,
    /// The two halves of the picture, left first.
    pub sides: Option<[BannerSide; 2]>,
    /// Below the large word, the most important one first.
    pub rows: Vec<String>,
}

/// A clock that runs down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BannerClock {
    pub ends_at: Instant,
    /// Where it was full.
    pub total: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BannerFlash {
    pub kind: BannerFlashKind,
    pub since: Instant,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BannerFlashKind {
    Good,
    Bad,
    Photo,
}

/// One half of the picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BannerSide {
    pub text: String,
    pub persons: u32,
    pub is_chosen: bool,
}

/// A mark on a track.
#[derive(Debug, Clone, PartialEq)]
pub struct MarkedTrack {
    pub track_id: u64,
    /// Left, top, right and bottom in fractions of the picture, for when that track is not known.
    pub region: [f32; 4],
    pub role: MarkedAs,
    pub text: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MarkedAs {
    Found,
    Playing,
    Out,
    Counted,
}

impl MarkedAs {
    fn colour(self) -> Rgb {
        match self {
            Self::Found => ACCENT,
            Self::Playing => GOOD,
            Self::Out => BAD,
            Self::Counted => PAPER,
        }
    }
}

/// The layout of the banner that was painted last.
pub(super) struct LaidOutBanner {
    banner: Arc<GameBanner>,
    /// Width, height and reserved rows of the picture.
    size: (u32, u32, u32),
    layout: BannerLayout,
}

impl OverlayPainter {
    /// Paints marks instead of boxes, where `tracks` are predicted to be at `at`, the capture time of `picture`. The upper
    /// `reserved_top_px` rows are not changed.
    pub fn paint_marks(
        &mut self,
        picture: &mut I420,
        marks: &[MarkedTrack],
        tracks: Option<&Tracks>,
        at: Instant,
        reserved_top_px: u32,
    ) {
        let (width, height) = (picture.width(), picture.height());
        let reserved = reserved_top_px.min(height) as i32;
        let whole = Rect::of_size(width, height);
        let bounds = whole.rows(reserved, whole.height - reserved);
        let sizes = Sizes::of(height);
        let size = (width as f32, height as f32);
        let known = tracks.map(|tracks| (tracks, tracks.predicted_at(at)));
        let place = |mark: &MarkedTrack| {
            let known = known.as_ref().and_then(|(tracks, predicted)| {
                let track = predicted.iter().find(|track| track.id == mark.track_id)?;
                let x = size.0 / tracks.frame_width.max(1) as f32;
                let y = size.1 / tracks.frame_height.max(1) as f32;
                Some(track.bbox.scaled(x, y))
            });
            let [left, top, right, bottom] = mark.region;
            known.unwrap_or(BBox::new(left, top, right, bottom).scaled(size.0, size.1))
        };
        let mut canvas = Canvas::new(picture).clipped(bounds);
        let (named, nameless): (Vec<_>, Vec<_>) =
            marks.iter().partition(|mark| mark.text.is_some());
        for (marks, has_labels) in [(nameless, false), (named, true)] {
            let marked: Vec<Marked<'_>> = marks
                .iter()
                .map(|mark| Marked {
                    bbox: place(mark),
                    colour: mark.role.colour(),
                    name: mark.text.as_deref().unwrap_or_default().into(),
                    score: None,
                    id: None,
                    before: self.places.get(&mark.track_id).copied(),
                })
                .collect();
            let text = &mut self.text;
            let places = boxes::paint(&mut canvas, text, &marked, has_labels, bounds, sizes);
            if has_labels {
                self.places.clear();
                let ids = marks.iter().map(|mark| mark.track_id);
                self.places.extend(ids.zip(places));
            }
        }
    }

    /// Paints a banner as it is at `at`, the capture time of `picture`. The upper `reserved_top_px` rows are not changed.
    pub fn paint_game(
        &mut self,
        picture: &mut I420,
        banner: &Arc<GameBanner>,
        at: Instant,
        reserved_top_px: u32,
    ) {
        let size = (picture.width(), picture.height(), reserved_top_px);
        let is_laid_out = |laid_out: &&LaidOutBanner| {
            laid_out.size == size && Arc::ptr_eq(&laid_out.banner, banner)
        };
        if self.banner.as_ref().filter(is_laid_out).is_none() {
            self.banner = Some(LaidOutBanner {
                banner: Arc::clone(banner),
                size,
                layout: BannerLayout::new(banner, size, &self.text),
            });
        }
        if let Some(LaidOutBanner { layout, .. }) = &self.banner {
            paint(
                &mut Canvas::new(picture),
                &mut self.text,
                (layout, banner),
                at,
            );
        }
    }
}

fn paint(
    canvas: &mut Canvas<'_>,
    text: &mut Text,
    (layout, banner): (&BannerLayout, &GameBanner),
    at: Instant,
) {
    let (ground, accent) = (style::ink(GROUND), style::ink(ACCENT));
    if let Some(divider) = layout.divider {
        canvas.fill_rect(divider, style::ink(PAPER), 160);
    }
    for (chip, colour) in &layout.chips {
        let ink = colour.map_or(ground, style::ink);
        let alpha = if colour.is_some() { 255 } else { GROUND_ALPHA };
        canvas.fill_round_rect(*chip, layout.radius, ink, alpha);
    }
    if let Some(star) = &layout.star {
        canvas.fill_polygon(star, accent);
    }
    for placed in &layout.texts {
        draw(canvas, text, placed, &placed.text, placed.colour);
    }
    if let Some(clock) = banner.clock {
        paint_clock(canvas, text, layout, clock, at);
    }
    let is_shown = |flash: &BannerFlash| {
        let since = at.checked_duration_since(flash.since);
        since.is_some_and(|since| since < FLASH)
    };
    if let Some(flash) = banner.flash.filter(is_shown) {
        let colour = match flash.kind {
            BannerFlashKind::Good => GOOD,
            BannerFlashKind::Bad => BAD,
            BannerFlashKind::Photo => PAPER,
        };
        canvas.stroke_rect(layout.frame, layout.frame_px, style::ink(colour));
    }
}

fn paint_clock(
    canvas: &mut Canvas<'_>,
    text: &mut Text,
    layout: &BannerLayout,
    clock: BannerClock,
    at: Instant,
) {
    let left = clock.ends_at.saturating_duration_since(at).min(clock.total);
    let is_urgent = left <= URGENT && clock.total > URGENT;
    let seconds = left.as_millis().div_ceil(1000).to_string();
    if let Some(digits) = &layout.digits {
        let colour = if is_urgent { ACCENT } else { digits.colour };
        draw(canvas, text, digits, &seconds, colour);
    }
    let part = left.as_secs_f32() / clock.total.as_secs_f32().max(0.001);
    let bar = layout.bar;
    canvas.fill_rect(bar, style::ink(GROUND), GROUND_ALPHA);
    let filled = (bar.width as f32 * part.clamp(0.0, 1.0)).round() as i32;
    canvas.fill_rect(bar.columns(bar.x, filled), style::ink(ACCENT), 255);
}

/// Centred on the x of `placed`.
fn draw(canvas: &mut Canvas<'_>, text: &mut Text, placed: &PlacedText, words: &str, colour: Rgb) {
    let x = placed.centre_x - text.width_px(words, placed.size_px) / 2.0;
    let from = (x, placed.baseline);
    text.draw(canvas, from, words, placed.size_px, style::ink(colour));
}
