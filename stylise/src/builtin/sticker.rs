//! Sticker: the people cut out, with a white border, on a bright ground.

use crate::builtin::cut_out::cut_out;
use crate::builtin::filters::{blur, edge_preserving};
use crate::builtin::plane::{Colour, Grey, Plane, luma, mix, saturate, smoothstep};
use crate::builtin::stages::{Stages, StyleError};
use crate::builtin::style::BuiltinStyle;
use crate::builtin::subject::Subject;

pub(super) const STYLE: BuiltinStyle = BuiltinStyle {
    id: "sticker",
    title: "Sticker",
    steps: 3,
    make,
};

const BORDER_PX: f32 = 12.0;
const SHADOW_PX: f32 = 10.0;

/// Grounds; the one that differs most from the people is taken.
const GROUNDS: [[[f32; 3]; 2]; 4] = [
    [[0.98, 0.80, 0.28], [0.99, 0.85, 0.42]],
    [[0.36, 0.78, 0.82], [0.48, 0.84, 0.87]],
    [[0.98, 0.55, 0.56], [0.99, 0.64, 0.64]],
    [[0.60, 0.52, 0.93], [0.68, 0.61, 0.95]],
];
/// Distance between the stripes of the ground.
const STRIPES_PX: f32 = 64.0;

fn make(subject: &Subject, stages: &Stages) -> Result<Colour, StyleError> {
    let (width, height) = (subject.picture.width, subject.picture.height);
    let cut = cut_out(subject)?.unwrap_or_else(|| card(width, height));
    stages.advance()?;
    let (clear, features) = subject.with_clear_faces(stages)?;
    let smooth = edge_preserving(&clear, 10.0, 0.16)?;
    let people = smooth
        .with(&clear, |[a, b, c], [d, e, f]| [a, b, c, d, e, f])
        .with(&features, |[a, b, c, d, e, f], [feature]| {
            let colour = mix([a, b, c], [d, e, f], 0.35 + 0.55 * feature);
            saturate(colour, 1.25).map(|level| ((level - 0.5) * 1.08 + 0.52).clamp(0.0, 1.0))
        });
    stages.advance()?;
    // A blurred step has a level at each distance from it.
    let around = blur(&cut, BORDER_PX)?.map(|[level]| [smoothstep(0.07, 0.11, level)]);
    let shade = blur(&around, SHADOW_PX)?;
    let ground = ground(&people, &cut);
    let made = Plane::of(width, height, |x, y| {
        let at = y * width + x;
        let (from_x, from_y) = (x.saturating_sub(6), y.saturating_sub(9));
        let [shadow] = shade.pixels[from_y * width + from_x];
        let stripe = ((x + y) as f32 / STRIPES_PX).fract();
        let stripe = smoothstep(0.0, 0.03, stripe) - smoothstep(0.5, 0.53, stripe);
        let colour = mix(ground[0], ground[1], stripe);
        let colour = colour.map(|level| level * (1.0 - 0.38 * shadow));
        let colour = mix(colour, [1.0; 3], around.pixels[at][0]);
        mix(colour, people.pixels[at], cut.pixels[at][0])
    });
    stages.advance()?;
    Ok(made)
}

/// The whole picture as a sticker with round corners.
fn card(width: usize, height: usize) -> Grey {
    let inset = 0.06 * width.min(height) as f32;
    let radius = 2.0 * inset;
    Plane::of(width, height, |x, y| {
        let off = |at: usize, side: usize| {
            let middle = side as f32 / 2.0;
            (at as f32 + 0.5 - middle).abs() - (middle - inset - radius)
        };
        let (dx, dy) = (off(x, width), off(y, height));
        let outside = dx.max(0.0).hypot(dy.max(0.0)) - radius;
        [1.0 - smoothstep(-1.0, 1.0, outside)]
    })
}

fn ground(people: &Colour, cut: &Grey) -> [[f32; 3]; 2] {
    let mut sum = [0.0_f32; 4];
    for (colour, [cut]) in people.pixels.iter().zip(&cut.pixels) {
        for (sum, level) in sum.iter_mut().zip([colour[0], colour[1], colour[2], 1.0]) {
            *sum += level * cut;
        }
    }
    let mean = [0, 1, 2].map(|n| sum[n] / sum[3].max(1.0));
    let away = |[ground, _]: &[[f32; 3]; 2]| {
        let tint = |colour: [f32; 3]| colour.map(|level| level - luma(colour));
        let (one, other) = (tint(mean), tint(*ground));
        (0..3).map(|n| (one[n] - other[n]).powi(2)).sum::<f32>()
    };
    let farthest = GROUNDS
        .iter()
        .max_by(|one, two| away(one).total_cmp(&away(two)));
    *farthest.unwrap_or(&GROUNDS[0])
}
