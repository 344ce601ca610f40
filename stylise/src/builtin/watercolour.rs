//! Watercolour: flat washes that run over their edges, pigment that gathers at edges and in the paper's
//! texture, and an unpainted border (after Bousseau et al., "Interactive Watercolor Rendering with Temporal
//! Coherence and Abstraction", 2006).

use crate::builtin::edges::gradient;
use crate::builtin::filters::{blur, edge_preserving};
use crate::builtin::oil::kuwahara;
use crate::builtin::plane::{
    Colour, Grey, Plane, fractal_noise, luma, mix, saturate, smoothstep, white_noise,
};
use crate::builtin::style::{BuiltinStyle, Stages, StyleError};

pub(super) const STYLE: BuiltinStyle = BuiltinStyle {
    id: "watercolour",
    title: "Watercolour",
    steps: 4,
    make,
};

const PAPER: [f32; 3] = [0.975, 0.965, 0.945];

/// How far washes run over edges.
const WOBBLE_PX: f32 = 8.0;

fn make(picture: &Colour, stages: &Stages) -> Result<Colour, StyleError> {
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
    let washes = washes.map(|colour| saturate(colour.map(|level| level.powf(0.82)), 1.4));
    let grain = blur(&white_noise(width, height, 41), 1.2)?.normalised();
    let painted = washes.with(&density(&washes, &grain)?, |colour, [density]| {
        colour.map(|level| (level * (1.0 - (1.0 - level) * (density - 1.0))).clamp(0.0, 1.0))
    });
    stages.advance()?;
    let painted = on_paper(&painted, &grain);
    stages.advance()?;
    Ok(painted)
}

/// Density of pigment: 1 gives the colour itself.
fn density(washes: &Colour, grain: &Grey) -> Result<Grey, StyleError> {
    let (width, height) = (washes.width, washes.height);
    let grey = blur(&washes.map(|colour| [luma(colour)]), 1.0)?;
    let edges = gradient(&grey).map(|[gx, gy]| [(gx.abs() + gy.abs()).min(0.6)]);
    let flow = fractal_noise(width, height, 160, 5, 21);
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
