//! Cartoon: flat areas in a few saturated colours, with outlines.

use crate::builtin::edges::{Pen, edge_flow, ink_lines};
use crate::builtin::filters::{bilateral, blur, edge_preserving, from_lab, to_lab};
use crate::builtin::plane::{Colour, Grey, luma, mix, posterise};
use crate::builtin::stages::{Stages, StyleError};
use crate::builtin::style::BuiltinStyle;
use crate::builtin::subject::{Part, Subject};

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

fn make(subject: &Subject, stages: &Stages) -> Result<Colour, StyleError> {
    subject.paint(stages, |part, stages| {
        let flat = match part.face {
            None => bilateral(&edge_preserving(part.picture, 20.0, 0.24)?, 24.0, 5.0)?,
            Some(_) => edge_preserving(part.picture, 10.0, 0.16)?,
        };
        stages.advance()?;
        let flat = flat_colours(&flat, part)?;
        stages.advance()?;
        let lines = outlines(part, [FINE, BROAD], 2.5)?;
        let made = flat.with(&lines, |colour, [line]| mix(INK, colour, line));
        stages.advance()?;
        Ok(made)
    })
}

/// Few light levels and strong colours; skin has tones of its own.
fn flat_colours(flat: &Colour, part: &Part<'_>) -> Result<Colour, StyleError> {
    let lab = part.with_skin(&to_lab(flat)?, [3.0, 1.15], |[light, a, b]| {
        let light = posterise(light / 100.0, 6.0, 2.6);
        [(light * 106.0 + 2.0).min(100.0), a * 1.45, b * 1.45]
    });
    let flat = from_lab(&lab)?;
    Ok(part.with_features(flat, part.picture, 0.5))
}

/// The product of both pens' lines: 1 where there is no line. Plain skin of faces has few.
pub(super) fn outlines(
    part: &Part<'_>,
    pens: [Pen; 2],
    flow_sigma_px: f32,
) -> Result<Grey, StyleError> {
    let smooth = match part.face {
        None => bilateral(part.picture, 28.0, 5.0)?,
        // Cleaned already.
        Some(_) => part.picture.clone(),
    };
    let grey = blur(&smooth.map(|colour| [luma(colour)]), 0.6)?;
    let flow = edge_flow(&grey, flow_sigma_px)?;
    let lines = ink_lines(&grey, &flow, pens, 5)?.map(|[fine, broad]| [fine * broad]);
    Ok(match part.face {
        None => lines,
        Some(face) => lines.with(&face.plain, |[line], [plain]| {
            [1.0 - (1.0 - line) * (1.0 - 0.75 * plain)]
        }),
    })
}
