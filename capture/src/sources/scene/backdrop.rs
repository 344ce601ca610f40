//! The still parts of the scene: sky, sun, hills, meadow, path, colour bars. Painted once.

use crate::canvas::{Canvas, Ink, Rect};
use crate::picture::I420;
use crate::timecode;

/// Width of the scene in pixels.
pub const WIDTH_PX: u32 = 1280;
/// Height of the scene in pixels.
pub const HEIGHT_PX: u32 = 720;

/// Row where the meadow begins at the left; hills hide the line itself.
const HORIZON_PX: f32 = 468.0;

/// A colour as red, green, blue.
type Rgb = [f32; 3];

/// Paints all of the picture.
pub(super) fn paint(picture: &mut I420) {
    let canvas = &mut Canvas::new(picture);
    let (sky_top, sky_low) = ([104.0, 168.0, 226.0], [232.0, 241.0, 245.0]);
    gradient(canvas, 0.0, HORIZON_PX + 20.0, sky_top, sky_low);
    sun(picture);
    let canvas = &mut Canvas::new(picture);
    let hills: [(f32, [f32; 4], Rgb); 3] = [
        (372.0, [46.0, 0.0047, 18.0, 0.0131], [158.0, 192.0, 205.0]),
        (412.0, [30.0, 0.0061, 14.0, 0.0173], [134.0, 184.0, 164.0]),
        (446.0, [22.0, 0.0052, 8.0, 0.0210], [116.0, 176.0, 118.0]),
    ];
    for (index, (base, waves, colour)) in hills.into_iter().enumerate() {
        hill(canvas, base, waves, index as f32 * 1.9 + 0.6, ink(colour));
    }
    meadow(canvas);
    path(canvas);
}

fn gradient(canvas: &mut Canvas<'_>, from: f32, to: f32, upper: Rgb, lower: Rgb) {
    for y in (from as i32..to as i32).step_by(2) {
        let part = (y as f32 - from) / (to - from);
        let rect = Rect::new(0, y, WIDTH_PX as i32, 2);
        canvas.fill_rect(rect, ink(mixed(upper, lower, part)), 255);
    }
}

/// A disc and a glow that fades into whatever sky is there.
fn sun(picture: &mut I420) {
    let (x, y, disc, reach) = (1130.0, 128.0, 46.0, 190.0);
    let light = ink([255.0, 247.0, 220.0]);
    let glow = |plane: &mut [u8], width: usize, step: f32, level: u8| {
        for (at, value) in plane.iter_mut().enumerate() {
            let (column, row) = ((at % width) as f32, (at / width) as f32);
            let away = ((column + 0.5) * step - x).hypot((row + 0.5) * step - y);
            let soft = ((reach - away) / (reach - disc)).clamp(0.0, 1.0);
            let edge = (disc + 1.0 - away).clamp(0.0, 1.0);
            let part = (soft * soft * 0.75).max(edge);
            *value = (f32::from(*value) * (1.0 - part) + f32::from(level) * part).round() as u8;
        }
    };
    let planes = picture.planes_mut();
    glow(planes.y, WIDTH_PX as usize, 1.0, light.y);
    glow(planes.u, WIDTH_PX as usize / 2, 2.0, light.u);
    glow(planes.v, WIDTH_PX as usize / 2, 2.0, light.v);
}

/// A ridge of two waves (height and pace each), filled down to the meadow.
fn hill(canvas: &mut Canvas<'_>, base: f32, waves: [f32; 4], phase: f32, colour: Ink) {
    let [high, slow, low, fast] = waves;
    let ridge =
        |x: f32| base - high * (x * slow + phase).sin() - low * (x * fast + phase * 2.3).sin();
    let right = WIDTH_PX as f32;
    let mut points: Vec<_> = (0..=160_u16)
        .map(|step| f32::from(step) / 160.0 * right)
        .map(|x| (x, ridge(x)))
        .collect();
    points.extend([(right, HORIZON_PX + 40.0), (0.0, HORIZON_PX + 40.0)]);
    canvas.fill_polygon(&points, colour);
}

fn meadow(canvas: &mut Canvas<'_>) {
    let edge = |x: f32| HORIZON_PX + 10.0 - 14.0 * (x * 0.0036 + 0.9).sin();
    let (far, near) = ([140.0, 190.0, 98.0], [84.0, 148.0, 66.0]);
    let bands = 40_u16;
    for band in 0..bands {
        let part = f32::from(band) / f32::from(bands);
        let drop = part * (HEIGHT_PX as f32 - HORIZON_PX);
        let right = WIDTH_PX as f32;
        let mut points: Vec<_> = (0..=64_u16)
            .map(|step| f32::from(step) / 64.0 * right)
            .map(|x| (x, edge(x) * (1.0 - part) + HORIZON_PX * part + drop))
            .collect();
        points.extend([(right, HEIGHT_PX as f32), (0.0, HEIGHT_PX as f32)]);
        canvas.fill_polygon(&points, ink(mixed(far, near, part)));
    }
}

/// A path that winds from the front to the hills, narrower the farther it is.
fn path(canvas: &mut Canvas<'_>) {
    let steps = 60_u16;
    let side = |sign: f32| {
        move |step: u16| {
            let near = f32::from(step) / f32::from(steps);
            let y = HORIZON_PX + 6.0 + near * near * (HEIGHT_PX as f32 - HORIZON_PX);
            let middle = 690.0 + 120.0 * (near * 4.4 + 0.4).sin() * (1.0 - near * 0.3);
            (middle + sign * (3.0 + 70.0 * near * near), y)
        }
    };
    let mut points: Vec<_> = (0..=steps).map(side(-1.0)).collect();
    points.extend((0..=steps).rev().map(side(1.0)));
    canvas.fill_polygon(&points, ink([186.0, 194.0, 126.0]));
}

fn mixed(from: Rgb, to: Rgb, part: f32) -> Rgb {
    std::array::from_fn(|channel| from[channel] + (to[channel] - from[channel]) * part)
}

fn ink([r, g, b]: Rgb) -> Ink {
    Ink::rgb(r.round() as u8, g.round() as u8, b.round() as u8)
}

/// The usual eight bars at 75 %, as red, green, blue in full range.
pub const BARS_RGB: [[u8; 3]; 8] = [
    [191, 191, 191],
    [191, 191, 0],
    [0, 191, 191],
    [0, 191, 0],
    [191, 0, 191],
    [191, 0, 0],
    [0, 0, 191],
    [0, 0, 0],
];

/// Fills the whole picture with eight bars of equal width, [`BARS_RGB`] from the left.
pub fn colour_bars(picture: &mut I420) {
    let rect = Rect::of_size(picture.width(), picture.height());
    bars(&mut Canvas::new(picture), rect);
}

/// The bars beside the timecode, over which nothing is painted either: each 80 x 16 pixels.
pub(super) fn strip(canvas: &mut Canvas<'_>) {
    let half = WIDTH_PX as i32 / 2;
    let height = timecode::cell_px(WIDTH_PX) as i32;
    bars(canvas, Rect::new(half, 0, half, height));
}

fn bars(canvas: &mut Canvas<'_>, area: Rect) {
    let count = BARS_RGB.len() as i32;
    for (index, [r, g, b]) in (0..).zip(BARS_RGB) {
        let (from, to) = (area.width * index / count, area.width * (index + 1) / count);
        let rect = area.columns(area.x + from, to - from);
        canvas.fill_rect(rect, Ink::rgb(r, g, b), 255);
    }
}
