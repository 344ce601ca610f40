//! The name of the camera, in the lower left corner of its pictures.

use capture::canvas::{Canvas, Rect, Text};

use super::style::{self, GROUND, PAPER, Sizes};

/// Distance from the edges, in parts of the height.
const MARGIN: f32 = 1.0 / 36.0;
/// Opacity of the ground below the text.
const GROUND_ALPHA: u8 = 160;

pub(crate) fn paint(canvas: &mut Canvas<'_>, text: &mut Text, name: &str, sizes: Sizes) {
    let (width, height) = (canvas.width() as i32, canvas.height() as i32);
    let margin = (height as f32 * MARGIN).round() as i32;
    let room = width - 2 * (margin + sizes.pad_x);
    let name = text.fitted(name, sizes.text, room.max(0) as f32);
    let chip_width = text.width_px(&name, sizes.text).ceil() as i32 + 2 * sizes.pad_x;
    let chip_height = Text::cap_height_px(sizes.text).round() as i32 + 2 * sizes.pad_y;
    let chip = Rect::new(
        margin,
        height - margin - chip_height,
        chip_width,
        chip_height,
    );
    let radius = sizes.radius as f32;
    canvas.fill_round_rect(chip, radius, style::ink(GROUND), GROUND_ALPHA);
    let from = ((chip.x + sizes.pad_x) as f32, chip.bottom() - sizes.pad_y);
    text.draw(canvas, from, &name, sizes.text, style::ink(PAPER));
}

#[cfg(test)]
mod tests {
    use capture::I420;

    use super::*;

    /// Left, top, right, bottom of what differs from the grey ground.
    fn painted(width: u32, height: u32, name: &str) -> Option<[u32; 4]> {
        let mut picture = I420::black(width, height).expect("even");
        picture.fill(128, 128, 128);
        let mut text = Text::new();
        paint(
            &mut Canvas::new(&mut picture),
            &mut text,
            name,
            Sizes::of(height),
        );
        let rows = picture.planes().y.chunks_exact(width as usize).zip(0..);
        let changed = rows.flat_map(|(row, y)| {
            let row = row.iter().zip(0..);
            row.filter(|(luma, _)| **luma != 128)
                .map(move |(_, x)| (x, y))
        });
        changed.fold(None, |found: Option<[u32; 4]>, (x, y)| {
            let [left, top, right, bottom] = found.unwrap_or([x, y, x, y]);
            Some([left.min(x), top.min(y), right.max(x), bottom.max(y)])
        })
    }

    #[test]
    fn the_name_stands_in_the_lower_left_corner() {
        for (width, height) in [(1280, 720), (640, 360), (360, 640)] {
            let [left, top, right, bottom] = painted(width, height, "front").expect("painted");
            assert!(left < width / 10 && right < width / 2, "{left}..{right}");
            assert!(top > height * 3 / 4 && bottom < height, "{top}..{bottom}");
        }
    }

    #[test]
    fn a_long_name_stays_inside() {
        let name = "the camera above the second door on the left";
        let [left, _, right, _] = painted(180, 320, name).expect("painted");
        assert!(left > 0 && right < 179, "{left}..{right}");
        painted(2, 2, name);
    }
}
