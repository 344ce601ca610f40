//! Styles on a sheet of several shots: each shot is a picture of its own, with its own faces.

use crate::builtin::stages::StyleError;
use crate::intake::formats::{decode_own, encode};
use crate::intake::limits::IntakeError;
use crate::photo_kind::PhotoKind;

/// All shots of a sheet together take about as long as so many single pictures.
const PICTURES_PER_SHEET: f64 = 2.0;

/// High, because the shots are encoded again.
const QUALITY: i32 = 97;

/// `make` gets the JPEG of a shot, and the number of pixels to work on: `work_px` for a single picture.
pub(super) fn make_each(
    kind: PhotoKind,
    source: &[u8],
    work_px: f64,
    mut make: impl FnMut(&[u8], f64) -> Result<Vec<u8>, StyleError>,
) -> Result<Vec<u8>, StyleError> {
    if kind == PhotoKind::Single {
        return make(source, work_px);
    }
    let work_px = work_px * PICTURES_PER_SHEET / kind.shots() as f64;
    let shots = kind.cut(&decode_own(source).map_err(failed)?);
    let mut made = Vec::with_capacity(shots.len());
    for shot in shots {
        let jpeg = encode(&shot, QUALITY).map_err(failed)?;
        made.push(decode_own(&make(&jpeg, work_px)?).map_err(failed)?);
    }
    encode(&kind.join(&made), QUALITY).map_err(failed)
}

fn failed(error: IntakeError) -> StyleError {
    StyleError::Failed(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intake::raster::Raster;

    #[test]
    fn each_shot_is_made_alone_and_stays_in_its_place() {
        let shots: Vec<_> = [20, 80, 140, 200]
            .map(|level| Raster::filled(64, 64, level))
            .into();
        let source = encode(&PhotoKind::Strip.join(&shots), QUALITY).expect("a JPEG");
        let mut seen = Vec::new();
        let made = make_each(PhotoKind::Strip, &source, 900.0, |shot, work_px| {
            let raster = decode_own(shot).map_err(failed)?;
            seen.push((raster.width_px, raster.rgb[0] / 20 * 20, work_px));
            // A style that makes everything lighter and larger.
            encode(&Raster::filled(96, 96, raster.rgb[0] + 40), QUALITY).map_err(failed)
        });
        assert_eq!(
            seen,
            [
                (64, 20, 450.0),
                (64, 80, 450.0),
                (64, 140, 450.0),
                (64, 200, 450.0)
            ]
        );
        let sheet = decode_own(&made.expect("made")).expect("a JPEG");
        assert_eq!((sheet.width_px, sheet.height_px), (192, 192));
        let levels = PhotoKind::Strip
            .cut(&sheet)
            .into_iter()
            .map(|shot| shot.rgb[3 * 50] / 20 * 20);
        assert_eq!(levels.collect::<Vec<_>>(), [60, 120, 180, 240]);
    }

    #[test]
    fn a_cancelled_sheet_ends_at_once() {
        let sheet = encode(&Raster::filled(96, 128, 9), QUALITY).expect("a JPEG");
        let mut calls = 0;
        let made = make_each(PhotoKind::Boomerang, &sheet, 900.0, |_, _| {
            calls += 1;
            Err(StyleError::Cancelled)
        });
        assert_eq!((made, calls), (Err(StyleError::Cancelled), 1));
    }
}
