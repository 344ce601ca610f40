//! How large a picture the models are asked for.

/// What models take: the latent has an eighth of it, and FLUX puts 2 x 2 of those together.
const MULTIPLE_PX: u32 = 16;
/// Below this no model makes a picture of anything.
const SIDE_MIN_PX: u32 = 256;
/// Keeps panoramas within what GPUs have memory for.
const SIDE_MAX_PX: u32 = 2048;
/// Smaller pictures are enlarged to this: models make nonsense of less.
const MEGAPIXELS_MIN: f64 = 0.25;

/// Width and height in the shape of the given picture, multiples of 16, with at most so many megapixels
/// (of 1024 x 1024).
pub(super) fn fitted(width_px: u32, height_px: u32, max_megapixels: f64) -> (u32, u32) {
    let megapixel = 1024.0 * 1024.0;
    let (width, height) = (f64::from(width_px.max(1)), f64::from(height_px.max(1)));
    let area = (width * height).clamp(
        MEGAPIXELS_MIN.min(max_megapixels) * megapixel,
        max_megapixels * megapixel,
    );
    let scale = (area / (width * height)).sqrt();
    (side(width * scale), side(height * scale))
}

fn side(px: f64) -> u32 {
    // Rounded down, so that the area is kept; the slack is for a square root a hair below the whole.
    let multiples = (px / f64::from(MULTIPLE_PX) + 1e-6).floor();
    let px = multiples.min(f64::from(SIDE_MAX_PX)) as u32 * MULTIPLE_PX;
    px.clamp(SIDE_MIN_PX, SIDE_MAX_PX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_keep_the_shape_and_the_bounds() {
        assert_eq!(fitted(1024, 1024, 1.0), (1024, 1024));
        assert_eq!(fitted(1280, 720, 1.0), (1280, 720));
        assert_eq!(fitted(1536, 864, 1.0), (1360, 768));
        assert_eq!(fitted(720, 1280, 0.25), (384, 672));
        assert_eq!(fitted(64, 64, 1.0), (512, 512));
        for (width, height) in [
            (1, 1),
            (1536, 20),
            (20, 1536),
            (u32::MAX, 1),
            (0, 0),
            (4032, 3024),
        ] {
            let (w, h) = fitted(width, height, 1.0);
            assert!(w % 16 == 0 && h % 16 == 0, "{w}x{h}");
            assert!(
                (256..=2048).contains(&w) && (256..=2048).contains(&h),
                "{w}x{h}"
            );
        }
    }
}
