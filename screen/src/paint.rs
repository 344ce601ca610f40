//! Paints a panel of the display list into a picture of its size.

use capture::I420;
use capture::canvas::{Canvas, Ink, Rect, Text};

use crate::layout::{Item, Panel};
use crate::picture::PlaneScaler;
use crate::state::CodeMatrix;

/// Fills `picture`, which has the panel's size.
pub(crate) fn paint_panel(
    panel: &Panel,
    text: &mut Text,
    scaler: &mut PlaneScaler,
    picture: &mut I420,
) {
    picture.fill(panel.ground.y, panel.ground.u, panel.ground.v);
    for item in &panel.items {
        if let Item::Picture { rect, picture: own } = item
            && let Err(reason) = scaler.scale_picture(&own.pixels, picture, *rect)
        {
            tracing::debug!(reason, "a visitor's picture cannot be drawn");
        }
    }
    let mut canvas = Canvas::new(picture);
    for item in &panel.items {
        match item {
            Item::Picture { .. } => {}
            Item::Text {
                x,
                baseline,
                size_px,
                text: words,
                ink,
            } => {
                text.draw(&mut canvas, (*x as f32, *baseline), words, *size_px, *ink);
            }
            Item::Fill { rect, ink } => canvas.fill_rect(*rect, *ink, 255),
            Item::Code {
                x,
                y,
                module_px,
                matrix,
            } => paint_code(&mut canvas, (*x, *y), *module_px, matrix),
        }
    }
}

/// Fills runs of dark modules.
fn paint_code(canvas: &mut Canvas<'_>, (x, y): (i32, i32), module_px: u32, matrix: &CodeMatrix) {
    let module = module_px as i32;
    let rows = matrix.dark.chunks(matrix.width.max(1) as usize);
    for (row, top) in rows.zip((0..).map(|row| y + row * module)) {
        let mut at = 0;
        for run in row.chunk_by(|one, next| one == next) {
            let length = run.len() as i32;
            if run[0] {
                let rect = Rect::new(x + at * module, top, length * module, module);
                canvas.fill_rect(rect, Ink::BLACK, 255);
            }
            at += length;
        }
    }
}
