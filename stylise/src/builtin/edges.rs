//! Edges: their direction, blur along them (line integral convolution; Kyprianidis and Döllner, "Image
//! Abstraction by Structure Adaptive Filtering", 2008), and ink lines (difference of Gaussians relative to
//! local brightness, after Winnemöller, Kyprianidis and Olsen, "XDoG", 2012, without its fill of dark
//! areas).

use crate::builtin::filters::blur;
use crate::builtin::plane::{Grey, Plane};
use crate::builtin::stages::StyleError;

/// A unit vector per pixel along the edge there; its sign is arbitrary.
pub(super) type Flow = Plane<2>;

/// The direction of edges, by the structure tensor smoothed over `sigma_px`.
pub(super) fn edge_flow(grey: &Grey, sigma_px: f32) -> Result<Flow, StyleError> {
    let tensor = gradient(grey).map(|[gx, gy]| [gx * gx, gx * gy, gy * gy]);
    let tensor = blur(&tensor, sigma_px)?;
    Ok(tensor.map(|[xx, xy, yy]| {
        let across = 0.5 * (2.0 * xy).atan2(xx - yy);
        let (sin, cos) = across.sin_cos();
        [-sin, cos]
    }))
}

pub(super) fn gradient(grey: &Grey) -> Plane<2> {
    let (right, bottom) = (grey.width - 1, grey.height - 1);
    Plane::of(grey.width, grey.height, |x, y| {
        let (x0, x1) = (x.saturating_sub(1), (x + 1).min(right));
        let (y0, y1) = (y.saturating_sub(1), (y + 1).min(bottom));
        let level = |x: usize, y: usize| grey.pixels[y * grey.width + x][0];
        let gx = level(x1, y0) + 2.0 * level(x1, y) + level(x1, y1)
            - level(x0, y0)
            - 2.0 * level(x0, y)
            - level(x0, y1);
        let gy = level(x0, y1) + 2.0 * level(x, y1) + level(x1, y1)
            - level(x0, y0)
            - 2.0 * level(x, y0)
            - level(x1, y0);
        [gx, gy]
    })
}

/// Line integral convolution: the mean of `steps` samples in each direction along the flow.
pub(super) fn smear_along<const N: usize>(
    plane: &Plane<N>,
    flow: &Flow,
    steps: usize,
    step_px: f32,
) -> Plane<N> {
    let (right, bottom) = ((plane.width - 1) as f32, (plane.height - 1) as f32);
    let scale = 1.0 / (2 * steps + 1) as f32;
    Plane::of(plane.width, plane.height, |x, y| {
        let start = y * plane.width + x;
        let mut sum = plane.pixels[start];
        for sign in [1.0, -1.0] {
            let [mut dx, mut dy] = flow.pixels[start].map(|part| part * sign * step_px);
            let (mut px, mut py) = (x as f32, y as f32);
            for _ in 0..steps {
                px = (px + dx).clamp(0.0, right);
                py = (py + dy).clamp(0.0, bottom);
                let here = plane.sample(px, py);
                for (sum, level) in sum.iter_mut().zip(here) {
                    *sum += level;
                }
                let at = (py + 0.5) as usize * plane.width + (px + 0.5) as usize;
                let [fx, fy] = flow.pixels[at];
                // The sign of the flow is arbitrary: keep the direction of travel.
                let turn = if fx * dx + fy * dy < 0.0 {
                    -step_px
                } else {
                    step_px
                };
                (dx, dy) = (fx * turn, fy * turn);
            }
        }
        sum.map(|level| level * scale)
    })
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Pen {
    /// About half the width of a line.
    pub(super) sigma_px: f32,
    /// Contrast below this is not drawn.
    pub(super) floor: f32,
    /// How fast a line gets black above the floor.
    pub(super) gain: f32,
}

/// Added to the local brightness, since noise has high relative contrast in dark areas.
const DARKEST: f32 = 0.18;

/// Step along a line. The convolution takes most of the time of most styles.
const STEP_PX: f32 = 1.5;

/// The lines of both pens, smoothed over `steps` steps in each direction: 1 is paper, 0 the middle of a
/// line.
pub(super) fn ink_lines(
    grey: &Grey,
    flow: &Flow,
    pens: [Pen; 2],
    steps: usize,
) -> Result<Plane<2>, StyleError> {
    let [fine, broad] = pens;
    let fine_contrast = contrast(grey, fine)?;
    let both = fine_contrast.with(&contrast(grey, broad)?, |[fine], [broad]| [fine, broad]);
    let line = |level: f32, pen: Pen| 1.0 + (pen.gain * (level + pen.floor).min(0.0)).tanh();
    Ok(smear_along(&both, flow, steps, STEP_PX)
        .map(|[one, two]| [line(one, fine), line(two, broad)]))
}

fn contrast(grey: &Grey, pen: Pen) -> Result<Grey, StyleError> {
    let near = blur(grey, pen.sigma_px)?;
    let around = blur(grey, pen.sigma_px * 1.6)?;
    Ok(near.with(&around, |[near], [around]| {
        [(near - around) / (around + DARKEST)]
    }))
}
