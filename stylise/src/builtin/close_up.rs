//! An enlarged face, cleaned and with more contrast, and where its eyes, brows and mouth are.

use crate::builtin::bounds::Bounds;
use crate::builtin::filters::{bilateral, blur, from_lab, resize, to_lab};
use crate::builtin::plane::{Colour, Grey, Plane, mix, quantiles_within, smoothstep};
use crate::builtin::skin::Skin;
use crate::builtin::stages::StyleError;

/// A face and what is around it, enlarged so that strokes are small on it.
pub(super) struct CloseUp {
    pub(super) picture: Colour,
    /// How much each pixel belongs to the face, 0 to 1, with a soft edge.
    pub(super) cover: Grey,
    /// What is darker than the skin around it at two scales: eyes, brows, mouth, nostrils, a beard's edge.
    pub(super) features: Grey,
    /// The skin between the features, where lines and dots would look like dirt.
    pub(super) plain: Grey,
    /// `None`: no skin colour, as in a grey picture or behind a mask.
    pub(super) skin: Option<Skin>,
}

/// Height to which a face is enlarged.
const HEIGHT_PX: f32 = 340.0;
const SCALE_MAX: f32 = 4.0;

/// How much of the added detail plain skin gets.
const SKIN_DETAIL: f32 = 0.3;

impl CloseUp {
    /// What of its surroundings is painted with a face, relative to its sides.
    pub(super) const MARGIN: f32 = 0.28;

    pub(super) fn scale(face: Bounds) -> f32 {
        (HEIGHT_PX / face.height as f32).clamp(1.0, SCALE_MAX)
    }

    /// How much a pixel belongs to a face by its distance from the centre.
    pub(super) fn cover_at(radius: f32) -> f32 {
        1.0 - smoothstep(0.76, 1.1, radius)
    }

    /// Enlarges the part `at` of the picture, which contains the face, by `scale`.
    pub(super) fn of(
        picture: &Colour,
        face: Bounds,
        at: Bounds,
        scale: f32,
    ) -> Result<Self, StyleError> {
        let side = |side: usize| ((side as f32 * scale).round() as usize).max(8);
        let (width, height) = (side(at.width), side(at.height));
        let cropped = picture.cropped(at.left, at.top, at.width, at.height);
        let enlarged = resize(&cropped, width, height)?.clamped();
        let (across, down) = (
            at.width as f32 / width as f32,
            at.height as f32 / height as f32,
        );
        let radius = Plane::of(width, height, |x, y| {
            let x = at.left as f32 + x as f32 * across;
            let y = at.top as f32 + y as f32 * down;
            [face.radius(x, y)]
        });
        let cover = radius.map(|[radius]| [Self::cover_at(radius)]);
        let lab = to_lab(&bilateral(&enlarged, 14.0, 3.0)?)?;
        let skin = Skin::of(&lab, &radius);
        let face_px = face.height as f32 * scale;
        let light = lab.map(|[light, ..]| [light]);
        let features = features(&light, &radius, face_px)?;
        let light = clear(&light, &radius, &features, face_px)?;
        let lab = lab.with(&light, |[_, a, b], [light]| [light, a, b]);
        let plain = features.with(&radius, |[feature], [radius]| {
            [(1.0 - feature) * (1.0 - smoothstep(0.62, 0.8, radius))]
        });
        let lab = match &skin {
            Some(skin) => lab.with(&cover, |lab, [cover]| skin.evened(lab, 0.6 * cover)),
            None => lab,
        };
        let cleared = from_lab(&lab)?;
        let picture = enlarged
            .with(&cover, |[a, b, c], [cover]| [a, b, c, cover])
            .with(&cleared, |[a, b, c, cover], to| mix([a, b, c], to, cover))
            .clamped();
        Ok(Self {
            picture,
            cover,
            features,
            plain,
            skin,
        })
    }
}

/// More contrast between a face's features and its skin, at two scales and around its own brightness, so
/// that light and dark faces get the same. Skin gets less, which is kind to wrinkles.
fn clear(light: &Grey, radius: &Grey, features: &Grey, face_px: f32) -> Result<Grey, StyleError> {
    let fine = blur(light, 0.018 * face_px)?;
    let broad = blur(light, 0.06 * face_px)?;
    let detail = light
        .with(&fine, |[light], [fine]| [light, light - fine])
        .with(&broad, |[light, fine], [broad]| {
            [0.5 * fine.clamp(-12.0, 6.0) + 0.5 * (light - broad).clamp(-14.0, 6.0)]
        });
    let detail = detail.with(features, |[detail], [feature]| {
        [detail * (SKIN_DETAIL + (1.2 - SKIN_DETAIL) * feature)]
    });
    let [dark, middle, bright] = quantiles_within(light, radius, 0.75, [0.08, 0.5, 0.92]);
    let gain = (40.0 / (bright - dark).max(1.0)).clamp(1.0, 1.25);
    Ok(light.with(&detail, |[light], [detail]| {
        [(middle + (light + detail - middle) * gain).clamp(0.0, 100.0)]
    }))
}

fn features(light: &Grey, radius: &Grey, face_px: f32) -> Result<Grey, StyleError> {
    let near = blur(light, 0.012 * face_px)?;
    let close = blur(light, 0.05 * face_px)?;
    let around = blur(light, 0.12 * face_px)?;
    let darker = near.with(
        &close.with(&around, |[one], [two]| [one, two]),
        |[near], [one, two]| {
            let fine = smoothstep(3.0, 10.0, one - near);
            let broad = smoothstep(5.0, 15.0, two - near);
            [fine.max(broad)]
        },
    );
    let inside = darker.with(radius, |[dark], [radius]| {
        [dark * (1.0 - smoothstep(0.66, 0.86, radius))]
    });
    // Wider, so that the whites of the eyes belong to them.
    let wider = blur(&inside, 0.014 * face_px)?;
    Ok(inside.with(&wider, |[dark], [wide]| [dark.max((1.6 * wide).min(1.0))]))
}
