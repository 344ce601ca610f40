//! The card that is shown when there is no picture.

use capture::canvas::{Canvas, Ink, Rect, Text};

use super::style::{self, ACCENT, GROUND, PAPER, QUIET};

/// The logo is drawn in the units of the page's SVG.
const MARK_UNITS: f32 = 32.0;

/// The text of a card, which replaces the whole picture.
#[derive(Debug, Clone, Copy)]
pub struct Card<'a> {
    /// A few words, e.g. "No signal".
    pub title: &'a str,
    /// One or two sentences: the reason, and what happens next. Wrapped.
    pub detail: &'a str,
    /// A text that changes every second, which shows that the feed itself works. May be empty.
    pub clock: &'a str,
}

pub(crate) fn paint_card(canvas: &mut Canvas<'_>, text: &mut Text, card: &Card<'_>) {
    let (width, height) = (canvas.width() as f32, canvas.height() as f32);
    canvas.fill_rect(canvas.clip(), style::ink(GROUND), 255);
    // Portrait pictures are scaled by their width.
    let unit = (height / 720.0).min(width / 640.0);
    let size = |px: f32, least: f32| (px * unit).round().max(least) as u32;
    let (title_px, detail_px) = (size(54.0, 14.0), size(28.0, 10.0));
    let column = width * 0.84;
    let titles = text.wrapped(card.title, title_px, column, 2);
    let details = text.balanced(card.detail, detail_px, column.min(900.0 * unit), 4);
    let mark_px = (112.0 * unit).max(24.0);
    let (title_step, detail_step) = (title_px as f32 * 1.22, detail_px as f32 * 1.45);
    let gap = 44.0 * unit;
    let between = 16.0 * unit;
    let words = titles.len() as f32 * title_step + details.len() as f32 * detail_step;
    // Slightly above the middle looks centred.
    let mut y = ((height - mark_px - gap - between - words) * 0.46).max(0.0);
    paint_mark(canvas, ((width - mark_px) / 2.0, y), mark_px);
    y += mark_px + gap;
    for (lines, px, step, colour) in [
        (titles, title_px, title_step, PAPER),
        (details, detail_px, detail_step, QUIET),
    ] {
        for line in lines {
            let x = (width - text.width_px(&line, px)) / 2.0;
            let baseline = (y + Text::cap_height_px(px)).round() as i32;
            text.draw(canvas, (x, baseline), &line, px, style::ink(colour));
            y += step;
        }
        y += between;
    }
    paint_card_clock(canvas, text, card.clock, size(22.0, 10.0), unit);
}

fn paint_card_clock(canvas: &mut Canvas<'_>, text: &mut Text, clock: &str, px: u32, unit: f32) {
    let (width, height) = (canvas.width() as f32, canvas.height() as f32);
    let clock = text.fitted(clock, px, width * 0.84);
    let x = (width - text.width_px(&clock, px)) / 2.0;
    let baseline = (height - (40.0 * unit).max(8.0)).round() as i32;
    let ink = style::ink(style::mixed(GROUND, QUIET, 68));
    text.draw(canvas, (x, baseline), &clock, px, ink);
}

/// Paints the page's logo: a view finder's four corners around a dot.
fn paint_mark(canvas: &mut Canvas<'_>, (x, y): (f32, f32), size_px: f32) {
    let unit = size_px / MARK_UNITS;
    let (corner, ground) = (style::ink(PAPER), style::ink(GROUND));
    let px = |units: f32| (units * unit).round() as i32;
    let (x, y) = (x.round() as i32, y.round() as i32);
    // A frame with round corners, then the middle of each side is painted over.
    let frame = Rect::new(x + px(3.5), y + px(3.5), px(25.0), px(25.0));
    let thickness = px(3.0).max(1);
    canvas.stroke_round_rect(frame, 4.5 * unit, thickness.unsigned_abs(), corner);
    let arm = px(7.5);
    let across = frame.columns(frame.x + arm, frame.width - 2 * arm);
    let down = frame.rows(frame.y + arm, frame.height - 2 * arm);
    canvas.fill_rect(across, ground, 255);
    canvas.fill_rect(down, ground, 255);
    round_ends(canvas, frame, arm, thickness, corner);
    let centre = |start: i32, side: i32| start as f32 + side as f32 / 2.0;
    let (cx, cy) = (centre(frame.x, frame.width), centre(frame.y, frame.height));
    canvas.fill_ellipse(cx, cy, 4.5 * unit, 4.5 * unit, style::ink(ACCENT));
}

fn round_ends(canvas: &mut Canvas<'_>, frame: Rect, arm: i32, thickness: i32, ink: Ink) {
    let half = thickness as f32 / 2.0;
    let near = [frame.x as f32 + half, frame.y as f32 + half];
    let far = [frame.right() as f32 - half, frame.bottom() as f32 - half];
    let columns = [(frame.x + arm) as f32, (frame.right() - arm) as f32];
    let rows = [(frame.y + arm) as f32, (frame.bottom() - arm) as f32];
    for side in [near, far] {
        columns
            .iter()
            .for_each(|&x| canvas.fill_ellipse(x, side[1], half, half, ink));
        rows.iter()
            .for_each(|&y| canvas.fill_ellipse(side[0], y, half, half, ink));
    }
}
