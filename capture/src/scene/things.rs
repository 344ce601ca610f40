//! How the things look. Each is drawn around a centre, in pixels; no detector has seen these very
//! drawings, but all know the real things, so the drawings keep to what makes those recognisable.

use std::f32::consts::PI;

use crate::canvas::{Canvas, Ink, Rect};

const STEEL: Ink = Ink::rgb(138, 144, 150);
const STEEL_LIGHT: Ink = Ink::rgb(190, 196, 200);
const SHADE: Ink = Ink::rgb(40, 44, 48);

/// Half the height of the sign: an octagon with flat top.
pub(super) const STOP_SIGN_HALF_PX: f32 = 92.0;
/// Outer radius of the clock's case.
pub(super) const CLOCK_RADIUS_PX: f32 = 92.0;
/// Half width and half height of the traffic light's housing.
pub(super) const LIGHT_HALF_PX: (f32, f32) = (46.0, 118.0);
/// Half the width of the umbrella, half its height from ferrule to handle.
pub(super) const UMBRELLA_HALF_PX: (f32, f32) = (138.0, 118.0);

/// A round post from (`x`, `top`) down to `foot`.
pub(super) fn post(canvas: &mut Canvas<'_>, x: f32, top: f32, foot: f32, width: f32) {
    canvas.fill_ellipse(x, foot, width * 1.6, width * 0.5, Ink::rgb(72, 122, 58));
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

/// The sign's face.
pub(super) fn stop_sign(canvas: &mut Canvas<'_>, x: f32, y: f32) {
    let half = STOP_SIGN_HALF_PX;
    octagon(canvas, x, y, half, Ink::rgb(120, 16, 20));
    octagon(canvas, x, y, half - 1.5, Ink::rgb(248, 248, 246));
    octagon(canvas, x, y, half - 8.0, Ink::rgb(196, 24, 32));
    let (letter, gap, height) = (half * 0.36, half * 0.075, half * 0.62);
    let mut left = x - 2.0 * letter - 1.5 * gap;
    for strokes in [LETTER_S, LETTER_T, LETTER_O, LETTER_P] {
        for stroke in strokes {
            let place = |(u, v): (f32, f32)| (left + u * letter, y + (v - 0.5) * height);
            for pair in stroke.windows(2) {
                canvas.line(place(pair[0]), place(pair[1]), half * 0.115, Ink::WHITE);
            }
            for point in *stroke {
                let (x, y) = place(*point);
                canvas.fill_ellipse(x, y, half * 0.0575, half * 0.0575, Ink::WHITE);
            }
        }
        left += letter + gap;
    }
}

/// Strokes in a box of 1x1: lines from point to point.
type Letter = &'static [&'static [(f32, f32)]];

const LETTER_S: Letter = &[&[
    (0.88, 0.14),
    (0.66, 0.03),
    (0.34, 0.03),
    (0.14, 0.15),
    (0.14, 0.34),
    (0.3, 0.45),
    (0.7, 0.55),
    (0.86, 0.66),
    (0.86, 0.85),
    (0.66, 0.97),
    (0.34, 0.97),
    (0.12, 0.86),
]];
const LETTER_T: Letter = &[&[(0.05, 0.03), (0.95, 0.03)], &[(0.5, 0.03), (0.5, 0.97)]];
const LETTER_O: Letter = &[&[
    (0.36, 0.03),
    (0.64, 0.03),
    (0.88, 0.22),
    (0.88, 0.78),
    (0.64, 0.97),
    (0.36, 0.97),
    (0.12, 0.78),
    (0.12, 0.22),
    (0.36, 0.03),
]];
const LETTER_P: Letter = &[
    &[
        (0.14, 0.97),
        (0.14, 0.03),
        (0.62, 0.03),
        (0.87, 0.14),
        (0.87, 0.42),
        (0.62, 0.54),
    ],
    &[(0.62, 0.54), (0.14, 0.54)],
];

fn octagon(canvas: &mut Canvas<'_>, x: f32, y: f32, half: f32, ink: Ink) {
    let corner = |index: u8| {
        let angle = PI / 8.0 + f32::from(index) * PI / 4.0;
        let radius = half / (PI / 8.0).cos();
        (x + radius * angle.cos(), y + radius * angle.sin())
    };
    canvas.fill_polygon(&[0, 1, 2, 3, 4, 5, 6, 7].map(corner), ink);
}

/// Case, dial, marks and numbers; the hands are [`clock_hands`].
pub(super) fn clock_face(canvas: &mut Canvas<'_>, x: f32, y: f32) {
    let radius = CLOCK_RADIUS_PX;
    canvas.fill_ellipse(x, y, radius, radius, SHADE);
    canvas.fill_ellipse(
        x - 1.5,
        y - 1.5,
        radius - 4.0,
        radius - 4.0,
        Ink::rgb(70, 76, 84),
    );
    canvas.fill_ellipse(x, y, radius - 11.0, radius - 11.0, Ink::rgb(250, 249, 244));
    let rim = radius - 15.0;
    for minute in 0..60_u8 {
        let (sin, cos) = (f32::from(minute) * PI / 30.0).sin_cos();
        let (inner, thick) = if minute % 5 == 0 {
            (rim - 11.0, 3.6)
        } else {
            (rim - 4.0, 1.4)
        };
        let (from, to) = (
            (x + sin * inner, y - cos * inner),
            (x + sin * rim, y - cos * rim),
        );
        canvas.line(from, to, thick, SHADE);
    }
    for hour in 1..=12_u8 {
        let (sin, cos) = (f32::from(hour) * PI / 6.0).sin_cos();
        let away = rim - 23.0;
        number(canvas, x + sin * away, y - cos * away, hour);
    }
}

/// Seven-segment strokes are plain, but at this size a dial is a dial.
fn number(canvas: &mut Canvas<'_>, x: f32, y: f32, value: u8) {
    let digits: &[u8] = &[value / 10, value % 10];
    let shown = if value < 10 { &digits[1..] } else { digits };
    let left = x - (shown.len() as f32 - 1.0) * 4.5;
    for (index, digit) in shown.iter().enumerate() {
        segments(canvas, left + index as f32 * 9.0, y, *digit);
    }
}

fn segments(canvas: &mut Canvas<'_>, x: f32, y: f32, digit: u8) {
    /// Bits: top, upper left, upper right, middle, lower left, lower right, bottom.
    const LIT: [u8; 10] = [0x77, 0x24, 0x5d, 0x6d, 0x2e, 0x6b, 0x7b, 0x25, 0x7f, 0x6f];
    let (w, h) = (2.8, 5.4);
    let ends = [
        ((-w, -h), (w, -h)),
        ((-w, -h), (-w, 0.0)),
        ((w, -h), (w, 0.0)),
        ((-w, 0.0), (w, 0.0)),
        ((-w, 0.0), (-w, h)),
        ((w, 0.0), (w, h)),
        ((-w, h), (w, h)),
    ];
    for (bit, (from, to)) in ends.into_iter().enumerate() {
        if LIT[usize::from(digit % 10)] >> bit & 1 == 1 {
            canvas.line((x + from.0, y + from.1), (x + to.0, y + to.1), 2.2, SHADE);
        }
    }
}

/// Hour, minute and second hand for `seconds` since twelve.
pub(super) fn clock_hands(canvas: &mut Canvas<'_>, x: f32, y: f32, seconds: f64) {
    let hand = |canvas: &mut Canvas<'_>, turns: f64, long: f32, thick: f32, ink: Ink| {
        let (sin, cos) = (turns.fract() as f32 * 2.0 * PI).sin_cos();
        let tip = (x + sin * long, y - cos * long);
        canvas.line(
            (x - sin * long * 0.18, y + cos * long * 0.18),
            tip,
            thick,
            ink,
        );
    };
    hand(
        canvas,
        seconds / 43_200.0,
        CLOCK_RADIUS_PX * 0.44,
        6.5,
        SHADE,
    );
    hand(canvas, seconds / 3600.0, CLOCK_RADIUS_PX * 0.66, 4.5, SHADE);
    hand(
        canvas,
        seconds / 60.0,
        CLOCK_RADIUS_PX * 0.72,
        1.8,
        Ink::rgb(204, 30, 36),
    );
    canvas.fill_ellipse(x, y, 5.0, 5.0, SHADE);
}

/// Housing with three dark lamps; the lit one is [`lamp`].
pub(super) fn traffic_light(canvas: &mut Canvas<'_>, x: f32, y: f32) {
    let (half_width, half_height) = LIGHT_HALF_PX;
    let rect = |grow: f32| Rect {
        x: (x - half_width - grow).round() as i32,
        y: (y - half_height - grow).round() as i32,
        width: ((half_width + grow) * 2.0) as i32,
        height: ((half_height + grow) * 2.0) as i32,
    };
    canvas.fill_round_rect(rect(0.0), 16.0, Ink::rgb(22, 24, 26), 255);
    canvas.fill_round_rect(rect(-4.0), 13.0, Ink::rgb(46, 49, 52), 255);
    let dark = [
        Ink::rgb(74, 22, 22),
        Ink::rgb(78, 62, 20),
        Ink::rgb(20, 66, 34),
    ];
    for (place, ink) in dark.into_iter().enumerate() {
        let (x, y) = lamp_centre(x, y, place);
        canvas.fill_ellipse(x, y - 3.0, 33.0, 33.0, Ink::rgb(14, 15, 16));
        canvas.fill_ellipse(x, y, 29.0, 29.0, ink);
    }
}

/// Lights the lamp at `place`: 0 red, 1 amber, 2 green.
pub(super) fn lamp(canvas: &mut Canvas<'_>, x: f32, y: f32, place: usize) {
    let (rim, middle) = match place {
        0 => (Ink::rgb(226, 30, 34), Ink::rgb(255, 96, 84)),
        1 => (Ink::rgb(244, 172, 24), Ink::rgb(255, 220, 110)),
        _ => (Ink::rgb(34, 186, 92), Ink::rgb(128, 240, 160)),
    };
    let (x, y) = lamp_centre(x, y, place);
    canvas.fill_ellipse(x, y, 29.0, 29.0, rim);
    canvas.fill_ellipse(x - 3.0, y - 4.0, 17.0, 17.0, middle);
}

fn lamp_centre(x: f32, y: f32, place: usize) -> (f32, f32) {
    (x, y + (place as f32 - 1.0) * 72.0)
}

/// An open umbrella seen from the side.
pub(super) fn umbrella(canvas: &mut Canvas<'_>, x: f32, y: f32) {
    let (half_width, half_height) = UMBRELLA_HALF_PX;
    let (top, rim) = (y - half_height + 12.0, y + 6.0);
    let wood = Ink::rgb(96, 62, 38);
    canvas.line((x, y - half_height), (x, y + half_height - 16.0), 6.0, wood);
    let hook = |step: u8| {
        let (sin, cos) = (f32::from(step) / 12.0 * PI).sin_cos();
        (x - 15.0 + 15.0 * cos, y + half_height - 19.0 + 15.0 * sin)
    };
    for step in 0..12 {
        canvas.line(hook(step), hook(step + 1), 6.5, wood);
    }
    let panels = [
        (-1.0, Ink::rgb(176, 32, 70)),
        (-0.62, Ink::rgb(214, 52, 88)),
        (0.0, Ink::rgb(232, 76, 108)),
        (0.62, Ink::rgb(206, 46, 82)),
        (1.0, Ink::BLACK),
    ];
    for pair in panels.windows(2) {
        let [(from, ink), (to, _)] = [pair[0], pair[1]];
        let dome = |side: f32, part: f32| {
            let (sin, cos) = (part * PI / 2.0).sin_cos();
            (x + side * half_width * sin, rim - (rim - top) * cos)
        };
        let mut points: Vec<_> = (0..=16_u8)
            .map(|step| dome(from, f32::from(step) / 16.0))
            .collect();
        let (left, right) = (x + from * half_width, x + to * half_width);
        for step in 1..12_u8 {
            let part = f32::from(step) / 12.0;
            points.push((left + (right - left) * part, rim - 15.0 * (part * PI).sin()));
        }
        points.extend(
            (0..=16_u8)
                .rev()
                .map(|step| dome(to, f32::from(step) / 16.0)),
        );
        canvas.fill_polygon(&points, ink);
    }
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
