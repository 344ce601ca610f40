//! Painting of boxes and their labels.

use std::borrow::Cow;

use capture::canvas::{Canvas, Ink, Rect, Text};

use super::label_position::{LabelPosition, LabelRequest, place};
use super::style::{self, GROUND, Sizes};
use crate::detection::BBox;

/// One box ready to be painted.
pub(crate) struct Marked<'a> {
    /// In pixels of the picture.
    pub(crate) bbox: BBox,
    pub(crate) colour: style::Rgb,
    pub(crate) name: Cow<'a, str>,
    /// `None`: the label does not say it.
    pub(crate) score: Option<f32>,
    /// `None`: the label does not say it.
    pub(crate) id: Option<u64>,
    /// The position of its label in the previous frame.
    pub(crate) before: Option<LabelPosition>,
}

/// Paints all boxes inside `bounds`, then all labels, if there are any, over them. Returns the position of each
/// label.
pub(crate) fn paint(
    canvas: &mut Canvas<'_>,
    text: &mut Text,
    marked: &[Marked<'_>],
    has_labels: bool,
    bounds: Rect,
    sizes: Sizes,
) -> Vec<LabelPosition> {
    let lines: Vec<Rect> = marked
        .iter()
        .map(|one| line_of(&one.bbox, bounds, sizes))
        .collect();
    for (one, &line) in marked.iter().zip(&lines) {
        paint_box(canvas, line, style::ink(one.colour), sizes);
    }
    if !has_labels {
        return Vec::new();
    }
    let mut taken: Vec<Rect> = Vec::with_capacity(marked.len());
    let mut places = Vec::with_capacity(marked.len());
    let room = bounds.inset(sizes.halo);
    for (one, &line) in marked.iter().zip(&lines) {
        let label = Label::of(one, text, room.width, sizes);
        let request = LabelRequest {
            line,
            width: label.width,
            height: label.height,
            before: one.before,
        };
        let (side, chip) = place(&request, room, &taken, sizes);
        paint_chip(canvas, chip, line, side, label.colour, sizes);
        label.paint(canvas, text, chip, sizes);
        taken.push(chip);
        places.push(side);
    }
    places
}

/// The rectangle of the bright line: centred on the edge of the box, moved inside where it would be cut
/// off.
fn line_of(bbox: &BBox, bounds: Rect, sizes: Sizes) -> Rect {
    let half = sizes.line as f32 / 2.0;
    let [left, top] = [bbox.x1, bbox.y1].map(|edge| (edge - half).round() as i32);
    let [right, bottom] = [bbox.x2, bbox.y2].map(|edge| (edge + half).round() as i32);
    let room = bounds.inset(sizes.halo);
    let (x, y) = (left.max(room.x), top.max(room.y));
    // Never so small that it is invisible.
    let least = sizes.line * 2 + 1;
    let width = right.min(room.right()).saturating_sub(x).max(least);
    let height = bottom.min(room.bottom()).saturating_sub(y).max(least);
    Rect::new(x, y, width, height)
}

/// Paints the bright line between two dark ones, which keep it visible on any ground.
fn paint_box(canvas: &mut Canvas<'_>, line: Rect, ink: Ink, sizes: Sizes) {
    let Sizes {
        line: thickness,
        halo,
        radius,
        ..
    } = sizes;
    let outer = (radius + halo) as f32;
    let dark = (thickness + 2 * halo).unsigned_abs();
    canvas.stroke_round_rect(line.inset(-halo), outer, dark, dark_beside(ink, thickness));
    canvas.stroke_round_rect(line, radius as f32, thickness.unsigned_abs(), ink);
}

/// The ink of the dark lines beside a bright one. Beside a thin line they get half of its chroma:
/// chroma has half the resolution, so that between neutral lines the bright one would lose its colour.
fn dark_beside(ink: Ink, thickness: i32) -> Ink {
    let dark = style::ink(GROUND);
    if thickness > 2 {
        return dark;
    }
    let half = |a: u8, b: u8| u8::midpoint(a, b);
    Ink {
        y: dark.y,
        u: half(dark.u, ink.u),
        v: half(dark.v, ink.v),
    }
}

/// Paints the background of a label, joined to the line of its box.
fn paint_chip(
    canvas: &mut Canvas<'_>,
    chip: Rect,
    line: Rect,
    side: LabelPosition,
    colour: style::Rgb,
    sizes: Sizes,
) {
    let Sizes {
        line: thickness,
        halo,
        radius,
        ..
    } = sizes;
    let (dark, bright) = (style::ink(GROUND), style::ink(colour));
    let shape = Tab {
        side,
        aligned: chip.x == line.x,
    };
    shape.fill(canvas, chip.inset(-halo), radius + halo, dark);
    shape.fill(canvas, chip, radius, bright);
    if shape.aligned && side != LabelPosition::Inside {
        // Fills the round corner of the line, to meet the straight edge of the label.
        let y = if side == LabelPosition::Above {
            line.y
        } else {
            line.bottom() - radius
        };
        let height = if line.height > radius { radius } else { 0 };
        let stem = Rect::new(line.x, y, thickness, height);
        canvas.fill_rect(stem.columns(stem.x - halo, halo), dark, 255);
        canvas.fill_rect(stem, bright, 255);
    }
}

/// The background of a label: round corners except where it joins its box.
#[derive(Clone, Copy)]
struct Tab {
    side: LabelPosition,
    aligned: bool,
}

impl Tab {
    fn fill(self, canvas: &mut Canvas<'_>, rect: Rect, radius: i32, ink: Ink) {
        canvas.fill_round_rect(rect, radius as f32, ink, 255);
        let half = radius.min(rect.width / 2).min(rect.height / 2);
        let (upper, lower) = (
            rect.rows(rect.y, half),
            rect.rows(rect.bottom() - half, half),
        );
        match self.side {
            LabelPosition::Above => canvas.fill_rect(lower, ink, 255),
            LabelPosition::Below => canvas.fill_rect(upper, ink, 255),
            LabelPosition::Inside if self.aligned => {
                canvas.fill_rect(upper.columns(rect.right() - half, half), ink, 255);
                canvas.fill_rect(lower.columns(rect.x, half), ink, 255);
            }
            LabelPosition::Inside => {}
        }
    }
}

/// The text of a label: name, score, and the id in a weaker colour.
struct Label {
    words: String,
    id: String,
    colour: style::Rgb,
    width: i32,
    height: i32,
}

impl Label {
    fn of(one: &Marked<'_>, text: &Text, room_px: i32, sizes: Sizes) -> Self {
        let percent = |score: f32| (score.clamp(0.0, 1.0) * 100.0).round() as u32;
        let score = one.score.map(|score| format!(" {}%", percent(score)));
        let score = score.unwrap_or_default();
        let id = one.id.map(|id| format!(" #{id}")).unwrap_or_default();
        let wide = |words: &str| text.width_px(words, sizes.text);
        let rest = wide(&score) + wide(&id) + (2 * sizes.pad_x) as f32;
        // A long name is shortened, score and id are not.
        let name = text.fitted(&one.name, sizes.text, (room_px as f32 - rest).max(0.0));
        let width = (wide(&name) + rest).ceil() as i32;
        let height = Text::cap_height_px(sizes.text).round() as i32 + 2 * sizes.pad_y;
        let colour = one.colour;
        Self {
            words: format!("{name}{score}"),
            id,
            colour,
            width: width.min(room_px),
            height,
        }
    }

    fn paint(&self, canvas: &mut Canvas<'_>, text: &mut Text, chip: Rect, sizes: Sizes) {
        let dark = style::readable_on(self.colour);
        let quiet = style::mixed(self.colour, dark, 62);
        let from = ((chip.x + sizes.pad_x) as f32, chip.bottom() - sizes.pad_y);
        let (dark, quiet) = (style::ink(dark), style::ink(quiet));
        let end = text.draw(canvas, from, &self.words, sizes.text, dark);
        text.draw(canvas, (end, from.1), &self.id, sizes.text, quiet);
    }
}
