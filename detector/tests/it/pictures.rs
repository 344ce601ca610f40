//! Still pictures to I420.

use std::path::Path;

use capture::I420;

/// Decodes a picture and converts it: BT.601 limited range, chroma the mean of two by two pixels.
/// Odd sides are made even by repeating the last pixel: without it, a box at the edge of one of the
/// pictures comes out differently enough to count as missed.
pub(crate) fn load(path: &Path) -> I420 {
    let rgb = image::open(path).expect("a picture").into_rgb8();
    let (width, height) = (
        rgb.width().next_multiple_of(2),
        rgb.height().next_multiple_of(2),
    );
    let mut picture = I420::black(width, height).expect("even");
    let planes = picture.planes_mut();
    let at = |x: u32, y: u32| {
        let (x, y) = (x.min(rgb.width() - 1), y.min(rgb.height() - 1));
        rgb.get_pixel(x, y).0.map(f32::from)
    };
    for (place, luma) in planes.y.iter_mut().enumerate() {
        let [r, g, b] = at(place as u32 % width, place as u32 / width);
        *luma = (16.0 + (65.481 * r + 128.553 * g + 24.966 * b) / 255.0).round() as u8;
    }
    for (place, (u, v)) in planes.u.iter_mut().zip(planes.v).enumerate() {
        let (x, y) = (
            place as u32 % (width / 2) * 2,
            place as u32 / (width / 2) * 2,
        );
        let square = [at(x, y), at(x + 1, y), at(x, y + 1), at(x + 1, y + 1)];
        let mean = |channel: usize| square.iter().map(|rgb| rgb[channel]).sum::<f32>() / 4.0;
        let (r, g, b) = (mean(0), mean(1), mean(2));
        *u = (128.0 + (-37.797 * r - 74.203 * g + 112.0 * b) / 255.0).round() as u8;
        *v = (128.0 + (112.0 * r - 93.786 * g - 18.214 * b) / 255.0).round() as u8;
    }
    picture
}
