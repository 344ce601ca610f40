//! Preprocessing: from I420 to the network's input.
//!
//! In: a picture. Out: a tensor f32 [1, 3, height, width], normalised as the manifest tells. Each row is
//! scaled, converted to RGB and normalised at once, so that it stays in the first-level cache.
//!
//! Chroma is assumed to be sited between luma samples, as in JPEG and webcams: all three planes then
//! cover the same rectangle, and each is scaled to the network's size separately.

mod bilinear;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use capture::I420;
use ndarray::{Array4, ArrayView4};

use crate::detection::BBox;
use crate::models::manifest::{ColourOrder, InputContract, ModelEntry, Resize};
use bilinear::PlaneScaler;

/// The position of a frame in the network's input.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Fit {
    /// Size of the frame in pixels.
    frame: (u32, u32),
    /// Size in pixels of its scaled picture, at the top left of the network's input.
    inside: (u32, u32),
}

impl Fit {
    fn new(frame: (u32, u32), contract: &InputContract) -> Self {
        let (width, height) = (contract.width, contract.height);
        let inside = match contract.resize {
            Resize::Stretch => (width, height),
            Resize::LetterboxTopLeft { .. } => {
                let by_width = f64::from(width) / f64::from(frame.0);
                let by_height = f64::from(height) / f64::from(frame.1);
                let ratio = by_width.min(by_height);
                // Rounded down, as the training code does it.
                let side = |px: u32, most: u32| ((f64::from(px) * ratio) as u32).clamp(1, most);
                (side(frame.0, width), side(frame.1, height))
            }
        };
        Self { frame, inside }
    }

    /// From pixels of the network's input to pixels of the frame, clipped to it.
    pub(crate) fn to_frame(self, bbox: &BBox) -> Option<BBox> {
        let factor = |frame: u32, inside: u32| frame as f32 / inside as f32;
        let (x, y) = (
            factor(self.frame.0, self.inside.0),
            factor(self.frame.1, self.inside.1),
        );
        bbox.scaled(x, y).clipped(self.frame.0, self.frame.1)
    }
}

/// Fills the same tensor for each frame.
pub(crate) struct Preprocessor {
    entry: Arc<ModelEntry>,
    /// For Y, U and V.
    scalers: [PlaneScaler; 3],
    /// One row of each plane, scaled.
    rows: [Vec<u8>; 3],
    tensor: Array4<f32>,
    /// The fit for which the tensor's padding was written.
    padded_for: Option<Fit>,
}

impl Preprocessor {
    pub(crate) fn new(entry: Arc<ModelEntry>) -> Self {
        let (width, height) = (entry.input.width as usize, entry.input.height as usize);
        Self {
            entry,
            scalers: Default::default(),
            rows: Default::default(),
            tensor: Array4::zeros((1, 3, height, width)),
            padded_for: None,
        }
    }

    /// The result of the last [`Preprocessor::prepare`].
    pub(crate) fn tensor(&self) -> ArrayView4<'_, f32> {
        self.tensor.view()
    }

    /// Converts `picture` to the network's input.
    pub(crate) fn prepare(&mut self, picture: &I420) -> Fit {
        let fit = Fit::new((picture.width(), picture.height()), &self.entry.input);
        if self.padded_for != Some(fit) {
            self.pad();
            self.padded_for = Some(fit);
        }
        self.fill(picture, fit);
        fit
    }

    /// Fills the tensor with padding; the picture overwrites its part later.
    fn pad(&mut self) {
        let contract = &self.entry.input;
        let Resize::LetterboxTopLeft { pad } = contract.resize else {
            return;
        };
        for channel in 0..3 {
            let (scale, offset) = normalisation(contract, channel);
            let mut plane = self.tensor.index_axis_mut(ndarray::Axis(1), channel);
            plane.fill(f32::from(pad) * scale + offset);
        }
    }

    fn fill(&mut self, picture: &I420, fit: Fit) {
        let contract = &self.entry.input;
        let width = contract.width as usize;
        let inside = (fit.inside.0 as usize, fit.inside.1 as usize);
        let (luma_width, luma_height) = (fit.frame.0 as usize, fit.frame.1 as usize);
        let planes = picture.planes();
        let planes = [
            (planes.y, luma_width, luma_height),
            (planes.u, luma_width / 2, luma_height / 2),
            (planes.v, luma_width / 2, luma_height / 2),
        ];
        let buffers = self.scalers.iter_mut().zip(&mut self.rows);
        for ((plane, width, height), (scaler, row)) in planes.into_iter().zip(buffers) {
            scaler.prepare(plane, (width, height), inside);
            row.resize(inside.0, 0);
        }
        // Never taken: the tensor has standard layout.
        let Some(all) = self.tensor.as_slice_mut() else {
            return;
        };
        let area = width * contract.height as usize;
        let (first, rest) = all.split_at_mut(area);
        let (second, third) = rest.split_at_mut(area);
        let (order, red, green, blue) = match contract.colour {
            ColourOrder::Rgb => ([0, 1, 2], first, second, third),
            ColourOrder::Bgr => ([2, 1, 0], third, second, first),
        };
        let normalise = order.map(|channel| normalisation(contract, channel));
        for y in 0..inside.1 {
            for (((plane, ..), scaler), row) in
                planes.iter().zip(&mut self.scalers).zip(&mut self.rows)
            {
                scaler.row(plane, y, row);
            }
            let to = y * width..y * width + inside.0;
            let rgb = [&mut red[to.clone()], &mut green[to.clone()], &mut blue[to]];
            convert_row(self.rows.each_ref().map(Vec::as_slice), rgb, normalise);
        }
    }
}

/// `(pixel - mean) / std` as factor and summand.
fn normalisation(contract: &InputContract, channel: usize) -> (f32, f32) {
    let scale = 1.0 / contract.std[channel];
    (scale, -contract.mean[channel] * scale)
}

/// Converts BT.601 limited range to full-range RGB 0..=255 (ITU-R BT.601-7, 2.5), clamped, then
/// normalised. Written in a form that the compiler vectorises.
fn convert_row(yuv: [&[u8]; 3], rgb: [&mut [f32]; 3], normalise: [(f32, f32); 3]) {
    let [red, green, blue] = rgb;
    let length = red.len();
    let [y, u, v] = yuv.map(|plane| &plane[..length]);
    let (green, blue) = (&mut green[..length], &mut blue[..length]);
    let [
        (scale_r, offset_r),
        (scale_g, offset_g),
        (scale_b, offset_b),
    ] = normalise;
    for x in 0..length {
        let luma = (f32::from(y[x]) - 16.0) * (255.0 / 219.0);
        let (cb, cr) = (f32::from(u[x]) - 128.0, f32::from(v[x]) - 128.0);
        let r = (luma + 1.596_027 * cr).clamp(0.0, 255.0);
        let g = (luma - 0.391_762 * cb - 0.812_968 * cr).clamp(0.0, 255.0);
        let b = (luma + 2.017_232 * cb).clamp(0.0, 255.0);
        red[x] = r * scale_r + offset_r;
        green[x] = g * scale_g + offset_g;
        blue[x] = b * scale_b + offset_b;
    }
}
