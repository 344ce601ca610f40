//! Ink lines: differences of Gaussians relative to the brightness around, smeared along edges (after
//! Winnemöller, Kyprianidis and Olsen, "XDoG", 2012, but without its fill of dark areas).

use super::along::{Flow, smeared};
use super::filters::blur;
use super::plane::{Grey, Plane};
use super::stages::Interrupted;

/// A pen.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pen {
    /// Half a line's width or so.
    pub(super) sigma_px: f32,
    /// Contrast that is not drawn yet.
    pub(super) floor: f32,
    /// How soon a line is black beyond that.
    pub(super) gain: f32,
}

/// Next to black the slightest noise has contrast.
const DARKEST: f32 = 0.18;

/// A step along a line. Smearing takes most of the time of most styles.
const STEP_PX: f32 = 1.5;

/// The lines of both pens, smeared over so many steps to each side: 1 where the paper stays, 0 in the
/// middle of a line.
pub(super) fn drawn(
    grey: &Grey,
    flow: &Flow,
    pens: [Pen; 2],
    steps: usize,
) -> Result<Plane<2>, Interrupted> {
    let [fine, broad] = pens;
    let fine_contrast = contrast(grey, fine)?;
    let both = fine_contrast.with(&contrast(grey, broad)?, |[fine], [broad]| [fine, broad]);
    let line = |level: f32, pen: Pen| 1.0 + (pen.gain * (level + pen.floor).min(0.0)).tanh();
    Ok(smeared(&both, flow, steps, STEP_PX).map(|[one, two]| [line(one, fine), line(two, broad)]))
}

fn contrast(grey: &Grey, pen: Pen) -> Result<Grey, Interrupted> {
    let near = blur(grey, pen.sigma_px)?;
    let around = blur(grey, pen.sigma_px * 1.6)?;
    Ok(near.with(&around, |[near], [around]| {
        [(near - around) / (around + DARKEST)]
    }))
}
