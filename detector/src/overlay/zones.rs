//! Outlines of the owner's zones, with their names.

use capture::canvas::{Canvas, Ink, Text};

use super::style::{self, ACCENT, GROUND, PAPER, QUIET, Sizes};
use crate::zones::{Zone, ZoneKind};

/// Opacity of the ground below a name.
const GROUND_ALPHA: u8 = 140;

pub(super) fn paint<'a>(
    canvas: &mut Canvas<'_>,
    text: &mut Text,
    zones: impl Iterator<Item = &'a Zone>,
    sizes: Sizes,
) {
    let size = (canvas.width() as f32, canvas.height() as f32);
    for zone in zones {
        let colour = match zone.kind {
            ZoneKind::Named => ACCENT,
            ZoneKind::Ignore => QUIET,
        };
        let corners: Vec<(f32, f32)> = zone
            .points
            .iter()
            .map(|[x, y]| (x * size.0, y * size.1))
            .collect();
        outline(canvas, &corners, style::ink(colour), sizes);
        name(canvas, text, &zone.name, &corners, sizes);
    }
}

fn outline(canvas: &mut Canvas<'_>, corners: &[(f32, f32)], ink: Ink, sizes: Sizes) {
    let next = corners.iter().cycle().skip(1);
    for (from, to) in corners.iter().zip(next) {
        canvas.line(*from, *to, (sizes.line as f32 / 2.0).max(1.0), ink);
    }
}

/// Beside the upmost corner, within the picture.
fn name(
    canvas: &mut Canvas<'_>,
    text: &mut Text,
    name: &str,
    corners: &[(f32, f32)],
    sizes: Sizes,
) {
    let upmost = corners.iter().min_by(|a, b| a.1.total_cmp(&b.1));
    let Some((x, y)) = upmost else { return };
    let (pad_x, pad_y) = (sizes.pad_x, sizes.pad_y);
    let room = canvas.width() as i32 - 2 * pad_x;
    let name = text.fitted(name, sizes.text, room.max(0) as f32);
    let width = text.width_px(&name, sizes.text).ceil() as i32 + 2 * pad_x;
    let height = Text::cap_height_px(sizes.text).round() as i32 + 2 * pad_y;
    let place = |at: f32, length: i32, whole: u32| (at as i32).min(whole as i32 - length).max(0);
    let left = place(*x, width, canvas.width());
    let top = place(*y, height, canvas.height());
    let chip = capture::canvas::Rect::new(left, top, width, height);
    canvas.fill_round_rect(chip, sizes.radius as f32, style::ink(GROUND), GROUND_ALPHA);
    let from = ((chip.x + pad_x) as f32, chip.bottom() - pad_y);
    text.draw(canvas, from, &name, sizes.text, style::ink(PAPER));
}

#[cfg(test)]
mod tests {
    use capture::I420;

    use super::*;

    fn painted(kind: ZoneKind, points: &[[f32; 2]]) -> I420 {
        let mut picture = I420::black(640, 360).expect("even");
        picture.fill(128, 128, 128);
        let zone = Zone {
            name: "door".to_owned(),
            kind,
            points: points.to_vec(),
            camera: None,
            anchor: None,
            dwell_s: 0,
        };
        let (mut canvas, mut text) = (Canvas::new(&mut picture), Text::new());
        paint(&mut canvas, &mut text, [&zone].into_iter(), Sizes::of(360));
        picture
    }

    fn luma(picture: &I420, x: usize, y: usize) -> u8 {
        picture.planes().y[y * 640 + x]
    }

    #[test]
    fn the_edges_and_the_name_are_painted_and_nothing_else() {
        let points = [[0.25, 0.25], [0.75, 0.25], [0.75, 0.75], [0.25, 0.75]];
        let picture = painted(ZoneKind::Named, &points);
        for (x, y) in [(320, 90), (480, 180), (320, 270), (160, 180)] {
            let around = [
                luma(&picture, x, y),
                luma(&picture, x - 1, y),
                luma(&picture, x, y - 1),
            ];
            assert!(around.iter().any(|luma| *luma != 128), "({x}, {y})");
        }
        for (x, y) in [(320, 180), (20, 20), (600, 340)] {
            assert_eq!(luma(&picture, x, y), 128, "({x}, {y})");
        }
        let mut name = (91..110).flat_map(|y| (162..190).map(move |x| (x, y)));
        assert!(
            name.any(|(x, y)| luma(&picture, x, y) < 100),
            "the ground of the name"
        );
    }

    #[test]
    fn zones_at_the_edge_stay_in_the_picture() {
        let corner = [[0.99, 0.99], [1.0, 0.99], [1.0, 1.0]];
        let picture = painted(ZoneKind::Ignore, &corner);
        assert!(luma(&picture, 630, 350) != 128, "the name");
    }
}
