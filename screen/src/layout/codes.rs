//! The QR codes: beside the feed, or over the whole screen. Pure.

use capture::canvas::{Ink, Rect, Text};

use super::{Item, Panel, even};
use crate::state::Code;

/// Light modules around a code (ISO/IEC 18004).
const QUIET_MODULES: u32 = 4;
/// A code in the corner, as a part of the screen's shorter side: with a version 3 code, modules of a millimetre
/// and a half on a 12-inch display.
const CORNER_PART: f32 = 0.28;
/// Text beside a code, as a part of the code's side.
const TITLE_PART: f32 = 0.11;
const CAPTION_PART: f32 = 0.08;
const SMALLEST_TEXT_PX: f32 = 11.0;
const SMALLEST_CAPTION_PX: u32 = 8;
const LINE: f32 = 1.35;

/// The side of a code in the corner of `area`, with its quiet zone.
fn corner_side(area: Rect) -> i32 {
    even((area.width.min(area.height) as f32 * CORNER_PART) as i32)
}

/// So many free rows below the feed are used for the codes.
pub(super) fn fewest_rows(above: Rect) -> i32 {
    let side = corner_side(above);
    side + text_height(side)
}

fn text_sizes(side: i32) -> [u32; 2] {
    [TITLE_PART, CAPTION_PART].map(|part| (side as f32 * part).max(SMALLEST_TEXT_PX) as u32)
}

/// Of the title and the caption.
fn text_height(side: i32) -> i32 {
    let lines = text_sizes(side).map(|size_px| size_px as f32 * LINE);
    even(lines.iter().sum::<f32>() as i32) + 2
}

/// A column in the lower right corner of `above`, or a row in `below`, if that is not empty.
pub(super) fn beside(codes: &[Code], above: Rect, below: Rect, text: &Text) -> Option<Panel> {
    let count = codes.len() as i32;
    if count == 0 {
        return None;
    }
    if !below.is_empty() {
        return Some(row(codes, below, text));
    }
    let mut side = corner_side(above);
    let height = |side| side + text_height(side);
    while count * height(side) > above.height && side > 2 {
        side -= 2;
    }
    let rect = Rect::new(
        above.width - side,
        above.height - count * height(side),
        side,
        count * height(side),
    );
    let mut items = Vec::new();
    for (code, index) in codes.iter().zip(0..) {
        add(&mut items, code, (0, index * height(side)), side, text);
    }
    Some(white(rect, items))
}

/// The codes cover the whole screen.
pub(super) fn large(codes: &[Code], screen: Rect, text: &Text) -> Panel {
    if screen.width >= screen.height {
        return row(codes, screen, text);
    }
    let count = codes.len() as i32;
    let side = largest_side((screen.width, screen.height / count));
    let cell = screen.height / count;
    let mut items = Vec::new();
    for (code, index) in codes.iter().zip(0..) {
        let x = (screen.width - side) / 2;
        let y = index * cell + (cell - side - text_height(side)) / 2;
        add(&mut items, code, (x, y), side, text);
    }
    white(screen, items)
}

/// The codes side by side in the middle of `rect`.
fn row(codes: &[Code], rect: Rect, text: &Text) -> Panel {
    let cell = rect.width / codes.len() as i32;
    let side = largest_side((cell, rect.height));
    let mut items = Vec::new();
    for (code, index) in codes.iter().zip(0..) {
        let x = index * cell + (cell - side) / 2;
        let y = (rect.height - side - text_height(side)) / 2;
        add(&mut items, code, (x, y), side, text);
    }
    white(rect, items)
}

/// The largest side of a code with its text in a cell.
fn largest_side((width, height): (i32, i32)) -> i32 {
    let mut side = even(width.min(height));
    while side > 2 && side + text_height(side) > height {
        side -= 2;
    }
    side
}

fn white(rect: Rect, items: Vec<Item>) -> Panel {
    Panel {
        rect,
        ground: Ink::WHITE,
        items,
    }
}

/// A title, the code and its caption from (`x`, `y`) on. Modules have whole pixels, so that their edges are sharp.
fn add(items: &mut Vec<Item>, code: &Code, (x, y): (i32, i32), side: i32, text: &Text) {
    let [title_px, caption_px] = text_sizes(side);
    let mut words = |words: &str, size_px: u32, baseline: i32| {
        // An address is no use without its end: it is written smaller first.
        let width_px = text.width_px(words, size_px).max(1.0);
        let smaller = (size_px as f32 * side as f32 / width_px) as u32;
        let size_px = size_px.min(smaller.max(SMALLEST_CAPTION_PX));
        let words = text.fitted(words, size_px, side as f32);
        let left = (side as f32 - text.width_px(&words, size_px)) / 2.0;
        items.push(Item::Text {
            x: x + left as i32,
            baseline,
            size_px,
            text: words.into_owned(),
            ink: Ink::BLACK,
        });
    };
    let title_rows = (title_px as f32 * LINE) as i32;
    words(&code.title, title_px, y + title_px as i32 + title_rows / 8);
    words(
        &code.caption,
        caption_px,
        y + title_rows + side + caption_px as i32 / 2,
    );
    let modules = code.matrix.width + 2 * QUIET_MODULES;
    let module_px = (side as u32 / modules).max(1);
    let inset = (side - (module_px * code.matrix.width) as i32) / 2;
    items.push(Item::Code {
        x: x + inset,
        y: y + title_rows + inset,
        module_px,
        matrix: std::sync::Arc::clone(&code.matrix),
    });
}
