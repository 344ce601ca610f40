//! The network's input in the type and the order of axes that it takes.

use half::f16;
use half::slice::HalfFloatSliceExt;
use ndarray::Array4;

use crate::models::manifest::{InputContract, InputElement, Layout};

/// The numbers of a tensor for one picture, of the shape that [`Layout::shape`] tells.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct InputTensor {
    layout: Layout,
    pub(crate) values: InputValues,
    /// A row of each channel, for tensors of f16.
    halves: [Vec<f16>; 3],
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum InputValues {
    F32(Array4<f32>),
    F16(Array4<f16>),
    U8(Array4<u8>),
}

impl InputTensor {
    /// A tensor of zeros.
    pub(crate) fn blank(contract: &InputContract) -> Self {
        let (width, height) = (contract.width as usize, contract.height as usize);
        let shape = contract.layout.shape(width, height);
        Self {
            layout: contract.layout,
            halves: Default::default(),
            values: match contract.element {
                InputElement::F32 => InputValues::F32(Array4::zeros(shape)),
                InputElement::F16 => InputValues::F16(Array4::from_elem(shape, f16::ZERO)),
                InputElement::U8 => InputValues::U8(Array4::zeros(shape)),
            },
        }
    }

    /// The three planes of a tensor of f32 in planes; `None` for others.
    pub(super) fn planes(&mut self) -> Option<[&mut [f32]; 3]> {
        let InputValues::F32(array) = &mut self.values else {
            return None;
        };
        if self.layout != Layout::Nchw {
            return None;
        }
        // Always contiguous: it was made in standard layout.
        let all = array.as_slice_mut()?;
        let (first, rest) = all.split_at_mut(all.len() / 3);
        let (second, third) = rest.split_at_mut(rest.len() / 2);
        Some([first, second, third])
    }

    /// Sets all pixels of a channel.
    pub(super) fn fill_channel(&mut self, channel: usize, value: f32) {
        let layout = self.layout;
        match &mut self.values {
            InputValues::F32(array) => fill(array, layout, channel, value),
            InputValues::F16(array) => fill(array, layout, channel, f16::from_f32(value)),
            InputValues::U8(array) => fill(array, layout, channel, byte(value)),
        }
    }

    /// Writes pixels from number `from` on, counted row by row, of each channel.
    pub(super) fn put_row(&mut self, from: usize, channels: [&[f32]; 3]) {
        let layout = self.layout;
        match &mut self.values {
            InputValues::F32(array) => put(array, layout, from, channels, |value| value),
            InputValues::F16(array) => {
                let halves = &mut self.halves;
                for (half, values) in halves.iter_mut().zip(channels) {
                    half.resize(values.len(), f16::ZERO);
                    // A whole row at a time, as the processor does it.
                    half.convert_from_f32_slice(values);
                }
                let halves = halves.each_ref().map(Vec::as_slice);
                put(array, layout, from, halves, |value| value);
            }
            InputValues::U8(array) => put(array, layout, from, channels, byte),
        }
    }
}

/// Rounded, within 0..=255. Added to 2^23, an f32 has the rounded number in its last bits, which the compiler vectorises
/// where it does not vectorise a cast that saturates.
fn byte(value: f32) -> u8 {
    (value.clamp(0.0, 255.0) + 8_388_608.0).to_bits() as u8
}

fn fill<T: Copy>(array: &mut Array4<T>, layout: Layout, channel: usize, value: T) {
    let axis = match layout {
        Layout::Nchw => 1,
        Layout::Nhwc => 3,
    };
    array
        .index_axis_mut(ndarray::Axis(axis), channel)
        .fill(value);
}

fn put<V: Copy, T: Copy>(
    array: &mut Array4<T>,
    layout: Layout,
    from: usize,
    channels: [&[V]; 3],
    convert: impl Fn(V) -> T,
) {
    let Some(all) = array.as_slice_mut() else {
        return;
    };
    let (area, length) = (all.len() / 3, channels[0].len());
    match layout {
        Layout::Nchw => {
            for (channel, values) in channels.into_iter().enumerate() {
                let row = &mut all[channel * area + from..][..length];
                let pairs = row.iter_mut().zip(values);
                pairs.for_each(|(to, value)| *to = convert(*value));
            }
        }
        Layout::Nhwc => {
            let [red, green, blue] = channels;
            let row = all[3 * from..][..3 * length].chunks_exact_mut(3);
            let values = red.iter().zip(green).zip(blue);
            for (pixel, ((red, green), blue)) in row.zip(values) {
                pixel[0] = convert(*red);
                pixel[1] = convert(*green);
                pixel[2] = convert(*blue);
            }
        }
    }
}
