//! How the things look. Each is drawn around a centre, in pixels; no detector has seen these very
//! drawings, but all know the real things, so the drawings keep to what makes those recognisable.

use std::f32::consts::PI;

use super::{digits, lettering};
use crate::canvas::{Canvas, Ink};

const STEEL: Ink = Ink::rgb(138, 144, 150);
const STEEL_LIGHT: Ink = Ink::rgb(190, 196, 200);
const SHADE: Ink = Ink::rgb(40, 44, 48);

/// Half the height of each sign: an octagon with flat top.
pub(super) const STOP_SIGNS_HALF_PX: [f32; 2] = [92.0, 78.0];

/// Half the width and half the height of a post with its shadow, for [`post`].
pub(super) const POST_HALF_PX: (f32, f32) = (26.0, 90.0);

/// A round post and its shadow on the grass.
pub(super) fn post(canvas: &mut Canvas<'_>, x: f32, y: f32) {
    let (width, top, foot) = (14.0, y - POST_HALF_PX.1, y + POST_HALF_PX.1 - 8.0);
    canvas.fill_ellipse(x, foot, width * 1.7, width * 0.5, Ink::rgb(72, 122, 58));
    canvas.line((x, top), (x, foot), width, STEEL);
    canvas.line(
        (x - width * 0.2, top),
        (x - width * 0.2, foot),
        width * 0.25,
        STEEL_LIGHT,
    );
}

/// What the clock hangs from.
pub(super) fn cord(canvas: &mut Canvas<'_>, from: (f32, f32), to: (f32, f32)) {
    canvas.line(from, to, 3.0, Ink::rgb(92, 78, 62));
}

/// A sign's face.
pub(super) fn stop_sign(canvas: &mut Canvas<'_>, x: f32, y: f32, half: f32) {
    octagon(canvas, x, y, half, Ink::rgb(120, 16, 20));
    octagon(canvas, x, y, half - 1.5, Ink::rgb(248, 248, 246));
    octagon(canvas, x, y, half - 8.0, Ink::rgb(196, 24, 32));
    lettering::stop(canvas, (x, y), half);
}

fn octagon(canvas: &mut Canvas<'_>, x: f32, y: f32, half: f32, ink: Ink) {
    let corner = |index: u8| {
        let angle = PI / 8.0 + f32::from(index) * PI / 4.0;
        let radius = half / (PI / 8.0).cos();
        (x + radius * angle.cos(), y + radius * angle.sin())
    };
    canvas.fill_polygon(&[0, 1, 2, 3, 4, 5, 6, 7].map(corner), ink);
}

/// A wall clock: how large it is and what its case is made of.
#[derive(Debug, Clone, Copy)]
pub(super) struct ClockStyle {
    /// Outer radius of the case.
    pub(super) radius_px: f32,
    case: Ink,
    bevel: Ink,
}

/// The two clocks of the scene.
pub(super) const CLOCKS: [ClockStyle; 2] = [
    ClockStyle {
        radius_px: 92.0,
        case: SHADE,
        bevel: Ink::rgb(70, 76, 84),
    },
    ClockStyle {
        radius_px: 82.0,
        case: Ink::rgb(112, 24, 30),
        bevel: Ink::rgb(178, 44, 50),
    },
];

/// Case, dial, marks and numbers; the hands are [`clock_hands`].
pub(super) fn clock_face(canvas: &mut Canvas<'_>, x: f32, y: f32, style: ClockStyle) {
    let radius = style.radius_px;
    let scale = radius / CLOCKS[0].radius_px;
    canvas.fill_ellipse(x, y, radius, radius, style.case);
    canvas.fill_ellipse(x - 1.5, y - 1.5, radius - 4.0, radius - 4.0, style.bevel);
    let dial = radius - 11.0 * scale;
    canvas.fill_ellipse(x, y, dial, dial, Ink::rgb(250, 249, 244));
    let rim = dial - 4.0 * scale;
    for minute in 0..60_u8 {
        let (sin, cos) = (f32::from(minute) * PI / 30.0).sin_cos();
        let (long, thick) = if minute % 5 == 0 {
            (11.0, 3.6)
        } else {
            (4.0, 1.4)
        };
        let inner = rim - long * scale;
        let (from, to) = (
            (x + sin * inner, y - cos * inner),
            (x + sin * rim, y - cos * rim),
        );
        canvas.line(from, to, thick * scale, SHADE);
    }
    for hour in 1..=12_u8 {
        let (sin, cos) = (f32::from(hour) * PI / 6.0).sin_cos();
        let away = rim - 23.0 * scale;
        digits::number(canvas, (x + sin * away, y - cos * away), scale, hour);
    }
}

/// Hour, minute and second hand for `seconds` since twelve.
pub(super) fn clock_hands(canvas: &mut Canvas<'_>, (x, y): (f32, f32), radius: f32, seconds: f64) {
    let hand = |canvas: &mut Canvas<'_>, turns: f64, long: f32, thick: f32, ink: Ink| {
        let (sin, cos) = (turns.fract() as f32 * 2.0 * PI).sin_cos();
        let (tip, tail) = (long * radius, long * radius * 0.18);
        let from = (x - sin * tail, y + cos * tail);
        canvas.line(from, (x + sin * tip, y - cos * tip), thick * radius, ink);
    };
    hand(canvas, seconds / 43_200.0, 0.44, 0.07, SHADE);
    hand(canvas, seconds / 3600.0, 0.66, 0.05, SHADE);
    hand(canvas, seconds / 60.0, 0.72, 0.02, Ink::rgb(204, 30, 36));
    canvas.fill_ellipse(x, y, radius * 0.055, radius * 0.055, SHADE);
}

/// A cloud, about 300 x 100 pixels around the centre.
pub(super) fn cloud(canvas: &mut Canvas<'_>, x: f32, y: f32) {
    let puffs = [
        (-92.0, 14.0, 52.0, 24.0),
        (-44.0, -6.0, 54.0, 36.0),
        (14.0, -14.0, 58.0, 40.0),
        (66.0, 2.0, 56.0, 32.0),
        (104.0, 18.0, 44.0, 20.0),
        (0.0, 20.0, 120.0, 20.0),
    ];
    for (dx, dy, rx, ry) in puffs {
        canvas.fill_ellipse(x + dx, y + dy + 4.0, rx, ry, Ink::rgb(214, 228, 240));
    }
    for (dx, dy, rx, ry) in puffs {
        canvas.fill_ellipse(
            x + dx,
            y + dy - 3.0,
            rx - 4.0,
            ry - 4.0,
            Ink::rgb(246, 250, 252),
        );
    }
}
