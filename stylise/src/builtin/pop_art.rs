//! Pop art: the picture four times, each in four bright inks with halftone dots.

use crate::builtin::comic::halftone;
use crate::builtin::edges::{Pen, edge_flow, ink_lines};
use crate::builtin::filters::{bilateral, blur, resize};
use crate::builtin::plane::{
    Colour, Grey, Plane, luma, mix, quantiles, quantiles_within, smoothstep,
};
use crate::builtin::stages::{Stages, StyleError};
use crate::builtin::style::BuiltinStyle;
use crate::builtin::subject::Subject;

pub(super) const STYLE: BuiltinStyle = BuiltinStyle {
    id: "pop-art",
    title: "Pop art",
    steps: 3,
    make,
};

/// Ordered from dark to light.
type Inks = [[u8; 3]; 4];

const PANELS: [Inks; 4] = [
    [
        [60, 20, 70],
        [220, 30, 150],
        [255, 180, 60],
        [255, 240, 170],
    ],
    [[20, 30, 90], [0, 120, 200], [60, 210, 120], [235, 255, 210]],
    [
        [120, 20, 40],
        [240, 60, 40],
        [255, 140, 180],
        [255, 235, 240],
    ],
    [[0, 50, 80], [150, 50, 150], [40, 190, 220], [255, 250, 120]],
];

const DOT_PX: f32 = 7.0;
const PEN: Pen = Pen {
    sigma_px: 1.3,
    floor: 0.018,
    gain: 45.0,
};
const BRUSH: Pen = Pen {
    sigma_px: 2.2,
    floor: 0.04,
    gain: 40.0,
};

fn make(subject: &Subject, stages: &Stages) -> Result<Colour, StyleError> {
    let (picture, _) = subject.with_clear_faces(stages)?;
    let (width, height) = (picture.width / 2, picture.height / 2);
    let small = resize(&picture, width, height)?;
    let faces = resize(&subject.face_cover(), width, height)?;
    let flat = bilateral(&bilateral(&small, 40.0, 5.0)?, 40.0, 5.0)?;
    let grey = blur(&flat.map(|colour| [luma(colour)]), 1.2)?;
    let thresholds = thresholds(&flat);
    // Faces have thresholds of their own, so that dark and light ones show the same detail.
    let on_faces = thresholds_on_faces(&grey, &faces);
    let thresholds = faces.map(|[face]| {
        std::array::from_fn(|n| thresholds[n] + (on_faces[n] - thresholds[n]) * face)
    });
    stages.advance()?;
    let detail = blur(
        &bilateral(&small, 30.0, 3.0)?.map(|colour| [luma(colour)]),
        0.6,
    )?;
    let lines = ink_lines(&detail, &edge_flow(&detail, 2.0)?, [PEN, BRUSH], 3)?;
    let lines = lines.map(|[fine, broad]| [fine * broad]);
    stages.advance()?;
    let gap = (picture.width / 160).max(4);
    let mut panels = Plane::of(2 * width + gap, 2 * height + gap, |_, _| [1.0; 3]);
    for (at, inks) in PANELS.iter().enumerate() {
        let (left, top) = (at % 2 * (width + gap), at / 2 * (height + gap));
        let panel = printed(&grey, &lines, &thresholds, &faces, inks);
        for (y, row) in panel.pixels.chunks_exact(width).enumerate() {
            let start = (top + y) * panels.width + left;
            panels.pixels[start..start + width].copy_from_slice(row);
        }
    }
    stages.advance()?;
    Ok(panels)
}

/// Quartiles of brightness, limited so that faces stay light and shadows dark.
fn thresholds(flat: &Colour) -> [f32; 3] {
    let [dark, middle, light] = quantiles(flat, [0.25, 0.5, 0.75]);
    let dark = dark.clamp(0.12, 0.4);
    let middle = middle.clamp(dark + 0.1, 0.62);
    [dark, middle, light.clamp(middle + 0.1, 0.85)]
}

/// Shadow, middle and light of all faces together.
fn thresholds_on_faces(grey: &Grey, faces: &Grey) -> [f32; 3] {
    let distance = faces.map(|[face]| [1.0 - face]);
    let [dark, middle, light] = quantiles_within(grey, &distance, 0.4, [0.12, 0.36, 0.72]);
    let middle = middle.max(dark + 0.06);
    [dark, middle, light.max(middle + 0.06)]
}

fn printed(grey: &Grey, lines: &Grey, thresholds: &Plane<3>, faces: &Grey, inks: &Inks) -> Colour {
    let inks = inks.map(|ink| ink.map(|level| f32::from(level) / 255.0));
    Plane::of(grey.width, grey.height, |x, y| {
        let at = y * grey.width + x;
        let ([level], [face]) = (grey.pixels[at], faces.pixels[at]);
        let thresholds = thresholds.pixels[at];
        let [_, middle, light] = thresholds;
        let over = |threshold: f32| smoothstep(threshold - 0.02, threshold + 0.02, level);
        let mut colour = inks[0];
        for (ink, threshold) in inks[1..].iter().zip(thresholds) {
            colour = mix(colour, *ink, over(threshold));
        }
        // Halftone dots of the lightest ink blend it with the third, except on faces.
        let share = ((level - middle) / (light - middle)).clamp(0.0, 1.0) * 0.9;
        let dots = smoothstep(-0.12, 0.12, share - halftone(x as f32, y as f32, DOT_PX));
        let dots = dots * (1.0 - face);
        colour = mix(colour, inks[3], dots * over(middle) * (1.0 - over(light)));
        mix(
            inks[0].map(|level| level * 0.45),
            colour,
            lines.pixels[at][0],
        )
    })
}
