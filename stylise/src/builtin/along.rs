//! Which way edges run, and smearing along them (line integral convolution; Kyprianidis and Döllner,
//! "Image Abstraction by Structure Adaptive Filtering", 2008).

use super::filters::blur;
use super::plane::{Grey, Plane};
use super::stages::Interrupted;

/// A unit vector a pixel, along the edge there; its sign means nothing.
pub(super) type Flow = Plane<2>;

/// Of the structure tensor, smoothed over `sigma_px`.
pub(super) fn flow(grey: &Grey, sigma_px: f32) -> Result<Flow, Interrupted> {
    let tensor = gradient(grey).map(|[gx, gy]| [gx * gx, gx * gy, gy * gy]);
    let tensor = blur(&tensor, sigma_px)?;
    Ok(tensor.map(|[xx, xy, yy]| {
        let across = 0.5 * (2.0 * xy).atan2(xx - yy);
        let (sin, cos) = across.sin_cos();
        [-sin, cos]
    }))
}

/// Sobel.
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

/// The mean of each pixel and those before and behind it along the flow.
pub(super) fn smeared<const N: usize>(
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
                // The flow has no sign: go on, never back.
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
