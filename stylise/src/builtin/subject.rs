//! What a style paints: a picture and the people in it. Faces are painted a second time, enlarged, with
//! finer means, and laid over the rest with a soft edge: strokes that suit a room hide the eyes of a face.

use std::sync::Arc;

use crate::builtin::bounds::Bounds;
use crate::builtin::close_up::CloseUp;
use crate::builtin::filters::resize;
use crate::builtin::plane::{Colour, Grey, Plane, mix};
use crate::builtin::stages::{Stages, StyleError};
use crate::builtin::thumbnails::Thumbnail;
use crate::isolate;
use crate::people::{People, PictureArea};

/// A picture and the people in it.
pub(super) struct Subject {
    pub(super) picture: Colour,
    /// The largest first.
    pub(super) faces: Vec<Bounds>,
    pub(super) persons: Vec<Bounds>,
    /// Pictures of the gallery, for styles that are made of them.
    pub(super) thumbnails: Vec<Arc<Thumbnail>>,
    close_ups_px: f32,
}

/// What a style paints in one go: the whole picture, or one enlarged face.
pub(super) struct Part<'a> {
    pub(super) picture: &'a Colour,
    pub(super) face: Option<&'a CloseUp>,
}

/// More faces than these are painted like the rest of the picture.
const FACES_MAX: usize = 16;
/// Smaller ones have no eyes that could be kept.
const FACE_MIN_PX: usize = 14;
/// Pixels of all enlarged faces together, which bounds the time they take to half of that of the picture.
const CLOSE_UPS_PX: f32 = 450_000.0;

impl Subject {
    pub(super) fn new(picture: Colour, people: &People) -> Self {
        let within = |areas: &[PictureArea]| -> Vec<Bounds> {
            let bounds = areas.iter().filter_map(|area| Bounds::of(area, &picture));
            let mut bounds: Vec<_> = bounds.collect();
            bounds.sort_by_key(|bounds| std::cmp::Reverse(bounds.width * bounds.height));
            bounds
        };
        let (mut faces, persons) = (within(&people.faces), within(&people.persons));
        faces.retain(|face| face.width.min(face.height) >= FACE_MIN_PX);
        faces.truncate(FACES_MAX);
        Self {
            picture,
            faces,
            persons,
            thumbnails: Vec::new(),
            close_ups_px: CLOSE_UPS_PX,
        }
    }

    pub(super) fn with_thumbnails(self, thumbnails: Vec<Arc<Thumbnail>>) -> Self {
        Self { thumbnails, ..self }
    }

    /// With enlarged faces of so many pixels together.
    pub(super) fn with_close_ups_px(self, close_ups_px: f32) -> Self {
        Self {
            close_ups_px,
            ..self
        }
    }

    /// A picture in which nobody was found.
    #[cfg(test)]
    pub(super) fn without_people(picture: Colour) -> Self {
        Self::new(picture, &People::default())
    }

    /// Paints the picture and each face with `paint`, and lays the faces over it. The faces are painted on a
    /// thread of their own meanwhile, since they take up to half as long as the picture.
    pub(super) fn paint<const N: usize>(
        &self,
        stages: &Stages,
        paint: impl Fn(&Part<'_>, &Stages) -> Result<Plane<N>, StyleError> + Sync,
    ) -> Result<Plane<N>, StyleError> {
        let whole = Part {
            picture: &self.picture,
            face: None,
        };
        if self.faces.is_empty() {
            return paint(&whole, stages);
        }
        let faces = || -> Result<Vec<_>, StyleError> {
            let each = self.close_ups().map(|(close_up, at)| {
                stages.check()?;
                let close_up = close_up?;
                let part = Part {
                    picture: &close_up.picture,
                    face: Some(&close_up),
                };
                let face = paint(&part, &Stages::default())?;
                let face = resize(&face, at.width, at.height)?;
                Ok((face, resize(&close_up.cover, at.width, at.height)?, at))
            });
            each.collect()
        };
        let both = isolate::beside("carrier-faces", || paint(&whole, stages), faces);
        let (painted, faces) = both.map_err(|error| StyleError::Failed(error.to_string()))?;
        let mut painted = painted?;
        for (face, cover, at) in faces? {
            for row in 0..at.height {
                let target = (at.top + row) * painted.width + at.left;
                let target = &mut painted.pixels[target..target + at.width];
                let source = row * at.width..(row + 1) * at.width;
                let pairs = face.pixels[source.clone()]
                    .iter()
                    .zip(&cover.pixels[source]);
                for (target, (pixel, [cover])) in target.iter_mut().zip(pairs) {
                    for (level, new) in target.iter_mut().zip(pixel) {
                        *level += (new - *level) * cover.clamp(0.0, 1.0);
                    }
                }
            }
        }
        Ok(painted)
    }

    fn close_ups(&self) -> impl Iterator<Item = (Result<CloseUp, StyleError>, Bounds)> {
        let around = move |face: &Bounds| face.grown(CloseUp::MARGIN, &self.picture);
        let area_px = |scale: f32| -> f32 {
            let one = |face: &Bounds| {
                let (at, scale) = (around(face), CloseUp::scale(*face) * scale);
                (at.width * at.height) as f32 * scale * scale
            };
            self.faces.iter().map(one).sum()
        };
        let share = (self.close_ups_px / area_px(1.0).max(1.0)).sqrt().min(1.0);
        self.faces.iter().map(move |face| {
            let (at, scale) = (around(face), CloseUp::scale(*face) * share);
            (CloseUp::of(&self.picture, *face, at, scale), at)
        })
    }

    /// How much each pixel belongs to a face, 0 to 1.
    pub(super) fn face_cover(&self) -> Grey {
        let mut cover = Plane::of(self.picture.width, self.picture.height, |_, _| [0.0]);
        for face in &self.faces {
            let at = face.grown(CloseUp::MARGIN, &self.picture);
            for y in at.top..at.top + at.height {
                for x in at.left..at.left + at.width {
                    let [level] = &mut cover.pixels[y * self.picture.width + x];
                    *level = level.max(CloseUp::cover_at(face.radius(x as f32, y as f32)));
                }
            }
        }
        cover
    }

    /// The picture with faces whose eyes, brows and mouths stand out, and how much of each pixel is such a
    /// feature.
    pub(super) fn with_clear_faces(&self, stages: &Stages) -> Result<(Colour, Grey), StyleError> {
        let both: Plane<4> = self.paint(stages, |part, _| {
            Ok(match part.face {
                None => part
                    .picture
                    .map(|[red, green, blue]| [red, green, blue, 0.0]),
                Some(face) => part
                    .picture
                    .with(&face.features, |[red, green, blue], [feature]| {
                        [red, green, blue, feature]
                    }),
            })
        })?;
        let picture =
            both.map(|[red, green, blue, _]| [red, green, blue].map(|l| l.clamp(0.0, 1.0)));
        Ok((picture, both.map(|[.., feature]| [feature.clamp(0.0, 1.0)])))
    }
}

impl Part<'_> {
    pub(super) fn is_face(&self) -> bool {
        self.face.is_some()
    }

    /// The colours that `drawn` makes of CIE Lab, except for the skin of a face: it has a few tones of its
    /// own, lighter by the first number and stronger by the second.
    pub(super) fn with_skin(
        &self,
        lab: &Colour,
        [lighter, stronger]: [f32; 2],
        drawn: impl Fn([f32; 3]) -> [f32; 3],
    ) -> Colour {
        let Some((face, skin)) = self.face.and_then(|face| Some((face, face.skin?))) else {
            return lab.map(drawn);
        };
        lab.with(&face.cover, |lab, [cover]| {
            let [light, a, b] = skin.toned(lab);
            let skin_tone = [light + lighter, a * stronger, b * stronger];
            mix(drawn(lab), skin_tone, skin.share(lab) * cover)
        })
    }

    /// Returns `painted`, with eyes, brows and mouth of a face mixed in from `detailed`.
    pub(super) fn with_features(&self, painted: Colour, detailed: &Colour, share: f32) -> Colour {
        let Some(face) = self.face else {
            return painted;
        };
        let both = painted.with(detailed, |[a, b, c], [d, e, f]| [a, b, c, d, e, f]);
        both.with(&face.features, |[a, b, c, d, e, f], [feature]| {
            mix([a, b, c], [d, e, f], share * feature)
        })
    }
}
