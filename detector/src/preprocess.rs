//! I420 to the network's input: planes scaled first, then colour, normalisation and layout in one pass
//! over the few pixels that are left.
//!
//! Chroma is taken as sited between luma samples, as JPEG and webcams have it: all three planes then
//! cover the same rectangle, and each is scaled to the network's size by itself.

use std::sync::Arc;

use capture::I420;
use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::U8;
use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};
use ndarray::{Array4, ArrayView4};
use thiserror::Error;

use crate::bbox::BBox;
use crate::manifest::{ColourOrder, InputContract, ModelEntry, Resize};

/// A picture that cannot be scaled to the network's size.
#[derive(Debug, Error)]
#[error("a picture of {width}x{height} cannot be scaled for the model: {why}")]
pub struct PreprocessError {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// What the scaler says.
    pub why: String,
}

/// Where a frame lies in the network's input.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Fit {
    /// Size of the frame in pixels.
    frame: (u32, u32),
    /// Size of its picture in the network's input, at the top left, in pixels.
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

/// Fills one reused tensor, frame after frame.
pub(crate) struct Preprocessor {
    entry: Arc<ModelEntry>,
    resizer: Resizer,
    options: ResizeOptions,
    /// Y, U and V at the network's size.
    scaled: [Vec<u8>; 3],
    tensor: Array4<f32>,
    /// What the tensor's padding was written for.
    padded_for: Option<Fit>,
}

impl Preprocessor {
    pub(crate) fn new(entry: Arc<ModelEntry>) -> Self {
        let (width, height) = (entry.input.width as usize, entry.input.height as usize);
        // Bilinear with a support that grows with the factor: plain bilinear would skip two of three
        // pixels on the way from 720p to 416.
        let bilinear = match std::env::var("SCRATCH_ALG").as_deref() { Ok("conv") => ResizeAlg::Convolution(FilterType::Bilinear), Ok("hamming") => ResizeAlg::Convolution(FilterType::Hamming), Ok("box") => ResizeAlg::Convolution(FilterType::Box), Ok("catmull") => ResizeAlg::Convolution(FilterType::CatmullRom), Ok("lanczos") => ResizeAlg::Convolution(FilterType::Lanczos3), _ => ResizeAlg::Interpolation(FilterType::Bilinear)};
        Self {
            entry,
            resizer: Resizer::new(),
            options: ResizeOptions::new().resize_alg(bilinear).use_alpha(false),
            scaled: Default::default(),
            tensor: Array4::zeros((1, 3, height, width)),
            padded_for: None,
        }
    }

    /// The input made by the last [`Preprocessor::prepare`].
    pub(crate) fn tensor(&self) -> ArrayView4<'_, f32> {
        self.tensor.view()
    }

    /// Makes the network's input of `picture`.
    pub(crate) fn prepare(&mut self, picture: &I420) -> Result<Fit, PreprocessError> {
        let fit = Fit::new((picture.width(), picture.height()), &self.entry.input);
        self.scale(picture, fit)?;
        if self.padded_for != Some(fit) {
            self.pad();
            self.padded_for = Some(fit);
        }
        self.fill(fit);
        Ok(fit)
    }

    fn scale(&mut self, picture: &I420, fit: Fit) -> Result<(), PreprocessError> {
        let (width, height) = (picture.width(), picture.height());
        let failed = |why: String| PreprocessError { width, height, why };
        let (to_width, to_height) = fit.inside;
        let planes = picture.planes();
        let sources = [
            (planes.y, width, height),
            (planes.u, width / 2, height / 2),
            (planes.v, width / 2, height / 2),
        ];
        for ((plane, width, height), scaled) in sources.into_iter().zip(&mut self.scaled) {
            scaled.resize(to_width as usize * to_height as usize, 0);
            let source = TypedImageRef::<U8>::from_buffer(width, height, plane)
                .map_err(|error| failed(error.to_string()))?;
            let mut target = TypedImage::<U8>::from_buffer(to_width, to_height, scaled)
                .map_err(|error| failed(error.to_string()))?;
            self.resizer
                .resize_typed(&source, &mut target, &self.options)
                .map_err(|error| failed(error.to_string()))?;
        }
        Ok(())
    }

    /// Fills everything with the padding; the picture's part is overwritten after.
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

    fn fill(&mut self, fit: Fit) {
        let contract = &self.entry.input;
        let (width, inside) = (contract.width as usize, fit.inside.0 as usize);
        // Channel of red, green and blue in the tensor.
        let order = match contract.colour {
            ColourOrder::Rgb => [0, 1, 2],
            ColourOrder::Bgr => [2, 1, 0],
        };
        let normalise = order.map(|channel| normalisation(contract, channel));
        let [y, u, v] = &self.scaled;
        // The tensor was made in standard layout and is never reshaped.
        let Some(all) = self.tensor.as_slice_mut() else {
            return;
        };
        let area = width * contract.height as usize;
        let (first, rest) = all.split_at_mut(area);
        let (second, third) = rest.split_at_mut(area);
        let (red, green, blue) = match contract.colour {
            ColourOrder::Rgb => (first, second, third),
            ColourOrder::Bgr => (third, second, first),
        };
        for row in 0..fit.inside.1 as usize {
            let (from, to) = (
                row * inside..(row + 1) * inside,
                row * width..row * width + inside,
            );
            let yuv = [&y[from.clone()], &u[from.clone()], &v[from]];
            let rgb = [&mut red[to.clone()], &mut green[to.clone()], &mut blue[to]];
            convert_row(yuv, rgb, normalise);
        }
    }
}

/// `(pixel - mean) / std` as one multiplication and one addition.
fn normalisation(contract: &InputContract, channel: usize) -> (f32, f32) {
    let scale = 1.0 / contract.std[channel];
    (scale, -contract.mean[channel] * scale)
}

/// BT.601 limited range to full-range RGB 0..=255 (ITU-R BT.601-7, 2.5), clamped, then normalised. Written
/// so that the compiler makes vector code of it.
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

#[cfg(test)]
mod tests;
