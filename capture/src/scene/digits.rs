//! The numbers on the dials, from seven strokes each: at this size a dial is a dial.

use crate::canvas::{Canvas, Ink};

const INK: Ink = Ink::rgb(40, 44, 48);

/// Strokes of each digit. Bits: top, upper left, upper right, middle, lower left, lower right,
/// bottom.
const LIT: [u8; 10] = [0x77, 0x24, 0x5d, 0x6d, 0x2e, 0x6b, 0x7b, 0x25, 0x7f, 0x6f];

/// Writes `value`, at most two digits, around a point; `scale` 1 is 11 pixels high.
pub(super) fn number(canvas: &mut Canvas<'_>, (x, y): (f32, f32), scale: f32, value: u8) {
    let digits = [value / 10, value % 10];
    let shown = if value < 10 {
        &digits[1..]
    } else {
        &digits[..]
    };
    let pitch = 9.0 * scale;
    let left = x - (shown.len() as f32 - 1.0) * pitch / 2.0;
    for (index, value) in shown.iter().enumerate() {
        digit(canvas, (left + index as f32 * pitch, y), scale, *value);
    }
}

fn digit(canvas: &mut Canvas<'_>, (x, y): (f32, f32), scale: f32, value: u8) {
    let (w, h) = (2.8 * scale, 5.4 * scale);
    let strokes = [
        ((-w, -h), (w, -h)),
        ((-w, -h), (-w, 0.0)),
        ((w, -h), (w, 0.0)),
        ((-w, 0.0), (w, 0.0)),
        ((-w, 0.0), (-w, h)),
        ((w, 0.0), (w, h)),
        ((-w, h), (w, h)),
    ];
    for (bit, (from, to)) in strokes.into_iter().enumerate() {
        if LIT[usize::from(value % 10)] >> bit & 1 == 1 {
            canvas.line(
                (x + from.0, y + from.1),
                (x + to.0, y + to.1),
                2.2 * scale,
                INK,
            );
        }
    }
}
