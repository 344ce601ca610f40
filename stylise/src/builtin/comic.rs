//! Comic book: flat inks on yellowish paper, halftone dots in the shadows, thick outlines.

use crate::builtin::cartoon::outlines;
use crate::builtin::edges::Pen;
use crate::builtin::filters::{blur, edge_preserving, from_lab, to_lab};
use crate::builtin::plane::{Colour, Plane, luma, mix, posterise, smoothstep};
use crate::builtin::stages::{Stages, StyleError};
use crate::builtin::style::BuiltinStyle;
use crate::builtin::subject::{Part, Subject};

pub(super) const STYLE: BuiltinStyle = BuiltinStyle {
    id: "comic",
    title: "Comic book",
    steps: 3,
    make,
};

const INK: [f32; 3] = [0.06, 0.06, 0.10];
const PAPER: [f32; 3] = [0.99, 0.97, 0.90];

/// Distance between halftone dots.
const DOT_PX: f32 = 9.0;

const FINE: Pen = Pen {
    sigma_px: 1.2,
    floor: 0.010,
    gain: 55.0,
};
const BRUSH: Pen = Pen {
    sigma_px: 2.6,
    floor: 0.028,
    gain: 40.0,
};

fn make(subject: &Subject, stages: &Stages) -> Result<Colour, StyleError> {
    subject.paint(stages, print)
}

fn print(part: &Part<'_>, stages: &Stages) -> Result<Colour, StyleError> {
    let (width, height) = (part.picture.width, part.picture.height);
    let [reach_px, levels] = if part.is_face() {
        [8.0, 0.16]
    } else {
        [20.0, 0.26]
    };
    let flat = edge_preserving(part.picture, reach_px, levels)?;
    stages.advance()?;
    let lines = outlines(part, [FINE, BRUSH], 3.0)?;
    stages.advance()?;
    let dark = blur(&flat.map(|colour| [luma(colour)]), 1.2)?;
    let lab = to_lab(&flat)?;
    let light = blur(&lab.map(|[light, ..]| [light / 100.0]), 1.5)?;
    let inks = part.with_skin(&lab, [5.0, 1.3], |[light, a, b]| {
        let light = posterise(light / 100.0 * 0.84 + 0.2, 5.0, 4.0);
        [light.clamp(0.0, 1.0) * 100.0, a * 1.9, b * 1.9]
    });
    let inks = from_lab(&inks)?;
    let inks = part.with_features(inks, part.picture, 0.5);
    let printed = Plane::of(width, height, |x, y| {
        let at = y * width + x;
        let shadow = 1.0 - smoothstep(0.12, 0.58, light.pixels[at][0]);
        let inside = smoothstep(-0.1, 0.1, shadow - halftone(x as f32, y as f32, DOT_PX));
        // Dots on a face would hide its eyes and mouth.
        let bare = part.face.map_or(0.0, |face| face.cover.pixels[at][0]);
        let dotted = 0.45 * inside * smoothstep(0.0, 0.06, shadow) * (1.0 - bare);
        let ink = inks.pixels[at];
        let colour = std::array::from_fn(|n| ink[n] * (1.0 - dotted) * PAPER[n]);
        // The darkest areas are filled with ink.
        let bare = lines.pixels[at][0] * smoothstep(0.06, 0.11, dark.pixels[at][0]);
        mix(INK, colour, bare)
    });
    stages.advance()?;
    Ok(printed)
}

/// A halftone screen at 45 degrees: 0 in the centre of a dot, 1 in the middle of four dots.
pub(super) fn halftone(x: f32, y: f32, pitch_px: f32) -> f32 {
    let turn = std::f32::consts::TAU / pitch_px * std::f32::consts::FRAC_1_SQRT_2;
    0.5 + 0.25 * (((x + y) * turn).cos() + ((y - x) * turn).cos())
}
