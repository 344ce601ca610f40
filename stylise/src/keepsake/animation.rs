//! Frames as a GIF that runs forwards and backwards for ever. One palette serves all frames, and the dithering is the
//! same in all of them, so that what does not move does not flicker.

use std::iter;

use color_quant::NeuQuant;
use gif::{Encoder, EncodingError, Frame, Repeat};

use crate::intake::raster::Raster;

/// In hundredths of a second: a little faster than it was taken, as is usual.
const DELAY: u16 = 14;
const COLOURS: usize = 256;
/// Pixels that the palette is learnt from.
const SAMPLE_PX: usize = 200_000;
/// How thoroughly, from 1 (best) to 30.
const SAMPLE_FACTOR: i32 = 6;

/// Half the distance of two colours of the palette, about.
const DITHER: i16 = 7;
const BAYER: [[i16; 4]; 4] = [[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]];

/// Frames of the same size, the first one first.
pub(super) fn boomerang(frames: &[Raster]) -> Result<Vec<u8>, EncodingError> {
    let mut palette = Palette::of(frames);
    let indexed: Vec<Vec<u8>> = frames.iter().map(|frame| palette.indices(frame)).collect();
    let (width, height) = frames
        .first()
        .map_or((1, 1), |frame| (frame.width_px, frame.height_px));
    let (width, height) = (width as u16, height as u16);
    let mut gif = Vec::new();
    let mut encoder = Encoder::new(&mut gif, width, height, &palette.quantiser.color_map_rgb())?;
    encoder.set_repeat(Repeat::Infinite)?;
    for index in there_and_back(frames.len()) {
        encoder.write_frame(&Frame {
            width,
            height,
            delay: DELAY,
            buffer: indexed[index].as_slice().into(),
            ..Frame::default()
        })?;
    }
    drop(encoder);
    Ok(gif)
}

/// The first and the last frame are shown once in each round.
fn there_and_back(count: usize) -> impl Iterator<Item = usize> {
    (0..count).chain((1..count.saturating_sub(1)).rev())
}

struct Palette {
    quantiser: NeuQuant,
    /// By six bits of each channel; `None`: not looked up yet.
    known: Vec<Option<u8>>,
}

impl Palette {
    fn of(frames: &[Raster]) -> Self {
        let pixels: usize = frames.iter().map(|frame| frame.rgb.len() / 3).sum();
        // Odd, so that the columns of a picture take turns.
        let step = (pixels / SAMPLE_PX).max(1) | 1;
        let all = frames.iter().flat_map(|frame| frame.rgb.chunks_exact(3));
        let sample: Vec<u8> = all
            .step_by(step)
            .flat_map(|pixel| pixel.iter().copied().chain(iter::once(255)))
            .collect();
        Self {
            quantiser: NeuQuant::new(SAMPLE_FACTOR, COLOURS, &sample),
            known: vec![None; 1 << 18],
        }
    }

    fn indices(&mut self, frame: &Raster) -> Vec<u8> {
        let pixels = frame.rgb.chunks_exact(3).enumerate();
        let index = |(at, pixel): (usize, &[u8])| {
            let (x, y) = (at % frame.width_px, at / frame.width_px);
            let shift = (2 * BAYER[y % 4][x % 4] - 15) * DITHER / 15;
            let level = |channel: usize| match pixel[channel] {
                // Paper stays clean.
                255 => 255,
                level => (i16::from(level) + shift).clamp(0, 255) as u8,
            };
            self.nearest([level(0), level(1), level(2)])
        };
        pixels.map(index).collect()
    }

    fn nearest(&mut self, colour: [u8; 3]) -> u8 {
        let key = colour
            .iter()
            .fold(0, |key, level| key << 6 | usize::from(level >> 2));
        *self.known[key].get_or_insert_with(|| {
            let [red, green, blue] = colour;
            self.quantiser.index_of(&[red, green, blue, 255]) as u8
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_are_shown_once() {
        assert_eq!(there_and_back(4).collect::<Vec<_>>(), [0, 1, 2, 3, 2, 1]);
        assert_eq!(there_and_back(2).collect::<Vec<_>>(), [0, 1]);
        assert_eq!(there_and_back(0).count(), 0);
    }

    #[test]
    fn frames_are_read_back_in_their_colours_and_order() {
        let frames: Vec<_> = [10, 90, 170, 255]
            .map(|level| Raster::filled(20, 12, level))
            .into();
        let gif = boomerang(&frames).expect("made");
        let mut options = gif::DecodeOptions::new();
        options.set_color_output(gif::ColorOutput::RGBA);
        let mut decoder = options.read_info(&gif[..]).expect("a GIF");
        assert_eq!((decoder.width(), decoder.height()), (20, 12));
        let mut levels = Vec::new();
        while let Some(frame) = decoder.read_next_frame().expect("sound") {
            assert_eq!(frame.delay, DELAY);
            levels.push(frame.buffer[4 * 50]);
        }
        let expected = [10, 90, 170, 255, 170, 90];
        assert_eq!(levels.len(), expected.len());
        for (level, expected) in levels.iter().zip(expected) {
            assert!(level.abs_diff(expected) <= 10, "{levels:?}");
        }
        assert_eq!(decoder.repeat(), Repeat::Infinite);
    }
}
