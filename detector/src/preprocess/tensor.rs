//! The network's input in the type and the order of axes that it takes.

use half::f16;
use ndarray::Array4;

use crate::models::manifest::{InputContract, InputElement, Layout};

/// The numbers of a tensor for one picture, of the shape that [`Layout::shape`] tells.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct InputTensor {
    layout: Layout,
    pub(crate) values: InputValues,
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
            InputValues::F16(array) => put(array, layout, from, channels, f16::from_f32),
            InputValues::U8(array) => put(array, layout, from, channels, byte),
        }
    }
}

/// Rounded, within 0..=255.
fn byte(value: f32) -> u8 {
    (value + 0.5) as u8
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

fn put<T: Copy>(
    array: &mut Array4<T>,
    layout: Layout,
    from: usize,
    channels: [&[f32]; 3],
    convert: impl Fn(f32) -> T,
) {
    let Some(all) = array.as_slice_mut() else {
        return;
    };
    let area = all.len() / 3;
    for (channel, values) in channels.into_iter().enumerate() {
        match layout {
            Layout::Nchw => {
                let row = &mut all[channel * area + from..][..values.len()];
                let pairs = row.iter_mut().zip(values);
                pairs.for_each(|(to, value)| *to = convert(*value));
            }
            Layout::Nhwc => {
                let row = all[3 * from..].chunks_exact_mut(3).zip(values);
                row.for_each(|(pixel, value)| pixel[channel] = convert(*value));
            }
        }
    }
}
