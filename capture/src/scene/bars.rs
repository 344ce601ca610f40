//! Colours with known numbers, to see whether they come through unchanged.

use super::WIDTH_PX;
use crate::canvas::{Canvas, Ink, Rect};
use crate::picture::I420;
use crate::timecode;

/// The usual eight bars at 75 %, as red, green, blue in full range.
pub const BARS_RGB: [[u8; 3]; 8] = [
    [191, 191, 191],
    [191, 191, 0],
    [0, 191, 191],
    [0, 191, 0],
    [191, 0, 191],
    [191, 0, 0],
    [0, 0, 191],
    [0, 0, 0],
];

/// Fills the whole picture with eight bars of equal width, [`BARS_RGB`] from the left.
pub fn colour_bars(picture: &mut I420) {
    let rect = Rect::of_size(picture.width(), picture.height());
    bars(&mut Canvas::new(picture), rect);
}

/// The bars beside the timecode, over which nothing is painted either: each 80 x 16 pixels.
pub(super) fn strip(canvas: &mut Canvas<'_>) {
    let half = WIDTH_PX as i32 / 2;
    let height = timecode::cell_px(WIDTH_PX) as i32;
    bars(
        canvas,
        Rect {
            x: half,
            y: 0,
            width: half,
            height,
        },
    );
}

fn bars(canvas: &mut Canvas<'_>, area: Rect) {
    let count = BARS_RGB.len() as i32;
    for (index, [r, g, b]) in (0..).zip(BARS_RGB) {
        let (from, to) = (area.width * index / count, area.width * (index + 1) / count);
        let rect = Rect {
            x: area.x + from,
            width: to - from,
            ..area
        };
        canvas.fill_rect(rect, Ink::rgb(r, g, b), 255);
    }
}
