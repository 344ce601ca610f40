//! A strip of single shots with texts of its own, such as the moments of a game.

use crate::intake::formats::{decode_own, encode};
use crate::intake::raster::Raster;
use crate::keepsake::layout::{Inscription, PaperLayout};
use crate::keepsake::{
    KeepsakeDesign, KeepsakeError, LONG_SIDE_PX, QUALITY, STRIP_LONG_SIDE_PX, isolated, paint,
};

/// How much around an object is shown close up, in parts of its size.
const CLOSE_UP: f64 = 1.7;
/// The smallest part of a picture that is enlarged.
const PART_MIN: f64 = 0.25;

/// One picture of a strip.
#[derive(Debug, Clone, PartialEq)]
pub struct StripShot {
    pub jpeg: Vec<u8>,
    /// Left, top, right and bottom of what is shown close up, in parts of the picture; `None`: all of it is shown.
    pub close_up: Option<[f32; 4]>,
}

impl KeepsakeDesign {
    /// At most four shots, one below the other; a single one as a picture with an even margin. The logo is the owner's,
    /// if pictures have a frame.
    pub fn strip(
        &self,
        shots: &[StripShot],
        (title, caption, date): (&str, &str, &str),
    ) -> Result<Vec<u8>, KeepsakeError> {
        isolated(|| {
            let pictures: Result<Vec<Raster>, KeepsakeError> = shots.iter().map(shown).collect();
            let pictures = pictures?;
            let logo = self.logo.as_ref().filter(|_| self.is_framed);
            let inscription = Inscription {
                event: title,
                caption,
                date: date.trim(),
                logo_aspect: logo.map(super::Artwork::aspect),
            };
            let shape = pictures.first().map_or(1.0, Raster::aspect);
            let layout = match pictures.len() {
                0 | 1 => PaperLayout::single(shape, &inscription).enlarged(LONG_SIDE_PX),
                _ => PaperLayout::strip(shape, &inscription).enlarged(STRIP_LONG_SIDE_PX),
            };
            Ok(encode(&paint::paper(&layout, &pictures, logo)?, QUALITY)?)
        })
    }
}

fn shown(shot: &StripShot) -> Result<Raster, KeepsakeError> {
    let picture = decode_own(&shot.jpeg)?;
    Ok(match shot.close_up {
        Some(region) => picture.part(part_of(
            region.map(f64::from),
            picture.width_px,
            picture.height_px,
        )),
        None => picture,
    })
}

/// Left, top, width and height in pixels of the part around a region, with the shape of the whole picture.
fn part_of([left, top, right, bottom]: [f64; 4], width_px: usize, height_px: usize) -> [usize; 4] {
    let size = (right - left).max(bottom - top) * CLOSE_UP;
    let side = if size.is_finite() {
        size.clamp(PART_MIN, 1.0)
    } else {
        1.0
    };
    let start = |from: f64, to: f64, length_px: usize| {
        let start = f64::midpoint(from, to) - side / 2.0;
        let start = start.clamp(0.0, 1.0 - side);
        // What is no number becomes 0.
        (start * length_px as f64).floor() as usize
    };
    let length = |length_px: usize| ((side * length_px as f64).round() as usize).max(1);
    [
        start(left, right, width_px),
        start(top, bottom, height_px),
        length(width_px),
        length(height_px),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intake::CheckedPicture;
    use crate::intake::limits::Limits;
    use crate::intake::tests::samples;

    #[test]
    fn a_close_up_is_inside_and_has_the_shape_of_the_picture() {
        for region in [
            [0.4, 0.4, 0.6, 0.7],
            [0.0, 0.0, 0.05, 0.05],
            [0.9, 0.9, 1.4, 1.2],
            [-0.5, -0.5, 2.0, 2.0],
            [f64::NAN; 4],
            [0.7, 0.7, 0.2, 0.2],
        ] {
            let [left, top, width, height] = part_of(region, 1280, 720);
            assert!(left + width <= 1280 && top + height <= 720, "{region:?}");
            let shape = width as f64 / height as f64;
            assert!((shape - 16.0 / 9.0).abs() < 0.02, "{region:?}: {shape}");
            assert!(width >= 320, "{region:?}");
        }
        assert_eq!(
            part_of([0.4, 0.4, 0.6, 0.6], 1000, 1000),
            [330, 330, 340, 340]
        );
    }

    #[test]
    fn one_shot_is_a_picture_and_more_are_a_strip() {
        let jpeg = samples::jpeg(&samples::scene(640, 360), 90);
        let design = KeepsakeDesign::default();
        let made = |count: usize| {
            let shot = |index: usize| StripShot {
                jpeg: jpeg.clone(),
                close_up: (index % 2 == 1).then_some([0.4, 0.4, 0.6, 0.6]),
            };
            let shots: Vec<_> = (0..count).map(shot).collect();
            let texts = ("Object hunt", "Brave Otter: 120", "29 November 2026");
            let made = design.strip(&shots, texts).expect("made");
            let picture = CheckedPicture::read(&made, &Limits::RESULT).expect("a picture");
            (picture.width_px(), picture.height_px())
        };
        let (width, height) = made(1);
        assert!(width > height, "{width}x{height}");
        let (width, height) = made(4);
        assert!(height == 2400 && width < 1200, "{width}x{height}");
    }

    #[test]
    fn what_is_no_picture_is_an_error() {
        let shot = StripShot {
            jpeg: b"no picture".to_vec(),
            close_up: None,
        };
        let made = KeepsakeDesign::default().strip(&[shot], ("", "", ""));
        assert!(made.is_err());
    }
}
