//! Boxes and their labels.

use capture::canvas::{Canvas, Ink, Rect};

use super::chips::{Place, Wish, place};
use super::palette::{self, GROUND};
use super::sizes::Sizes;
use crate::bbox::BBox;
use crate::text::Text;

/// One box ready to be painted.
pub(crate) struct Marked<'a> {
    /// In pixels of the picture.
    pub(crate) bbox: BBox,
    pub(crate) colour: palette::Rgb,
    pub(crate) name: &'a str,
    pub(crate) score: f32,
    pub(crate) id: u64,
    /// Where its label hung in the frame before.
    pub(crate) before: Option<Place>,
}

/// Paints all boxes inside `bounds`, then all labels over them; answers where each label went.
pub(crate) fn paint(
    canvas: &mut Canvas<'_>,
    text: &mut Text,
    marked: &[Marked<'_>],
    bounds: Rect,
    sizes: Sizes,
) -> Vec<Place> {
    let lines: Vec<Rect> = marked
        .iter()
        .map(|one| line_of(&one.bbox, bounds, sizes))
        .collect();
    for (one, &line) in marked.iter().zip(&lines) {
        paint_box(canvas, line, palette::ink(one.colour), sizes);
    }
    let mut taken: Vec<Rect> = Vec::with_capacity(marked.len());
    let mut places = Vec::with_capacity(marked.len());
    let room = bounds.inset(sizes.halo);
    for (one, &line) in marked.iter().zip(&lines) {
        let label = Label::of(one, text, room.width, sizes);
        let wish = Wish {
            line,
            width: label.width,
            height: label.height,
            before: one.before,
        };
        let (side, chip) = place(&wish, room, &taken, sizes);
        paint_chip(canvas, chip, line, side, label.colour, sizes);
        label.paint(canvas, text, chip, sizes);
        taken.push(chip);
        places.push(side);
    }
    places
}

/// The bright line: centred on the edge of the thing, pulled inside where that would be cut off.
fn line_of(bbox: &BBox, bounds: Rect, sizes: Sizes) -> Rect {
    let half = sizes.line as f32 / 2.0;
    let (left, top) = (
        (bbox.x1 - half).round() as i32,
        (bbox.y1 - half).round() as i32,
    );
    let (right, bottom) = (
        (bbox.x2 + half).round() as i32,
        (bbox.y2 + half).round() as i32,
    );
    let room = bounds.inset(sizes.halo);
    let (x, y) = (left.max(room.x), top.max(room.y));
    // Never so small that nothing of it is seen.
    let least = sizes.line * 2 + 1;
    let width = right.min(room.right()).saturating_sub(x).max(least);
    let height = bottom.min(room.bottom()).saturating_sub(y).max(least);
    Rect {
        x,
        y,
        width,
        height,
    }
}

/// A dark line on either side makes the bright one readable on any ground and in sunlight.
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

/// Chroma has half the resolution: between neutral dark lines a thin bright one would lose its
/// colour, so these take on half of it. Their luma, which is what the eye reads edges by, is dark.
fn dark_beside(ink: Ink, thickness: i32) -> Ink {
    let dark = palette::ink(GROUND);
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

/// The ground of a label: grows out of the line it hangs on.
fn paint_chip(
    canvas: &mut Canvas<'_>,
    chip: Rect,
    line: Rect,
    side: Place,
    colour: palette::Rgb,
    sizes: Sizes,
) {
    let Sizes {
        line: thickness,
        halo,
        radius,
        ..
    } = sizes;
    let (dark, bright) = (palette::ink(GROUND), palette::ink(colour));
    let shape = Tab {
        side,
        aligned: chip.x == line.x,
    };
    shape.fill(canvas, chip.inset(-halo), radius + halo, dark);
    shape.fill(canvas, chip, radius, bright);
    if shape.aligned && side != Place::Inside {
        // The line's round corner, filled up to meet the label's straight edge.
        let y = if side == Place::Above {
            line.y
        } else {
            line.bottom() - radius
        };
        let stem = Rect {
            x: line.x,
            y,
            width: thickness,
            height: radius,
        };
        let stem = if line.height > radius {
            stem
        } else {
            Rect { height: 0, ..stem }
        };
        canvas.fill_rect(
            Rect {
                x: stem.x - halo,
                width: halo,
                ..stem
            },
            dark,
            255,
        );
        canvas.fill_rect(stem, bright, 255);
    }
}

/// A rectangle with round corners except where it joins its box.
#[derive(Clone, Copy)]
struct Tab {
    side: Place,
    aligned: bool,
}

impl Tab {
    fn fill(self, canvas: &mut Canvas<'_>, rect: Rect, radius: i32, ink: Ink) {
        canvas.fill_round_rect(rect, radius as f32, ink, 255);
        let half = radius.min(rect.width / 2).min(rect.height / 2);
        let foot = Rect {
            height: half,
            ..rect
        };
        let lower = Rect {
            y: rect.bottom() - half,
            ..foot
        };
        let left = Rect {
            width: half,
            ..foot
        };
        match self.side {
            Place::Above => canvas.fill_rect(lower, ink, 255),
            Place::Below => canvas.fill_rect(foot, ink, 255),
            Place::Inside if self.aligned => {
                let right = Rect {
                    x: rect.right() - half,
                    ..left
                };
                canvas.fill_rect(right, ink, 255);
                canvas.fill_rect(Rect { y: lower.y, ..left }, ink, 255);
            }
            Place::Inside => {}
        }
    }
}

/// What is written: name, score, and the id a little quieter.
struct Label {
    words: String,
    id: String,
    colour: palette::Rgb,
    width: i32,
    height: i32,
}

impl Label {
    fn of(one: &Marked<'_>, text: &Text, room_px: i32, sizes: Sizes) -> Self {
        let percent = (one.score.clamp(0.0, 1.0) * 100.0).round() as u32;
        let score = format!(" {percent}%");
        let id = format!(" #{}", one.id);
        let wide = |words: &str| text.width_px(words, sizes.text);
        let rest = wide(&score) + wide(&id) + (2 * sizes.pad_x) as f32;
        // A long name gives way, score and id stay.
        let name = text.fitted(one.name, sizes.text, (room_px as f32 - rest).max(0.0));
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
        let dark = palette::readable_on(self.colour);
        let quiet = palette::mixed(self.colour, dark, 62);
        let from = ((chip.x + sizes.pad_x) as f32, chip.bottom() - sizes.pad_y);
        let end = text.draw(canvas, from, &self.words, sizes.text, palette::ink(dark));
        text.draw(
            canvas,
            (end, from.1),
            &self.id,
            sizes.text,
            palette::ink(quiet),
        );
    }
}
