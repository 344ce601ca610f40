//! Duotone poster: a screen print in three inks, with lines in the half-tones beside the faces.

use crate::builtin::filters::{blur, edge_preserving};
use crate::builtin::plane::{
    Colour, Grey, Plane, fractal_noise, luma, mix, quantiles, quantiles_within, smoothstep,
};
use crate::builtin::stages::{Stages, StyleError};
use crate::builtin::style::BuiltinStyle;
use crate::builtin::subject::Subject;

pub(super) const STYLE: BuiltinStyle = BuiltinStyle {
    id: "duotone",
    title: "Duotone poster",
    steps: 3,
    make,
};

/// From shadow to light.
const INKS: [[f32; 3]; 4] = [
    [0.09, 0.10, 0.33],
    [0.36, 0.17, 0.47],
    [0.96, 0.38, 0.38],
    [1.00, 0.93, 0.82],
];

/// Distance between the lines of half-tones.
const LINE_PX: f32 = 7.0;

fn make(subject: &Subject, stages: &Stages) -> Result<Colour, StyleError> {
    let (picture, _) = subject.with_clear_faces(stages)?;
    let flat = edge_preserving(&picture, 12.0, 0.2)?;
    stages.advance()?;
    let faces = subject.face_cover();
    let grey = blur(&flat.map(|colour| [luma(colour)]), 0.8)?;
    let thresholds = thresholds(&flat, &grey, &faces);
    stages.advance()?;
    let worn = fractal_noise(picture.width, picture.height, 6, 2, 61);
    let made = Plane::of(picture.width, picture.height, |x, y| {
        let at = y * picture.width + x;
        let ([level], [face]) = (grey.pixels[at], faces.pixels[at]);
        let thresholds = thresholds.pixels[at];
        let turn = (x as f32 + y as f32) / LINE_PX * std::f32::consts::FRAC_1_SQRT_2;
        let wave = 0.5 - 0.5 * (turn * std::f32::consts::TAU).cos();
        // Lines reach half-way into the next ink; a face has soft steps instead.
        let line = 0.07 * (wave - 0.5) * (1.0 - face);
        let soft = 0.012 + 0.035 * face;
        let mut colour = INKS[0];
        for (ink, threshold) in INKS[1..].iter().zip(thresholds) {
            let over = smoothstep(threshold - soft, threshold + soft, level + line);
            colour = mix(colour, *ink, over);
        }
        let paper = 0.05 * worn.pixels[at][0] * (1.0 - 0.6 * face);
        colour.map(|level| (level + paper).clamp(0.0, 1.0))
    });
    stages.advance()?;
    Ok(made)
}

/// The brightness at which the next ink begins: of the whole picture, and on faces their own.
fn thresholds(flat: &Colour, grey: &Grey, faces: &Grey) -> Plane<3> {
    let all = quantiles(flat, [0.22, 0.46, 0.72]);
    let outside = faces.map(|[face]| [1.0 - face]);
    let of_faces = quantiles_within(grey, &outside, 0.4, [0.08, 0.24, 0.6]);
    let apart = |[dark, middle, light]: [f32; 3]| {
        let middle = middle.max(dark + 0.05);
        [dark, middle, light.max(middle + 0.05)]
    };
    let (all, of_faces) = (apart(all), apart(of_faces));
    faces.map(|[face]| std::array::from_fn(|n| all[n] + (of_faces[n] - all[n]) * face))
}
