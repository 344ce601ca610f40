//! Neon: the picture's lines as glowing tubes on a dark wall.

use crate::builtin::cartoon::outlines;
use crate::builtin::edges::Pen;
use crate::builtin::filters::{blur, to_lab};
use crate::builtin::plane::{Colour, Plane, fractal_noise, luma, mix};
use crate::builtin::stages::{Stages, StyleError};
use crate::builtin::style::BuiltinStyle;
use crate::builtin::subject::Subject;

pub(super) const STYLE: BuiltinStyle = BuiltinStyle {
    id: "neon",
    title: "Neon lights",
    steps: 3,
    make,
};

const TUBE: Pen = Pen {
    sigma_px: 1.4,
    floor: 0.016,
    gain: 34.0,
};
const BROAD_TUBE: Pen = Pen {
    sigma_px: 2.8,
    floor: 0.03,
    gain: 26.0,
};

/// Tubes by hue of what they outline, around the circle from red.
const TUBES: [[f32; 3]; 6] = [
    [1.0, 0.16, 0.55],
    [1.0, 0.55, 0.10],
    [0.55, 1.0, 0.20],
    [0.10, 1.0, 0.80],
    [0.15, 0.60, 1.0],
    [0.75, 0.25, 1.0],
];
const WALL: [f32; 3] = [0.035, 0.03, 0.085];

fn make(subject: &Subject, stages: &Stages) -> Result<Colour, StyleError> {
    let lines = subject.paint(stages, |part, _| {
        let lines = outlines(part, [TUBE, BROAD_TUBE], 3.0)?;
        Ok(lines.map(|[bare]| [1.0 - bare]))
    })?;
    stages.advance()?;
    let (width, height) = (lines.width, lines.height);
    let lab = to_lab(&blur(&subject.picture, 14.0)?)?;
    let drift = fractal_noise(width, height, 400, 2, 17);
    let hues = lab.with(&drift, |[_, a, b], [drift]| {
        // What has no colour gets one by its place.
        let turn = b.atan2(a) / std::f32::consts::TAU + 1.0;
        let sure = (a.hypot(b) / 18.0).min(1.0);
        [turn * sure + (1.6 + 1.5 * drift) * (1.0 - sure)]
    });
    let light = lines.with(&hues, |[line], [turn]| {
        tube(turn).map(|level| level * line.clamp(0.0, 1.0))
    });
    let glow: Colour = blur(&light, 4.0)?.with(&blur(&light, 16.0)?, |near, far| {
        std::array::from_fn(|n| 0.9 * near[n] + 1.5 * far[n])
    });
    stages.advance()?;
    let made = Plane::of(width, height, |x, y| {
        let at = y * width + x;
        let [line] = lines.pixels[at];
        let wall = 0.10 * luma(subject.picture.pixels[at]);
        let (glow, light) = (glow.pixels[at], light.pixels[at]);
        let lit: [f32; 3] =
            std::array::from_fn(|n| (WALL[n] + wall * WALL[n] * 8.0 + glow[n] + light[n]).min(1.0));
        // The gas in the middle of a tube is almost white.
        mix(lit, [1.0; 3], 0.75 * line.clamp(0.0, 1.0).powi(3))
    });
    stages.advance()?;
    Ok(made)
}

/// The colour of a tube at a place of the circle of hues, of which 1 is a turn.
fn tube(turn: f32) -> [f32; 3] {
    let place = turn.rem_euclid(1.0) * TUBES.len() as f32;
    let (from, share) = (place as usize % TUBES.len(), place.fract());
    mix(TUBES[from], TUBES[(from + 1) % TUBES.len()], share)
}
