//! Pencil drawings: outlines and hatching that gets denser in dark areas, on rough paper.

use crate::builtin::edges::{Pen, edge_flow, ink_lines};
use crate::builtin::filters::{bilateral, blur, convolve, from_lab, to_lab};
use crate::builtin::plane::{
    Colour, Grey, Plane, luma, mix, saturate, smoothstep, stroke_kernel, white_noise,
};
use crate::builtin::stages::{Stages, StyleError};
use crate::builtin::style::BuiltinStyle;
use crate::builtin::subject::{Part, Subject};

pub(super) const STYLE: BuiltinStyle = BuiltinStyle {
    id: "pencil",
    title: "Pencil sketch",
    steps: 3,
    make: grey,
};

pub(super) const COLOUR_STYLE: BuiltinStyle = BuiltinStyle {
    id: "colour-pencil",
    title: "Colour pencils",
    steps: 3,
    make: coloured,
};

const PAPER: [f32; 3] = [0.97, 0.965, 0.94];
const LEAD: [f32; 3] = [0.18, 0.18, 0.20];
/// Outlines of the coloured drawing.
const SEPIA: [f32; 3] = [0.17, 0.15, 0.22];

const FINE: Pen = Pen {
    sigma_px: 0.9,
    floor: 0.010,
    gain: 38.0,
};
const BROAD: Pen = Pen {
    sigma_px: 2.2,
    floor: 0.03,
    gain: 22.0,
};

/// What both pencil styles are computed from.
struct Study {
    smooth: Colour,
    grey: Grey,
    /// Brightness that controls the hatching.
    tone: Grey,
    /// Strength of the outlines, 0 to 1.
    outline: Grey,
    tooth: Grey,
}

impl Study {
    /// `strengths` are those of fine and broad outlines.
    fn of(part: &Part<'_>, strengths: [f32; 2], stages: &Stages) -> Result<Self, StyleError> {
        let picture = part.picture;
        let smooth = match part.face {
            None => bilateral(picture, 22.0, 5.0)?,
            // Cleaned already.
            Some(_) => picture.clone(),
        };
        let grey = blur(&smooth.map(|colour| [luma(colour)]), 0.7)?;
        let flow = edge_flow(&grey, 2.5)?;
        stages.advance()?;
        let [fine, broad] = strengths;
        let lines = ink_lines(&grey, &flow, [FINE, BROAD], 4)?
            .map(|[one, two]| [1.0 - (1.0 - fine * (1.0 - one)) * (1.0 - broad * (1.0 - two))]);
        let lines = match part.face {
            None => lines,
            Some(face) => lines.with(&face.plain, |[line], [plain]| [line * (1.0 - 0.7 * plain)]),
        };
        stages.advance()?;
        let (width, height) = (picture.width, picture.height);
        Ok(Self {
            tone: blur(&grey, 2.0)?,
            tooth: blur(&white_noise(width, height, 41), 0.9)?.normalised(),
            outline: lines,
            smooth,
            grey,
        })
    }

    fn hatching(&self, seed: u32, angle_deg: f32, length_px: usize) -> Result<Grey, StyleError> {
        let grain = blur(&white_noise(self.grey.width, self.grey.height, seed), 0.8)?;
        let (side, kernel) = stroke_kernel(length_px, angle_deg);
        Ok(convolve(&grain, &kernel, side)?.normalised())
    }
}

/// One direction of hatching: none above `bright`, full below `dark`.
#[derive(Clone, Copy)]
struct Layer {
    angle_deg: f32,
    dark: f32,
    bright: f32,
    strength: f32,
}

const LAYERS: [Layer; 3] = [
    Layer {
        angle_deg: -52.0,
        dark: 0.15,
        bright: 0.9,
        strength: 0.42,
    },
    Layer {
        angle_deg: -28.0,
        dark: 0.0,
        bright: 0.55,
        strength: 0.45,
    },
    Layer {
        angle_deg: 62.0,
        dark: -0.1,
        bright: 0.32,
        strength: 0.5,
    },
];

fn grey(subject: &Subject, stages: &Stages) -> Result<Colour, StyleError> {
    subject.paint(stages, lead)
}

fn coloured(subject: &Subject, stages: &Stages) -> Result<Colour, StyleError> {
    subject.paint(stages, pigments)
}

fn lead(part: &Part<'_>, stages: &Stages) -> Result<Colour, StyleError> {
    let study = Study::of(part, [0.75, 0.5], stages)?;
    let strength = hatching_strength(part);
    let mut bare = study.tone.map(|_| [1.0]);
    for (seed, layer) in (7..).zip(LAYERS) {
        let strokes = study.hatching(seed, layer.angle_deg, 31)?;
        let rough = strokes.with(&study.tooth, |[stroke], [tooth]| {
            [0.72 + strength * (0.34 * stroke + 0.16 * tooth)]
        });
        let left = study.tone.with(&rough, |[tone], [rough]| {
            let wanted = 1.0 - smoothstep(layer.dark, layer.bright, tone);
            [1.0 - layer.strength * (wanted * rough).clamp(0.0, 1.0)]
        });
        bare = bare.with(&left, |[bare], [left]| [bare * left]);
    }
    let around = blur(&study.grey, 12.0)?;
    let dodged = study.grey.with(&around, |[grey], [around]| {
        [0.45 + 0.55 * smoothstep(0.45, 1.0, grey / (around + 0.02))]
    });
    let bare = bare.with(&dodged, |[bare], [dodged]| [bare * dodged]);
    let ink = study.outline.with(&study.tooth, |[line], [tooth]| {
        [line * (0.9 + 0.22 * tooth).clamp(0.0, 1.0)]
    });
    let drawing = bare.with(&ink, |[bare], [ink]| mix(LEAD, PAPER, bare * (1.0 - ink)));
    stages.advance()?;
    Ok(drawing)
}

/// On faces pencils shade softly: strokes across eyes and skin look like scratches.
fn hatching_strength(part: &Part<'_>) -> f32 {
    if part.is_face() { 0.3 } else { 1.0 }
}

fn pigments(part: &Part<'_>, stages: &Stages) -> Result<Colour, StyleError> {
    let study = Study::of(part, [0.7, 0.45], stages)?;
    let strength = hatching_strength(part);
    let lab = to_lab(&blur(&study.smooth, 1.0)?.map(|colour| saturate(colour, 2.0)))?;
    // Lighter than the picture, because paper shows between the strokes.
    let pigment = from_lab(&lab.map(|[light, a, b]| [light * 0.8 + 20.0, a, b]))?;
    let strokes = study.hatching(7, -52.0, 31)?;
    let dark_strokes = study.hatching(8, -38.0, 23)?;
    let drawing = Plane::of(part.picture.width, part.picture.height, |x, y| {
        let at = y * part.picture.width + x;
        let [tone] = study.tone.pixels[at];
        let [tooth] = study.tooth.pixels[at];
        let [_, a, b] = lab.pixels[at];
        let chroma = (a.hypot(b) / 60.0).min(1.0);
        let wanted = (0.44 + 0.5 * (1.0 - tone) + 0.35 * chroma).clamp(0.0, 1.0);
        let [stroke] = strokes.pixels[at];
        let covered = (wanted * (0.9 + strength * (0.19 * stroke + 0.13 * tooth))).clamp(0.0, 1.0);
        let [stroke] = dark_strokes.pixels[at];
        let shade =
            (1.0 - smoothstep(0.0, 0.5, tone)) * (0.6 + strength * (0.4 * stroke + 0.14 * tooth));
        let shade = 0.55 * shade.clamp(0.0, 1.0);
        let colour = pigment.pixels[at];
        let drawn: [f32; 3] = std::array::from_fn(|n| {
            let first = PAPER[n] * (1.0 - covered * (1.0 - colour[n]));
            first * (1.0 - shade * (1.0 - 0.6 * colour[n]))
        });
        let line = study.outline.pixels[at][0] * (0.85 + 0.25 * tooth).clamp(0.0, 1.0);
        let outlined = std::array::from_fn(|n| SEPIA[n] * drawn[n]);
        mix(drawn, outlined, 0.85 * line)
    });
    stages.advance()?;
    Ok(drawing)
}
