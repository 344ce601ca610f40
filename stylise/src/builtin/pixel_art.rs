//! Pixel art: square cells in 32 colours of the picture's own, dithered off the faces.

use crate::builtin::filters::{from_lab, resize, to_lab};
use crate::builtin::plane::{Colour, Plane, saturate};
use crate::builtin::stages::{Stages, StyleError};
use crate::builtin::style::BuiltinStyle;
use crate::builtin::subject::Subject;

pub(super) const STYLE: BuiltinStyle = BuiltinStyle {
    id: "pixel-art",
    title: "Pixel art",
    steps: 3,
    make,
};

const COLOURS: usize = 32;
const ROUNDS: usize = 8;

/// Side of a cell without a face, and of the smallest.
const CELL_PX: usize = 8;
const CELL_MIN_PX: usize = 4;
/// Cells across a face that show its eyes.
const CELLS_OF_FACE: usize = 27;

/// Strength of the dithering in steps of lightness.
const DITHER: f32 = 5.0;
const BAYER: [[f32; 4]; 4] = [
    [0.0, 8.0, 2.0, 10.0],
    [12.0, 4.0, 14.0, 6.0],
    [3.0, 11.0, 1.0, 9.0],
    [15.0, 7.0, 13.0, 5.0],
];

fn make(subject: &Subject, stages: &Stages) -> Result<Colour, StyleError> {
    let (picture, features) = subject.with_clear_faces(stages)?;
    stages.advance()?;
    let face = subject.faces.first().map(|face| face.width / CELLS_OF_FACE);
    let cell = face.map_or(CELL_PX, |cell| cell.clamp(CELL_MIN_PX, CELL_PX));
    let (columns, rows) = (picture.width / cell, picture.height / cell);
    if columns == 0 || rows == 0 {
        return Ok(picture);
    }
    let small = resize(&picture.map(|colour| saturate(colour, 1.3)), columns, rows)?;
    let features = resize(&features, columns, rows)?;
    let faces = resize(&subject.face_cover(), columns, rows)?;
    // A cell is the mean of its pixels, which makes eyes pale.
    let lab = to_lab(&small.clamped())?.with(&features, |[light, a, b], [feature]| {
        [light - 9.0 * feature, a, b]
    });
    let weights: Vec<f32> = faces.pixels.iter().map(|[face]| 1.0 + 3.0 * face).collect();
    let palette = palette(&lab.pixels, &weights);
    stages.advance()?;
    let chosen = Plane::of(columns, rows, |x, y| {
        let at = y * columns + x;
        let [light, a, b] = lab.pixels[at];
        let dither = (BAYER[y % 4][x % 4] / 15.0 - 0.5) * DITHER;
        let light = light + dither * (1.0 - faces.pixels[at][0]);
        palette[nearest(&palette, [light, a, b])]
    });
    let cells = from_lab(&chosen)?;
    let made = Plane::of(columns * cell, rows * cell, |x, y| {
        cells.pixels[y / cell * columns + x / cell]
    });
    stages.advance()?;
    Ok(made)
}

fn distance(one: [f32; 3], other: [f32; 3]) -> f32 {
    (0..3).map(|n| (one[n] - other[n]).powi(2)).sum()
}

fn nearest(palette: &[[f32; 3]], colour: [f32; 3]) -> usize {
    let by_distance = |one: &usize, two: &usize| {
        distance(palette[*one], colour).total_cmp(&distance(palette[*two], colour))
    };
    (0..palette.len()).min_by(by_distance).unwrap_or(0)
}

/// Colours that stand for all of them: k-means, from colours that are far from each other.
fn palette(colours: &[[f32; 3]], weights: &[f32]) -> Vec<[f32; 3]> {
    let mut palette = vec![colours[colours.len() / 2]];
    let mut away: Vec<f32> = vec![f32::INFINITY; colours.len()];
    while palette.len() < COLOURS {
        let last = palette[palette.len() - 1];
        for (away, colour) in away.iter_mut().zip(colours) {
            *away = away.min(distance(*colour, last));
        }
        let farthest = (0..colours.len()).max_by(|one, two| away[*one].total_cmp(&away[*two]));
        let Some(farthest) = farthest.filter(|at| away[*at] > 1.0) else {
            break;
        };
        palette.push(colours[farthest]);
    }
    for _ in 0..ROUNDS {
        let mut sums = vec![[0.0; 4]; palette.len()];
        for (colour, weight) in colours.iter().zip(weights) {
            let sum = &mut sums[nearest(&palette, *colour)];
            for (sum, level) in sum.iter_mut().zip(colour) {
                *sum += level * weight;
            }
            sum[3] += weight;
        }
        for (colour, [light, a, b, weight]) in palette.iter_mut().zip(sums) {
            if weight > 0.0 {
                *colour = [light / weight, a / weight, b / weight];
            }
        }
    }
    palette
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_colours_in_square_cells() {
        let picture = Plane::of(160, 96, |x, y| [x as f32 / 160.0, y as f32 / 96.0, 0.5]);
        let subject = Subject::without_people(picture);
        let made = make(&subject, &Stages::default()).expect("made");
        let mut colours: Vec<[u8; 3]> = Vec::new();
        for (at, pixel) in made.pixels.iter().enumerate() {
            let (x, y) = (at % made.width, at / made.width);
            let corner = y / CELL_PX * CELL_PX * made.width + x / CELL_PX * CELL_PX;
            assert_eq!(*pixel, made.pixels[corner]);
            colours.push(pixel.map(|level| (level * 255.0).round() as u8));
        }
        colours.sort_unstable();
        colours.dedup();
        assert!(colours.len() <= COLOURS, "{}", colours.len());
    }
}
