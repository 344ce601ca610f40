//! The word on the stop sign, from strokes: no font is needed for four letters.

use crate::canvas::{Canvas, Ink};

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

/// Writes the word in white around the middle of a sign `half` as wide.
pub(super) fn stop(canvas: &mut Canvas<'_>, (x, y): (f32, f32), half: f32) {
    let (letter, gap, height) = (half * 0.36, half * 0.075, half * 0.62);
    let thick = half * 0.115;
    let mut left = x - 2.0 * letter - 1.5 * gap;
    for strokes in [LETTER_S, LETTER_T, LETTER_O, LETTER_P] {
        for stroke in strokes {
            let place = |(u, v): (f32, f32)| (left + u * letter, y + (v - 0.5) * height);
            for pair in stroke.windows(2) {
                canvas.line(place(pair[0]), place(pair[1]), thick, Ink::WHITE);
            }
            // Round joints and ends.
            for (x, y) in stroke.iter().copied().map(place) {
                canvas.fill_ellipse(x, y, thick / 2.0, thick / 2.0, Ink::WHITE);
            }
        }
        left += letter + gap;
    }
}
