//! The timecode strip: the capture time painted into the picture, so that a viewer can measure the
//! glass-to-glass latency.
//!
//! Format: 40 cells in a row from the upper left corner, each `width / 80` pixels square, white is 1.
//! The start mark `1 0`, the low 32 bits of the Unix time in milliseconds (most significant first), the
//! XOR of their eight nibbles, the end mark `0 1`. A reader compares the middle of each cell with a
//! threshold.

use crate::canvas::{Canvas, Ink, Rect};
use crate::picture::I420;

const CELLS: usize = 40;

/// Side of a cell in pixels, which is also the height of the strip. 0 when the picture is too small
/// for a strip.
#[must_use]
pub fn cell_px(width: u32) -> u32 {
    width / 80
}

/// Paints the strip. Pictures less than 80 pixels wide stay as they are.
pub fn paint(picture: &mut I420, unix_ms: u64) {
    let side = cell_px(picture.width()) as i32;
    let mut canvas = Canvas::new(picture);
    for (index, bit) in (0_i32..).zip(cells(unix_ms as u32)) {
        let rect = Rect::new(index * side, 0, side, side);
        canvas.fill_rect(rect, if bit { Ink::WHITE } else { Ink::BLACK }, 255);
    }
}

/// Reads the low 32 bits of the Unix time in milliseconds; `None` when there is no valid strip.
#[must_use]
pub fn read(picture: &I420) -> Option<u32> {
    let side = cell_px(picture.width()) as usize;
    if side == 0 {
        return None;
    }
    let middle_row = side / 2 * picture.width() as usize;
    let luma = picture.planes().y;
    let mut seen = [false; CELLS];
    for (index, bit) in seen.iter_mut().enumerate() {
        // Half way between black (16) and white (235).
        *bit = *luma.get(middle_row + index * side + side / 2)? > 125;
    }
    let value = seen[2..34]
        .iter()
        .fold(0, |value, bit| value << 1 | u32::from(*bit));
    (seen == cells(value)).then_some(value)
}

fn cells(value: u32) -> [bool; CELLS] {
    let check = (0..8).fold(0, |check, nibble| check ^ (value >> (4 * nibble)) & 0xf);
    let word = 0b10 << 38 | u64::from(value) << 6 | u64::from(check) << 2 | 0b01;
    std::array::from_fn(|index| word >> (CELLS - 1 - index) & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jpeg::{JpegDecoder, JpegEncoder};
    use crate::picture::PicturePool;
    use crate::scale::Scaler;

    #[test]
    fn cells_have_the_documented_layout() {
        let bits = cells(0x8000_0003);
        assert_eq!(bits[..4], [true, false, true, false]);
        assert_eq!(
            bits[30..34],
            [false, false, true, true],
            "the lowest nibble"
        );
        assert_eq!(
            bits[34..],
            [true, false, true, true, false, true],
            "8 ^ 3, then the mark"
        );
    }

    #[test]
    fn times_survive_at_any_size_and_keep_their_low_32_bits() {
        for (width, height) in [(1280, 720), (640, 360), (720, 404), (80, 2)] {
            let mut picture = I420::black(width, height).expect("even");
            picture.fill(120, 90, 200);
            for unix_ms in [0, 1, 0xffff_ffff, 1_790_000_123_456] {
                paint(&mut picture, unix_ms);
                assert_eq!(read(&picture), Some(unix_ms as u32), "{width}x{height}");
            }
            let below = cell_px(width) as usize * width as usize;
            assert!(picture.planes().y[below..].iter().all(|luma| *luma == 120));
        }
    }

    #[test]
    fn a_strip_survives_low_jpeg_quality_and_half_the_size() {
        let mut picture = I420::black(1280, 720).expect("even");
        picture.fill(140, 110, 150);
        let (mut encoder, mut decoder) = (
            JpegEncoder::new().expect("starts"),
            JpegDecoder::new().expect("starts"),
        );
        let (pool, mut scaler) = (PicturePool::new(1), Scaler::new());
        for step in 0..20 {
            let unix_ms = 1_790_000_000_000 + step * 7_777_777;
            paint(&mut picture, unix_ms);
            let jpeg = encoder.encode(&picture, 15).expect("encodes");
            let rough = decoder.decode(&jpeg, &pool).expect("decodes");
            assert_eq!(read(&rough), Some(unix_ms as u32));
            let mut half = I420::black(640, 360).expect("even");
            scaler.scale(&rough, &mut half).expect("scales");
            assert_eq!(read(&half), Some(unix_ms as u32));
        }
    }

    #[test]
    fn no_strip_reads_as_none() {
        let mut picture = I420::black(1280, 720).expect("even");
        assert_eq!(read(&picture), None, "black");
        picture.fill(235, 128, 128);
        assert_eq!(read(&picture), None, "white");
        paint(&mut picture, 12_345);
        picture.planes_mut().y[8 * 1280 + 20 * 16 + 8] ^= 0xff;
        assert_eq!(read(&picture), None, "one cell turned over");
        assert_eq!(read(&I420::black(78, 40).expect("even")), None);
        let mut tiny = I420::black(8, 8).expect("even");
        paint(&mut tiny, 1);
        assert_eq!(tiny, I420::black(8, 8).expect("even"));
    }
}
