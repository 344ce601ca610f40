//! The objects of the scene, each drawn around a centre, in pixels. The drawings keep the features by
//! which detectors recognise real stop signs and clocks.

use std::f32::consts::PI;

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
    let shine = x - width * 0.2;
    canvas.line((shine, top), (shine, foot), width * 0.25, STEEL_LIGHT);
}

/// The cord of a clock.
pub(super) fn cord(canvas: &mut Canvas<'_>, from: (f32, f32), to: (f32, f32)) {
    canvas.line(from, to, 3.0, Ink::rgb(92, 78, 62));
}

pub(super) fn stop_sign(canvas: &mut Canvas<'_>, x: f32, y: f32, half: f32) {
    octagon(canvas, x, y, half, Ink::rgb(120, 16, 20));
    octagon(canvas, x, y, half - 1.5, Ink::rgb(248, 248, 246));
    octagon(canvas, x, y, half - 8.0, Ink::rgb(196, 24, 32));
    stop(canvas, (x, y), half);
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
        let [from, to] = [inner, rim].map(|away| (x + sin * away, y - cos * away));
        canvas.line(from, to, thick * scale, SHADE);
    }
    for hour in 1..=12_u8 {
        let (sin, cos) = (f32::from(hour) * PI / 6.0).sin_cos();
        let away = rim - 23.0 * scale;
        number(canvas, (x + sin * away, y - cos * away), scale, hour);
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
        let light = Ink::rgb(246, 250, 252);
        canvas.fill_ellipse(x + dx, y + dy - 3.0, rx - 4.0, ry - 4.0, light);
    }
}

const INK: Ink = Ink::rgb(40, 44, 48);

/// Strokes of each digit. Bits: top, upper left, upper right, middle, lower left, lower right,
/// bottom.
const LIT: [u8; 10] = [0x77, 0x24, 0x5d, 0x6d, 0x2e, 0x6b, 0x7b, 0x25, 0x7f, 0x6f];

/// Writes `value`, at most two digits, around a point; `scale` 1 is 11 pixels high.
pub(super) fn number(canvas: &mut Canvas<'_>, (x, y): (f32, f32), scale: f32, value: u8) {
    let digits = [value / 10, value % 10];
    let shown = &digits[usize::from(value < 10)..];
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
            let [from, to] = [from, to].map(|(dx, dy)| (x + dx, y + dy));
            canvas.line(from, to, 2.2 * scale, INK);
        }
    }
}

/// Strokes in a box of 1x1: lines from point to point, each as x and y.
type Letter = &'static [&'static [f32]];

const LETTER_S: Letter = &[&[
    0.88, 0.14, 0.66, 0.03, 0.34, 0.03, 0.14, 0.15, 0.14, 0.34, 0.3, 0.45, 0.7, 0.55, 0.86, 0.66,
    0.86, 0.85, 0.66, 0.97, 0.34, 0.97, 0.12, 0.86,
]];
const LETTER_T: Letter = &[&[0.05, 0.03, 0.95, 0.03], &[0.5, 0.03, 0.5, 0.97]];
const LETTER_O: Letter = &[&[
    0.36, 0.03, 0.64, 0.03, 0.88, 0.22, 0.88, 0.78, 0.64, 0.97, 0.36, 0.97, 0.12, 0.78, 0.12, 0.22,
    0.36, 0.03,
]];
const LETTER_P: Letter = &[
    &[
        0.14, 0.97, 0.14, 0.03, 0.62, 0.03, 0.87, 0.14, 0.87, 0.42, 0.62, 0.54,
    ],
    &[0.62, 0.54, 0.14, 0.54],
];

/// Writes the word in white around the middle of a sign `half` as wide.
pub(super) fn stop(canvas: &mut Canvas<'_>, (x, y): (f32, f32), half: f32) {
    let (letter, gap, height) = (half * 0.36, half * 0.075, half * 0.62);
    let thick = half * 0.115;
    let mut left = x - 2.0 * letter - 1.5 * gap;
    for strokes in [LETTER_S, LETTER_T, LETTER_O, LETTER_P] {
        for stroke in strokes {
            let place = |uv: &[f32]| (left + uv[0] * letter, y + (uv[1] - 0.5) * height);
            let points: Vec<(f32, f32)> = stroke.chunks_exact(2).map(place).collect();
            for pair in points.windows(2) {
                canvas.line(pair[0], pair[1], thick, Ink::WHITE);
            }
            // Round joints and ends.
            for (x, y) in points {
                canvas.fill_ellipse(x, y, thick / 2.0, thick / 2.0, Ink::WHITE);
            }
        }
        left += letter + gap;
    }
}
