//! Cartoon: flat areas in a few saturated colours, with outlines.

use crate::builtin::edges::{Pen, edge_flow, ink_lines};
use crate::builtin::filters::{bilateral, blur, edge_preserving, from_lab, to_lab};
use crate::builtin::plane::{Colour, Grey, luma, mix, posterise};
use crate::builtin::style::{BuiltinStyle, Stages, StyleError};

pub(super) const STYLE: BuiltinStyle = BuiltinStyle {
    id: "cartoon",
    title: "Cartoon",
    steps: 3,
    make,
};

const INK: [f32; 3] = [0.09, 0.10, 0.18];

const FINE: Pen = Pen {
    sigma_px: 1.0,
    floor: 0.010,
    gain: 42.0,
};
const BROAD: Pen = Pen {
    sigma_px: 2.0,
    floor: 0.024,
    gain: 30.0,
};

fn make(picture: &Colour, stages: &Stages) -> Result<Colour, StyleError> {
    let flat = edge_preserving(picture, 20.0, 0.24)?;
    let flat = bilateral(&flat, 24.0, 5.0)?;
    stages.advance()?;
    let lab = to_lab(&flat)?.map(|[light, a, b]| {
        let light = posterise(light / 100.0, 6.0, 2.6);
        [(light * 106.0 + 2.0).min(100.0), a * 1.45, b * 1.45]
    });
    let flat = from_lab(&lab)?;
    stages.advance()?;
    let lines = outlines(picture, [FINE, BROAD], 2.5)?;
    let made = flat.with(&lines, |colour, [line]| mix(INK, colour, line));
    stages.advance()?;
    Ok(made)
}

/// The product of both pens' lines: 1 where there is no line.
pub(super) fn outlines(
    picture: &Colour,
    pens: [Pen; 2],
    flow_sigma_px: f32,
) -> Result<Grey, StyleError> {
    let smooth = bilateral(picture, 28.0, 5.0)?;
    let grey = blur(&smooth.map(|colour| [luma(colour)]), 0.6)?;
    let flow = edge_flow(&grey, flow_sigma_px)?;
    Ok(ink_lines(&grey, &flow, pens, 5)?.map(|[fine, broad]| [fine * broad]))
}
