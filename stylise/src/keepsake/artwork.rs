//! The owner's PNG files for keepsakes, with transparency: a logo, or a frame.

use std::fs::File;
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use image::imageops::{FilterType, resize};
use image::{DynamicImage, ImageFormat, ImageReader, Limits, RgbaImage};
use thiserror::Error;

use crate::intake::raster::Raster;

/// A picture with transparency. Cheap to clone.
#[derive(Clone)]
pub struct Artwork {
    /// Colours are multiplied by their opacity, so that edges have no fringes when it is scaled.
    pixels: Arc<RgbaImage>,
}

/// Why a PNG file cannot be used.
#[derive(Debug, Error)]
pub enum ArtworkError {
    #[error("{}: cannot be read: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error(
        "{}: no PNG picture of at most {max}x{max} pixels: {source}",
        path.display(),
        max = Artwork::LONGEST_SIDE_PX
    )]
    Decode {
        path: PathBuf,
        source: image::ImageError,
    },
    #[error("{}: has no transparent part for the picture", .0.display())]
    NoWindow(PathBuf),
}

impl Artwork {
    pub const LONGEST_SIDE_PX: u32 = 4096;

    /// Reads a PNG file. Its size is checked before anything of that size is allocated.
    pub fn read(path: &Path) -> Result<Self, ArtworkError> {
        let file = File::open(path).map_err(|source| ArtworkError::Read {
            path: path.to_owned(),
            source,
        })?;
        let mut limits = Limits::default();
        limits.max_image_width = Some(Self::LONGEST_SIDE_PX);
        limits.max_image_height = Some(Self::LONGEST_SIDE_PX);
        // 8 bytes a pixel, if it has 16 bits a channel.
        limits.max_alloc = Some(8 * u64::from(Self::LONGEST_SIDE_PX).pow(2));
        let mut reader = ImageReader::with_format(BufReader::new(file), ImageFormat::Png);
        reader.limits(limits);
        let image = reader.decode().map_err(|source| ArtworkError::Decode {
            path: path.to_owned(),
            source,
        })?;
        Ok(Self::from(image))
    }

    /// Reads a frame: a picture with a transparent part.
    pub fn read_frame(path: &Path) -> Result<Self, ArtworkError> {
        let frame = Self::read(path)?;
        match frame.window() {
            Some(_) => Ok(frame),
            None => Err(ArtworkError::NoWindow(path.to_owned())),
        }
    }

    pub(super) fn width_px(&self) -> usize {
        self.pixels.width() as usize
    }

    pub(super) fn height_px(&self) -> usize {
        self.pixels.height() as usize
    }

    /// Width by height.
    #[must_use]
    pub fn aspect(&self) -> f64 {
        f64::from(self.pixels.width()) / f64::from(self.pixels.height())
    }

    /// The smallest rectangle with all that is less than half opaque: left, top, width, height.
    pub(super) fn window(&self) -> Option<[usize; 4]> {
        let open = self
            .pixels
            .enumerate_pixels()
            .filter(|(_, _, pixel)| pixel[3] < 128);
        let bounds = open.fold(None, |bounds: Option<[u32; 4]>, (x, y, _)| {
            let [left, top, right, bottom] = bounds.unwrap_or([x, y, x, y]);
            Some([left.min(x), top.min(y), right.max(x), bottom.max(y)])
        });
        let [left, top, right, bottom] = bounds?.map(|side| side as usize);
        Some([left, top, right - left + 1, bottom - top + 1])
    }

    /// Lays it over a picture, scaled into a rectangle that the picture contains.
    pub(super) fn lay_over(&self, picture: &mut Raster, [left, top, width, height]: [usize; 4]) {
        let own_size = (width, height) == (self.width_px(), self.height_px());
        let scaled = (!own_size).then(|| {
            resize(
                &*self.pixels,
                width as u32,
                height as u32,
                FilterType::CatmullRom,
            )
        });
        let pixels = scaled.as_ref().unwrap_or(&self.pixels);
        for (x, y, pixel) in pixels.enumerate_pixels() {
            let at = ((top + y as usize) * picture.width_px + left + x as usize) * 3;
            let through = 255 - u16::from(pixel[3]);
            for (level, own) in picture.rgb[at..at + 3].iter_mut().zip(pixel.0) {
                let below = (u16::from(*level) * through + 127) / 255;
                *level = (below + u16::from(own)).min(255) as u8;
            }
        }
    }
}

impl From<DynamicImage> for Artwork {
    fn from(image: DynamicImage) -> Self {
        let mut pixels = image.into_rgba8();
        for pixel in pixels.pixels_mut() {
            let opacity = u16::from(pixel[3]);
            for level in &mut pixel.0[..3] {
                *level = ((u16::from(*level) * opacity + 127) / 255) as u8;
            }
        }
        Self {
            pixels: Arc::new(pixels),
        }
    }
}

impl std::fmt::Debug for Artwork {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Artwork({}x{})", self.width_px(), self.height_px())
    }
}
