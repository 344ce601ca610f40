//! Pencils: outlines, and hatching that is denser where the picture is darker, on rough paper.

use super::along::flow;
use super::filters::{bilateral, blur, convolved, from_lab, to_lab};
use super::lines::{Pen, drawn};
use super::noise::{stroke, white};
use super::plane::{Colour, Grey, Plane, luma, mix, saturated, smoothstep};
use super::stages::{Interrupted, Stages};

const PAPER: [f32; 3] = [0.97, 0.965, 0.94];
const LEAD: [f32; 3] = [0.18, 0.18, 0.20];
/// Outlines of coloured drawings.
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

/// What both kinds draw from.
struct Study {
    smooth: Colour,
    grey: Grey,
    /// Brightness that hatching follows.
    tone: Grey,
    /// Ink of outlines, from 0 to 1.
    outline: Grey,
    /// The paper's tooth.
    tooth: Grey,
}

impl Study {
    /// `strengths` of fine and broad outlines.
    fn of(picture: &Colour, strengths: [f32; 2], stages: &Stages) -> Result<Self, Interrupted> {
        let smooth = bilateral(picture, 22.0, 5.0)?;
        let grey = blur(&smooth.map(|colour| [luma(colour)]), 0.7)?;
        let flow = flow(&grey, 2.5)?;
        stages.next()?;
        let [fine, broad] = strengths;
        let lines = drawn(&grey, &flow, [FINE, BROAD], 4)?
            .map(|[one, two]| [1.0 - (1.0 - fine * (1.0 - one)) * (1.0 - broad * (1.0 - two))]);
        stages.next()?;
        let (width, height) = (picture.width, picture.height);
        Ok(Self {
            tone: blur(&grey, 2.0)?,
            tooth: blur(&white(width, height, 41), 0.9)?.normal(),
            outline: lines,
            smooth,
            grey,
        })
    }

    fn hatching(&self, seed: u32, angle_deg: f32, length_px: usize) -> Result<Grey, Interrupted> {
        let grain = blur(&white(self.grey.width, self.grey.height, seed), 0.8)?;
        let (side, kernel) = stroke(length_px, angle_deg);
        Ok(convolved(&grain, &kernel, side)?.normal())
    }
}

/// One direction of hatching: white above `bright`, full below `dark`.
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

/// A soft pencil.
pub(super) fn grey(picture: &Colour, stages: &Stages) -> Result<Colour, Interrupted> {
    let study = Study::of(picture, [0.75, 0.5], stages)?;
    let mut bare = study.tone.map(|_| [1.0]);
    for (seed, layer) in (7..).zip(LAYERS) {
        let strokes = study.hatching(seed, layer.angle_deg, 31)?;
        let rough = strokes.with(&study.tooth, |[stroke], [tooth]| {
            [0.72 + 0.34 * stroke + 0.16 * tooth]
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
    stages.next()?;
    Ok(drawing)
}

/// A box of coloured ones.
pub(super) fn coloured(picture: &Colour, stages: &Stages) -> Result<Colour, Interrupted> {
    let study = Study::of(picture, [0.7, 0.45], stages)?;
    let lab = to_lab(&blur(&study.smooth, 1.0)?.map(|colour| saturated(colour, 2.0)))?;
    // Lighter than the picture: the paper between the strokes gives the light, and they the colour.
    let pigment = from_lab(&lab.map(|[light, a, b]| [light * 0.8 + 20.0, a, b]))?;
    let strokes = study.hatching(7, -52.0, 31)?;
    let dark_strokes = study.hatching(8, -38.0, 23)?;
    let drawing = Plane::of(picture.width, picture.height, |x, y| {
        let at = y * picture.width + x;
        let [tone] = study.tone.pixels[at];
        let [tooth] = study.tooth.pixels[at];
        let [_, a, b] = lab.pixels[at];
        let chroma = (a.hypot(b) / 60.0).min(1.0);
        let wanted = (0.44 + 0.5 * (1.0 - tone) + 0.35 * chroma).clamp(0.0, 1.0);
        let [stroke] = strokes.pixels[at];
        let covered = (wanted * (0.9 + 0.19 * stroke + 0.13 * tooth)).clamp(0.0, 1.0);
        let [stroke] = dark_strokes.pixels[at];
        let shade = (1.0 - smoothstep(0.0, 0.5, tone)) * (0.6 + 0.4 * stroke + 0.14 * tooth);
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
    stages.next()?;
    Ok(drawing)
}
