//! What a game shows on the picture: lines, a large word, a clock, scores, and marks on tracks.
//!
//! In: words and numbers, since this crate knows no game. The layout (`layout.rs`, pure) is made once for each banner
//! and size; painting it costs no more than the pixels touched.

mod banner;
mod layout;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::{Duration, Instant};

use capture::I420;
use capture::canvas::{Canvas, Rect, Text};

use super::boxes::{self, Marked};
use super::label_position::LabelPosition;
use super::style::{self, ACCENT, GROUND, PAPER, Rgb, Sizes};
use crate::detection::BBox;
use crate::tracks::{Track, Tracks};
use banner::URGENT;
use layout::{BannerLayout, PlacedText};

pub use banner::{
    BannerClock, BannerFlash, BannerFlashKind, BannerSide, GameBanner, MarkedAs, MarkedTrack,
};

/// How long a flash is shown: a still frame around the picture, which neither blinks nor moves.
const FLASH: Duration = Duration::from_millis(500);
/// Opacity of the ground below texts.
const GROUND_ALPHA: u8 = 176;
const GOOD: Rgb = (74, 214, 122);
const BAD: Rgb = (255, 92, 80);

/// The layout of the banner that was painted last.
pub(super) struct LaidOutBanner {
    banner: Arc<GameBanner>,
    /// Width, height and reserved rows of the picture.
    size: (u32, u32, u32),
    layout: BannerLayout,
}

impl LaidOutBanner {
    fn new(banner: &Arc<GameBanner>, size: (u32, u32, u32), text: &Text) -> Self {
        Self {
            banner: Arc::clone(banner),
            size,
            layout: BannerLayout::new(banner, size, text),
        }
    }
}

/// Paints a banner as it is at `at`; `laid_out` is its layout from the picture before, if there was one.
pub(super) fn paint_banner(
    picture: &mut I420,
    text: &mut Text,
    laid_out: &mut Option<LaidOutBanner>,
    banner: &Arc<GameBanner>,
    (at, reserved_top_px): (Instant, u32),
) {
    let size = (picture.width(), picture.height(), reserved_top_px);
    let is_other =
        |before: &mut LaidOutBanner| before.size != size || !Arc::ptr_eq(&before.banner, banner);
    laid_out.take_if(is_other);
    let current = laid_out.get_or_insert_with(|| LaidOutBanner::new(banner, size, text));
    let mut canvas = Canvas::new(picture);
    paint(&mut canvas, text, (&current.layout, banner), at);
}

/// Paints marks with a text or without one; returns the places of their labels.
pub(super) fn paint_marks(
    canvas: &mut Canvas<'_>,
    text: &mut Text,
    marks: &[(&MarkedTrack, BBox, Option<LabelPosition>)],
    bounds: Rect,
) -> Vec<LabelPosition> {
    let has_labels = marks.iter().any(|(mark, ..)| mark.text.is_some());
    let marked: Vec<Marked<'_>> = marks
        .iter()
        .map(|(mark, bbox, before)| Marked {
            bbox: *bbox,
            colour: colour_of(mark.role),
            name: mark.text.as_deref().unwrap_or_default().into(),
            score: None,
            id: None,
            before: *before,
        })
        .collect();
    let sizes = Sizes::of(canvas.height());
    boxes::paint(canvas, text, &marked, has_labels, bounds, sizes)
}

/// Where a mark is: at its track in `predicted`, else at its region.
pub(super) fn place_of(
    mark: &MarkedTrack,
    known: Option<&(&Tracks, Vec<Track>)>,
    (width, height): (f32, f32),
) -> BBox {
    let tracked = known.and_then(|(tracks, predicted)| {
        let track = predicted.iter().find(|track| track.id == mark.track_id)?;
        let x = width / tracks.frame_width.max(1) as f32;
        let y = height / tracks.frame_height.max(1) as f32;
        Some(track.bbox.scaled(x, y))
    });
    let [left, top, right, bottom] = mark.region;
    tracked.unwrap_or(BBox::new(left, top, right, bottom).scaled(width, height))
}

fn colour_of(role: MarkedAs) -> Rgb {
    match role {
        MarkedAs::Found => ACCENT,
        MarkedAs::Playing => GOOD,
        MarkedAs::Out => BAD,
        MarkedAs::Counted => PAPER,
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
