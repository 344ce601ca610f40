//! RGB pixels: collecting rows while downscaling, resizing, applying the orientation. Pure.

use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::U8x3;
use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};
use image::metadata::Orientation;
use image::{DynamicImage, RgbImage};

use crate::intake::limits::IntakeError;

/// 8-bit RGB, rows without padding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Raster {
    pub(crate) width_px: usize,
    pub(crate) height_px: usize,
    pub(crate) rgb: Vec<u8>,
}

impl Raster {
    /// Downscales so that the longer side is at most `longest_side_px`.
    pub(crate) fn within(self, longest_side_px: u32) -> Result<Self, IntakeError> {
        let longest = longest_side_px as usize;
        let long = self.width_px.max(self.height_px);
        if long <= longest {
            return Ok(self);
        }
        let scaled = |side: usize| ((side * longest + long / 2) / long).max(1);
        self.resized(scaled(self.width_px), scaled(self.height_px))
    }

    /// Resizes to this size, whatever the aspect ratio.
    pub(crate) fn resized(&self, width_px: usize, height_px: usize) -> Result<Self, IntakeError> {
        let failed = |error: &dyn std::fmt::Display| IntakeError::Broken(error.to_string());
        let mut rgb = vec![0; width_px * height_px * 3];
        let source = TypedImageRef::<U8x3>::from_buffer(
            self.width_px as u32,
            self.height_px as u32,
            &self.rgb,
        )
        .map_err(|error| failed(&error))?;
        let mut target =
            TypedImage::<U8x3>::from_buffer(width_px as u32, height_px as u32, &mut rgb)
                .map_err(|error| failed(&error))?;
        let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3));
        // The typed call, because the generic one takes a minute to compile.
        Resizer::new()
            .resize_typed(&source, &mut target, &options)
            .map_err(|error| failed(&error))?;
        Ok(Self {
            width_px,
            height_px,
            rgb,
        })
    }

    /// Width by height.
    pub(crate) fn aspect(&self) -> f64 {
        self.width_px as f64 / self.height_px as f64
    }

    pub(crate) fn filled(width_px: usize, height_px: usize, level: u8) -> Self {
        Self {
            width_px,
            height_px,
            rgb: vec![level; width_px * height_px * 3],
        }
    }

    /// A rectangle of the picture, which contains it.
    pub(crate) fn part(&self, [left, top, width, height]: [usize; 4]) -> Self {
        let rows = self.rgb.chunks_exact(self.width_px * 3);
        let rows = rows.skip(top).take(height);
        Self {
            width_px: width,
            height_px: height,
            rgb: rows
                .flat_map(|row| &row[left * 3..(left + width) * 3])
                .copied()
                .collect(),
        }
    }

    /// Copies another picture into this one, which contains its place.
    pub(crate) fn paste(&mut self, other: &Self, left: usize, top: usize) {
        let (stride, length) = (self.width_px * 3, other.width_px * 3);
        let rows = self.rgb.chunks_exact_mut(stride).skip(top);
        for (row, from) in rows.zip(other.rgb.chunks_exact(length)) {
            row[left * 3..left * 3 + length].copy_from_slice(from);
        }
    }

    pub(super) fn upright(self, orientation: Orientation) -> Result<Self, IntakeError> {
        let (width, height) = (self.width_px as u32, self.height_px as u32);
        let image = RgbImage::from_raw(width, height, self.rgb)
            .ok_or_else(|| IntakeError::Broken("its size does not fit its pixels".to_owned()))?;
        let mut image = DynamicImage::from(image);
        image.apply_orientation(orientation);
        Ok(Self {
            width_px: image.width() as usize,
            height_px: image.height() as usize,
            rgb: image.into_rgb8().into_raw(),
        })
    }
}

/// The pixel format of decoded rows, 8 bits per sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PixelLayout {
    Grey,
    GreyAlpha,
    Rgb,
    Rgba,
}

impl PixelLayout {
    pub(super) fn bytes(self) -> usize {
        match self {
            Self::Grey => 1,
            Self::GreyAlpha => 2,
            Self::Rgb => 3,
            Self::Rgba => 4,
        }
    }

    /// The pixel's colour, blended with white where it is transparent, as browsers show it.
    fn colour(self, pixel: &[u8]) -> [u16; 3] {
        let level = |at: usize| u16::from(pixel[at]);
        let on_white = |level: u16, alpha: u16| (level * alpha + 255 * (255 - alpha) + 127) / 255;
        match self {
            Self::Grey => [level(0); 3],
            Self::GreyAlpha => [on_white(level(0), level(1)); 3],
            Self::Rgb => [level(0), level(1), level(2)],
            Self::Rgba => [0, 1, 2].map(|at| on_white(level(at), level(3))),
        }
    }
}

/// Receives a picture row by row and keeps the mean of each square of pixels, so that a large picture is
/// never in memory as a whole.
pub(super) struct RowDownscaler {
    layout: PixelLayout,
    width_px: usize,
    /// Side of the squares, in source pixels.
    square: usize,
    sums: Vec<[u32; 3]>,
    rows_in_sums: usize,
    kept: Raster,
}

impl RowDownscaler {
    /// Chooses the largest squares that keep the longer side at `longest_side_px` or above.
    pub(super) fn new(
        width: usize,
        height: usize,
        layout: PixelLayout,
        longest_side_px: u32,
    ) -> Self {
        let square = (width.max(height) / longest_side_px.max(1) as usize).max(1);
        let width_kept = width.div_ceil(square);
        Self {
            layout,
            width_px: width,
            square,
            sums: vec![[0; 3]; width_kept],
            rows_in_sums: 0,
            kept: Raster {
                width_px: width_kept,
                height_px: 0,
                rgb: Vec::with_capacity(width_kept * height.div_ceil(square) * 3),
            },
        }
    }

    pub(super) fn all(&mut self, pixels: &[u8]) {
        let rows = pixels.chunks_exact(self.width_px * self.layout.bytes());
        rows.for_each(|row| self.row(row));
    }

    pub(super) fn row(&mut self, row: &[u8]) {
        let row = &row[..self.width_px * self.layout.bytes()];
        let squares = row.chunks(self.layout.bytes() * self.square);
        for (sum, square) in self.sums.iter_mut().zip(squares) {
            for pixel in square.chunks_exact(self.layout.bytes()) {
                let colour = self.layout.colour(pixel);
                for (sum, level) in sum.iter_mut().zip(colour) {
                    *sum += u32::from(level);
                }
            }
        }
        self.rows_in_sums += 1;
        if self.rows_in_sums == self.square {
            self.keep();
        }
    }

    fn keep(&mut self) {
        for (at, sum) in self.sums.iter_mut().enumerate() {
            let columns = self.square.min(self.width_px - at * self.square);
            let count = (columns * self.rows_in_sums) as u32;
            let mean = sum.map(|sum| ((sum + count / 2) / count) as u8);
            self.kept.rgb.extend_from_slice(&mean);
            *sum = [0; 3];
        }
        self.rows_in_sums = 0;
        self.kept.height_px += 1;
    }

    pub(super) fn finish(mut self) -> Raster {
        if self.rows_in_sums > 0 {
            self.keep();
        }
        self.kept
    }
}

#[cfg(test)]
mod tests {

    use super::*;

    #[test]
    fn squares_and_partial_squares_are_averaged() {
        let mut rows = RowDownscaler::new(5, 3, PixelLayout::Grey, 2);
        rows.row(&[0, 100, 10, 10, 7]);
        rows.row(&[0, 100, 10, 10, 7]);
        rows.row(&[30, 30, 50, 60, 9]);
        let raster = rows.finish();
        assert_eq!((raster.width_px, raster.height_px), (3, 2));
        let greys: Vec<u8> = raster.rgb.chunks(3).map(|pixel| pixel[0]).collect();
        assert_eq!(greys, [50, 10, 7, 30, 55, 9]);
    }

    #[test]
    fn transparency_is_blended_with_white() {
        let mut rows = RowDownscaler::new(3, 1, PixelLayout::Rgba, 3);
        rows.row(&[10, 20, 30, 255, 10, 20, 30, 0, 0, 0, 0, 128]);
        assert_eq!(
            rows.finish().rgb,
            [10, 20, 30, 255, 255, 255, 127, 127, 127]
        );
    }

    #[test]
    fn a_part_is_pasted_where_it_was_cut() {
        let mut raster = Raster::filled(4, 3, 0);
        raster.rgb[(2 * 4 + 1) * 3] = 77;
        let part = raster.part([1, 1, 2, 2]);
        assert_eq!((part.width_px, part.height_px, part.rgb[6]), (2, 2, 77));
        let mut empty = Raster::filled(4, 3, 0);
        empty.paste(&part, 1, 1);
        assert_eq!(empty, raster);
    }

    #[test]
    fn resizing_keeps_the_aspect_ratio() {
        let raster = Raster {
            width_px: 400,
            height_px: 30,
            rgb: vec![90; 400 * 30 * 3],
        };
        let small = raster.within(100).expect("smaller");
        assert_eq!((small.width_px, small.height_px), (100, 8));
        assert!(small.rgb.iter().all(|level| *level == 90));
    }
}
