//! Deinterlacing.

use crate::picture::I420;

/// Deinterlaces by blending: each row becomes a quarter of the row above, half of itself, and a quarter
/// of the row below. This removes the comb at the edges of moving objects, and some sharpness. A filter
/// that uses the previous and next pictures, such as FFmpeg's yadif, is better.
pub(crate) fn blend_fields(picture: &mut I420) {
    let width = picture.width() as usize;
    let planes = picture.planes_mut();
    blend(planes.y, width);
    blend(planes.u, width / 2);
    blend(planes.v, width / 2);
}

fn blend(plane: &mut [u8], width: usize) {
    let mut above = plane[..width].to_vec();
    let mut at = 0;
    while at < plane.len() {
        let (rows, below) = plane.split_at_mut(at + width);
        let row = &mut rows[at..];
        for (x, value) in row.iter_mut().enumerate() {
            let own = u16::from(*value);
            let below = below.get(x).map_or(own, |value| u16::from(*value));
            let mixed = (u16::from(above[x]) + 2 * own + below + 2) >> 2;
            above[x] = std::mem::replace(value, mixed as u8);
        }
        at += width;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blending_removes_combs_and_keeps_gradients() {
        let mut picture = I420::black(8, 8).expect("even");
        for (y, row) in picture.planes_mut().y.chunks_exact_mut(8).enumerate() {
            row.fill(if y % 2 == 0 { 40 } else { 200 });
        }
        blend_fields(&mut picture);
        let rows: Vec<u8> = picture
            .planes()
            .y
            .chunks_exact(8)
            .map(|row| row[3])
            .collect();
        assert_eq!(rows[1..7], [120; 6]);
        for (y, row) in picture.planes_mut().y.chunks_exact_mut(8).enumerate() {
            row.fill(20 * y as u8);
        }
        blend_fields(&mut picture);
        let rows: Vec<u8> = picture
            .planes()
            .y
            .chunks_exact(8)
            .map(|row| row[7])
            .collect();
        assert_eq!(rows[1..7], [20, 40, 60, 80, 100, 120]);
    }
}
