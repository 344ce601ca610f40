//! Preprocessing: from I420 to the network's input.
//!
//! In: a picture. Out: a tensor, normalised, and of the type and the order of axes that the manifest tells.
//! Each row is scaled, converted to RGB and normalised at once, so that it stays in the first-level cache.
//!
//! Chroma is assumed to be sited between luma samples, as in JPEG and webcams: all three planes then
//! cover the same rectangle, and each is scaled to the network's size separately.

mod bilinear;
mod colour;
mod tensor;
#[cfg(test)]
mod tests;
mod wide;

use std::sync::Arc;

use capture::I420;

use crate::detection::BBox;
use crate::models::manifest::{ColourOrder, InputContract, ModelEntry, Resize};
use bilinear::PlaneScaler;

pub(crate) use tensor::{InputTensor, InputValues};

/// The position of a frame in the network's input.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Fit {
    /// Size of the frame in pixels.
    frame: (u32, u32),
    /// Size in pixels of its scaled picture in the network's input.
    inside: (u32, u32),
    /// Where that begins: pixels from the left and from the top.
    offset: (u32, u32),
}

impl Fit {
    fn new(frame: (u32, u32), contract: &InputContract) -> Self {
        let (width, height) = (contract.width, contract.height);
        let by_width = f64::from(width) / f64::from(frame.0);
        let by_height = f64::from(height) / f64::from(frame.1);
        let ratio = by_width.min(by_height);
        let inside = match contract.resize {
            Resize::Stretch => (width, height),
            Resize::LetterboxTopLeft { .. } => {
                // Rounded down, as the training code does it.
                let side = |px: u32, most: u32| ((f64::from(px) * ratio) as u32).clamp(1, most);
                (side(frame.0, width), side(frame.1, height))
            }
            Resize::LetterboxCentre { .. } => {
                // To the nearest even number, as Python rounds.
                let scaled = |px: u32| (f64::from(px) * ratio).round_ties_even() as u32;
                let side = |px: u32, most: u32| scaled(px).clamp(1, most);
                (side(frame.0, width), side(frame.1, height))
            }
        };
        let offset = match contract.resize {
            Resize::LetterboxCentre { .. } => ((width - inside.0) / 2, (height - inside.1) / 2),
            Resize::Stretch | Resize::LetterboxTopLeft { .. } => (0, 0),
        };
        Self {
            frame,
            inside,
            offset,
        }
    }

    /// From pixels of the network's input to pixels of the frame, clipped to it.
    pub(crate) fn to_frame(self, bbox: &BBox) -> Option<BBox> {
        let factor = |frame: u32, inside: u32| frame as f32 / inside as f32;
        let (x, y) = (
            factor(self.frame.0, self.inside.0),
            factor(self.frame.1, self.inside.1),
        );
        let (left, top) = (self.offset.0 as f32, self.offset.1 as f32);
        bbox.moved(-left, -top)
            .scaled(x, y)
            .clipped(self.frame.0, self.frame.1)
    }
}

/// Fills the same tensor for each frame.
pub(crate) struct Preprocessor {
    entry: Arc<ModelEntry>,
    /// For Y, U and V.
    scalers: [PlaneScaler; 3],
    /// One row of each plane, scaled.
    rows: [Vec<u8>; 3],
    /// A row of each colour channel, normalised; used for tensors that are not f32 in planes.
    channels: [Vec<f32>; 3],
    tensor: InputTensor,
    /// The fit for which the tensor's padding was written.
    padded_for: Option<Fit>,
}

impl Preprocessor {
    pub(crate) fn new(entry: Arc<ModelEntry>) -> Self {
        Self {
            tensor: InputTensor::blank(&entry.input),
            entry,
            scalers: Default::default(),
            rows: Default::default(),
            channels: Default::default(),
            padded_for: None,
        }
    }

    /// The result of the last [`Preprocessor::prepare`].
    pub(crate) fn tensor(&self) -> &InputTensor {
        &self.tensor
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
        let pad = match contract.resize {
            Resize::LetterboxTopLeft { pad } | Resize::LetterboxCentre { pad } => pad,
            Resize::Stretch => return,
        };
        for channel in 0..3 {
            let (scale, offset) = normalisation(contract, channel);
            self.tensor
                .fill_channel(channel, f32::from(pad) * scale + offset);
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
        let order = match contract.colour {
            ColourOrder::Rgb => [0, 1, 2],
            ColourOrder::Bgr => [2, 1, 0],
        };
        let normalise = order.map(|channel| normalisation(contract, channel));
        let (left, top) = (fit.offset.0 as usize, fit.offset.1 as usize);
        for y in 0..inside.1 {
            for (((plane, ..), scaler), row) in
                planes.iter().zip(&mut self.scalers).zip(&mut self.rows)
            {
                scaler.row(plane, y, row);
            }
            let yuv = self.rows.each_ref().map(Vec::as_slice);
            let from = (top + y) * width + left;
            if let Some(mut channels) = self.tensor.planes() {
                let [red, green, blue] =
                    order.map(|channel| std::mem::take(&mut channels[channel]));
                let rgb = [red, green, blue].map(|plane| &mut plane[from..from + inside.0]);
                wide::convert(yuv, rgb, normalise);
            } else {
                let rgb = self.channels.each_mut().map(|channel| {
                    channel.resize(inside.0, 0.0);
                    channel.as_mut_slice()
                });
                wide::convert(yuv, rgb, normalise);
                let rgb = self.channels.each_ref().map(Vec::as_slice);
                // The order is its own inverse.
                self.tensor.put_row(from, order.map(|colour| rgb[colour]));
            }
        }
    }
}

/// `(pixel - mean) / std` as factor and summand.
fn normalisation(contract: &InputContract, channel: usize) -> (f32, f32) {
    let scale = 1.0 / contract.std[channel];
    (scale, -contract.mean[channel] * scale)
}
