//! From YUV to the network's colours. Pure.

/// Converts BT.601 limited range to full-range RGB 0..=255 (ITU-R BT.601-7, 2.5), clamped, then
/// normalised. Written in a form that the compiler vectorises.
#[inline(always)]
pub(super) fn convert_row(yuv: [&[u8]; 3], rgb: [&mut [f32]; 3], normalise: [(f32, f32); 3]) {
    let [red, green, blue] = rgb;
    let length = red.len();
    let [y, u, v] = yuv.map(|plane| &plane[..length]);
    let (green, blue) = (&mut green[..length], &mut blue[..length]);
    let [
        (scale_r, offset_r),
        (scale_g, offset_g),
        (scale_b, offset_b),
    ] = normalise;
    for x in 0..length {
        let luma = (f32::from(y[x]) - 16.0) * (255.0 / 219.0);
        let (cb, cr) = (f32::from(u[x]) - 128.0, f32::from(v[x]) - 128.0);
        let r = (luma + 1.596_027 * cr).clamp(0.0, 255.0);
        let g = (luma - 0.391_762 * cb - 0.812_968 * cr).clamp(0.0, 255.0);
        let b = (luma + 2.017_232 * cb).clamp(0.0, 255.0);
        red[x] = r * scale_r + offset_r;
        green[x] = g * scale_g + offset_g;
        blue[x] = b * scale_b + offset_b;
    }
}
