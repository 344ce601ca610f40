//! Watercolour: flat washes that run over their edges, pigment that gathers at edges and in the paper's
//! texture, and an unpainted border (after Bousseau et al., "Interactive Watercolor Rendering with Temporal
//! Coherence and Abstraction", 2006).

use crate::builtin::cartoon::outlines;
use crate::builtin::close_up::CloseUp;
use crate::builtin::edges::{Pen, gradient};
use crate::builtin::filters::{blur, edge_preserving};
use crate::builtin::oil::kuwahara;
use crate::builtin::plane::{
    Colour, Grey, Plane, fractal_noise, luma, mix, saturate, smoothstep, white_noise,
};
use crate::builtin::stages::{Stages, StyleError};
use crate::builtin::style::BuiltinStyle;
use crate::builtin::subject::{Part, Subject};

pub(super) const STYLE: BuiltinStyle = BuiltinStyle {
    id: "watercolour",
    title: "Watercolour",
    steps: 4,
    make,
};

const PAPER: [f32; 3] = [0.975, 0.965, 0.945];

/// How far washes run over edges.
const WOBBLE_PX: f32 = 8.0;

/// How much of the blotches of pigment a face gets.
const BLOTCHES_ON_FACES: f32 = 0.35;

/// Contours and features of faces are drawn over their washes with a thin brush.
const BRUSH: [Pen; 2] = [
    Pen {
        sigma_px: 1.2,
        floor: 0.012,
        gain: 26.0,
    },
    Pen {
        sigma_px: 3.0,
        floor: 0.03,
        gain: 18.0,
    },
];
const BRUSH_COLOUR: [f32; 3] = [0.30, 0.20, 0.20];

fn make(subject: &Subject, stages: &Stages) -> Result<Colour, StyleError> {
    let (width, height) = (subject.picture.width, subject.picture.height);
    let washes = subject.paint(stages, |part, stages| match part.face {
        None => washes(part.picture, stages),
        Some(face) => fine_washes(part, face),
    })?;
    let washes = washes.map(|colour| saturate(colour.map(|level| level.max(0.0).powf(0.82)), 1.4));
    let grain = blur(&white_noise(width, height, 41), 1.2)?.normalised();
    let density = density(&washes, &grain, &subject.face_cover())?;
    let painted = washes.with(&density, |colour, [density]| {
        colour.map(|level| (level * (1.0 - (1.0 - level) * (density - 1.0))).clamp(0.0, 1.0))
    });
    stages.advance()?;
    let painted = on_paper(&painted, &grain);
    stages.advance()?;
    Ok(painted)
}

fn washes(picture: &Colour, stages: &Stages) -> Result<Colour, StyleError> {
    let (width, height) = (picture.width, picture.height);
    let washes = edge_preserving(picture, 40.0, 0.27)?;
    stages.advance()?;
    let (right, down) = (
        fractal_noise(width, height, 32, 3, 1),
        fractal_noise(width, height, 32, 3, 11),
    );
    let missed = right.with(&down, |[right], [down]| {
        [right * WOBBLE_PX, down * WOBBLE_PX]
    });
    let washes = Plane::of(width, height, |x, y| {
        let [right, down] = missed.pixels[y * width + x];
        washes.sample(x as f32 + right, y as f32 + down)
    });
    let washes = kuwahara(&washes, 4)?;
    stages.advance()?;
    Ok(washes)
}

/// A face: thin washes that stay within their edges, and its features drawn.
fn fine_washes(part: &Part<'_>, face: &CloseUp) -> Result<Colour, StyleError> {
    let washes = edge_preserving(part.picture, 14.0, 0.2)?;
    let washes = kuwahara(&washes, 2)?;
    let washes = part.with_features(washes, part.picture, 0.7);
    let lines = outlines(part, BRUSH, 2.5)?;
    Ok(washes
        .with(&lines, |[a, b, c], [line]| [a, b, c, line])
        .with(&face.cover, |[a, b, c, line], [cover]| {
            let drawn = std::array::from_fn(|n| [a, b, c][n] * BRUSH_COLOUR[n]);
            mix([a, b, c], drawn, 0.6 * (1.0 - line) * cover)
        }))
}

/// Density of pigment: 1 gives the colour itself.
fn density(washes: &Colour, grain: &Grey, faces: &Grey) -> Result<Grey, StyleError> {
    let (width, height) = (washes.width, washes.height);
    let grey = blur(&washes.map(|colour| [luma(colour)]), 1.0)?;
    let edges = gradient(&grey).map(|[gx, gy]| [(gx.abs() + gy.abs()).min(0.6)]);
    let flow = fractal_noise(width, height, 160, 5, 21);
    let flow = flow.with(faces, |[flow], [face]| {
        [flow * (1.0 - (1.0 - BLOTCHES_ON_FACES) * face)]
    });
    let dense = edges.with(&flow, |[edge], [flow]| [1.0 + 1.5 * edge + 1.15 * flow]);
    Ok(dense.with(grain, |[dense], [grain]| [dense + 0.1 * grain]))
}

fn on_paper(painted: &Colour, grain: &Grey) -> Colour {
    let (width, height) = (painted.width, painted.height);
    let ragged = fractal_noise(width, height, 64, 5, 51);
    Plane::of(width, height, |x, y| {
        let at = y * width + x;
        let border = x.min(width - 1 - x).min(y).min(height - 1 - y) as f32;
        let inside = border + ragged.pixels[at][0] * 46.0;
        let covered = smoothstep(16.0, 22.0, inside);
        // Pigment gathers at the rim of a wash.
        let rim = smoothstep(16.0, 24.0, inside) * (1.0 - smoothstep(24.0, 40.0, inside));
        let paper = PAPER.map(|level| level * (1.0 + 0.012 * grain.pixels[at][0]));
        let colour = painted.pixels[at];
        let colour = std::array::from_fn(|n| {
            colour[n] * (1.0 - rim * (0.3 - 0.25 * colour[n])) * paper[n] / PAPER[0]
        });
        mix(paper, colour, covered)
    })
}
