//! Cartoon: few, strong colours in flat areas, outlined.

use super::along::flow;
use super::filters::{bilateral, blur, edge_preserving, from_lab, to_lab};
use super::lines::{Pen, drawn};
use super::plane::{Colour, Grey, luma, mix};
use super::stages::{Interrupted, Stages};
use super::tone::stepped;

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

pub(super) fn make(picture: &Colour, stages: &Stages) -> Result<Colour, Interrupted> {
    let flat = edge_preserving(picture, 20.0, 0.24)?;
    let flat = bilateral(&flat, 24.0, 5.0)?;
    stages.next()?;
    let lab = to_lab(&flat)?.map(|[light, a, b]| {
        let light = stepped(light / 100.0, 6.0, 2.6);
        [(light * 106.0 + 2.0).min(100.0), a * 1.45, b * 1.45]
    });
    let flat = from_lab(&lab)?;
    stages.next()?;
    let lines = outlines(picture, [FINE, BROAD], 2.5)?;
    let made = flat.with(&lines, |colour, [line]| mix(INK, colour, line));
    stages.next()?;
    Ok(made)
}

/// Both pens' lines of the picture: 1 where there is none.
pub(super) fn outlines(
    picture: &Colour,
    pens: [Pen; 2],
    flow_sigma_px: f32,
) -> Result<Grey, Interrupted> {
    let smooth = bilateral(picture, 28.0, 5.0)?;
    let grey = blur(&smooth.map(|colour| [luma(colour)]), 0.6)?;
    let flow = flow(&grey, flow_sigma_px)?;
    Ok(drawn(&grey, &flow, pens, 5)?.map(|[fine, broad]| [fine * broad]))
}
