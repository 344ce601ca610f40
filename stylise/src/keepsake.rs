//! What a visitor takes home, made of a stored result when somebody asks for it, and stored nowhere: a picture in a
//! frame, a strip of four, or a GIF. So it expires and is erased with the result.
//!
//! `layout` decides where everything is on the paper (pure), `paint` makes the pixels. `artwork` reads the owner's
//! PNG files, and `template` puts a picture into one of them. `animation` writes the GIF.

mod animation;
mod artwork;
mod layout;
mod paint;
mod shots;
mod template;
#[cfg(test)]
mod tests;

use thiserror::Error;

pub use artwork::{Artwork, ArtworkError};
pub use shots::StripShot;

use crate::intake::formats::{decode_own, encode};
use crate::intake::limits::IntakeError;
use crate::intake::raster::Raster;
use crate::isolate;
use crate::keepsake::layout::{Inscription, PaperLayout};
use crate::photo_kind::PhotoKind;

/// Below the threads of the live feed, as for uploads.
const NICE: i32 = 5;
/// As of stored pictures.
const QUALITY: i32 = 92;
/// 300 dots per inch on paper of 15 cm, which most photo printers have.
const LONG_SIDE_PX: f64 = 1800.0;
/// A strip is 15 cm long and narrow: its shots need more dots.
const STRIP_LONG_SIDE_PX: f64 = 2400.0;
/// For messengers: larger ones take megabytes.
const GIF_LONG_SIDE_PX: f64 = 480.0;

/// What is on the paper around a picture.
#[derive(Debug, Clone, Default)]
pub struct KeepsakeDesign {
    /// Without a frame, a single picture is left as it is, and the shots of a strip are on plain paper.
    pub is_framed: bool,
    pub event: String,
    pub caption: String,
    pub logo: Option<Artwork>,
    /// The owner's own frame for single pictures; nothing is drawn then.
    pub template: Option<Artwork>,
}

/// Why a keepsake cannot be made.
#[derive(Debug, Error)]
pub enum KeepsakeError {
    #[error("the stored picture cannot be used: {0}")]
    Picture(#[from] IntakeError),
    #[error("the GIF cannot be made: {0}")]
    Gif(#[from] gif::EncodingError),
    #[error("the keepsake cannot be made: {0}")]
    Broken(String),
}

/// A stored result as one still picture: of a boomerang its first shot.
pub(crate) fn still(stored: Vec<u8>, kind: PhotoKind) -> Vec<u8> {
    if kind != PhotoKind::Boomerang {
        return stored;
    }
    let first = isolated(|| {
        let sheet = decode_own(&stored)?;
        let shots = kind.cut(&sheet);
        Ok(encode(shots.first().unwrap_or(&sheet), QUALITY)?)
    });
    first.unwrap_or(stored)
}

impl KeepsakeDesign {
    /// A stored result as it is saved and printed. `date`: as it is written on the paper.
    pub fn jpeg(
        &self,
        stored: &[u8],
        kind: PhotoKind,
        date: &str,
    ) -> Result<Vec<u8>, KeepsakeError> {
        if kind == PhotoKind::Single && !self.is_framed {
            return Ok(stored.to_vec());
        }
        isolated(|| {
            let picture = decode_own(stored)?;
            Ok(encode(&self.on_paper(&picture, kind, date)?, QUALITY)?)
        })
    }

    /// As [`KeepsakeDesign::jpeg`], for a sheet of photo paper: a strip is on it twice, side by side, to be cut apart.
    pub fn print(
        &self,
        stored: &[u8],
        kind: PhotoKind,
        date: &str,
    ) -> Result<Vec<u8>, KeepsakeError> {
        if kind != PhotoKind::Strip {
            return self.jpeg(stored, kind, date);
        }
        isolated(|| {
            let strip = self.on_paper(&decode_own(stored)?, kind, date)?;
            let mut twice = Raster::filled(strip.width_px * 2, strip.height_px, 255);
            twice.paste(&strip, 0, 0);
            twice.paste(&strip, strip.width_px, 0);
            Ok(encode(&twice, QUALITY)?)
        })
    }

    /// A stored boomerang as a GIF.
    pub fn gif(&self, stored: &[u8], date: &str) -> Result<Vec<u8>, KeepsakeError> {
        isolated(|| {
            let shots = PhotoKind::Boomerang.cut(&decode_own(stored)?);
            let shape = shots.first().map_or(1.0, Raster::aspect);
            let layout = match self.is_framed {
                true => PaperLayout::single(shape, &self.inscription(date)),
                false => PaperLayout::bare(shape),
            };
            let layout = layout.enlarged(GIF_LONG_SIDE_PX);
            let blank = paint::blank(&layout, self.logo.as_ref());
            let frame = |shot: &Raster| {
                let mut frame = blank.clone();
                paint::place(&mut frame, layout.pictures[0], shot)?;
                Ok(frame)
            };
            let frames: Result<Vec<_>, IntakeError> = shots.iter().map(frame).collect();
            Ok(animation::boomerang(&frames?)?)
        })
    }

    fn on_paper(
        &self,
        picture: &Raster,
        kind: PhotoKind,
        date: &str,
    ) -> Result<Raster, KeepsakeError> {
        if let (PhotoKind::Single, Some(template)) = (kind, &self.template) {
            return Ok(template::fill(template, picture)?);
        }
        let inscription = self.inscription(date);
        let shots = kind.cut(picture);
        let shape = shots.first().map_or(1.0, Raster::aspect);
        let layout = match kind {
            PhotoKind::Strip => {
                PaperLayout::strip(shape, &inscription).enlarged(STRIP_LONG_SIDE_PX)
            }
            _ => PaperLayout::single(shape, &inscription).enlarged(LONG_SIDE_PX),
        };
        Ok(paint::paper(&layout, &shots, self.logo.as_ref())?)
    }

    fn inscription<'a>(&'a self, date: &'a str) -> Inscription<'a> {
        if !self.is_framed {
            return Inscription::default();
        }
        Inscription {
            event: self.event.trim(),
            caption: self.caption.trim(),
            date: date.trim(),
            logo_aspect: self.logo.as_ref().map(Artwork::aspect),
        }
    }
}

/// Keeps the work off the threads of the live feed, and turns a panic into an error.
fn isolated<T: Send>(
    work: impl FnOnce() -> Result<T, KeepsakeError> + Send,
) -> Result<T, KeepsakeError> {
    isolate::run("carrier-keepsake", NICE, work)
        .unwrap_or_else(|error| Err(KeepsakeError::Broken(error.to_string())))
}
