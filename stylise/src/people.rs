//! Where people are in a picture, as far as somebody who has a detector can tell; and the crop that makes a
//! portrait of a picture with one face. Pure.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;

/// A rectangle, in fractions of the picture's width and height from its left upper corner.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PictureArea {
    pub left: f32,
    pub top: f32,
    pub width: f32,
    pub height: f32,
}

/// The people in a picture; empty when nobody looked for them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct People {
    /// From the forehead to the chin.
    pub faces: Vec<PictureArea>,
    pub persons: Vec<PictureArea>,
}

/// A point of a picture, in fractions of its width and height from its left upper corner.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct FocusPoint {
    pub x: f32,
    pub y: f32,
}

/// Finds the people in a JPEG. Called on a thread of low priority; it may take some tenths of a second.
pub type FindPeople = Arc<dyn Fn(&[u8]) -> People + Send + Sync>;

impl PictureArea {
    pub(crate) const WHOLE: Self = Self {
        left: 0.0,
        top: 0.0,
        width: 1.0,
        height: 1.0,
    };

    /// This area of the whole picture, in fractions of `part` of it. It may reach beyond the part.
    pub(crate) fn within(self, part: Self) -> Self {
        Self {
            left: (self.left - part.left) / part.width,
            top: (self.top - part.top) / part.height,
            width: self.width / part.width,
            height: self.height / part.height,
        }
    }

    fn area(self) -> f32 {
        self.width * self.height
    }
}

impl People {
    /// The same people in a part of the picture.
    pub(crate) fn within(&self, part: PictureArea) -> Self {
        let each = |areas: &[PictureArea]| areas.iter().map(|area| area.within(part)).collect();
        Self {
            faces: each(&self.faces),
            persons: each(&self.persons),
        }
    }

    /// The part of the picture that makes a portrait, upright with sides of 4:5; `None` unless one face was
    /// found, or when the picture is not much more than its portrait. `aspect` is its width by its height.
    #[must_use]
    pub fn portrait(&self, aspect: f32) -> Option<PictureArea> {
        let [face] = self.faces[..] else {
            return None;
        };
        let portrait = around(face, FACE_OF_PORTRAIT, PORTRAIT_ASPECT, aspect)?;
        (portrait.area() <= PORTRAIT_SHARE_MAX).then_some(portrait)
    }
}

/// Faces that are smaller than this part of the largest one do not move the focus.
const FOCUS_FACE_MIN: f32 = 0.5;

impl People {
    /// The middle of the faces that a crop of the picture should keep; `None` without a face.
    pub(crate) fn focus(&self) -> Option<FocusPoint> {
        let largest = self.faces.iter().map(|face| face.height).reduce(f32::max)?;
        let is_large = |face: &&PictureArea| face.height >= FOCUS_FACE_MIN * largest;
        let edges = self.faces.iter().filter(is_large).map(|face| {
            let (right, bottom) = (face.left + face.width, face.top + face.height);
            [face.left, face.top, right, bottom]
        });
        let [left, top, right, bottom] = edges.reduce(|one, other| {
            [
                one[0].min(other[0]),
                one[1].min(other[1]),
                one[2].max(other[2]),
                one[3].max(other[3]),
            ]
        })?;
        let middle = [f32::midpoint(left, right), f32::midpoint(top, bottom)];
        let is_valid = middle.iter().all(|at| at.is_finite());
        let [x, y] = middle.map(|at| at.clamp(0.0, 1.0));
        is_valid.then_some(FocusPoint { x, y })
    }
}

/// Height of the face in the height of its portrait.
const FACE_OF_PORTRAIT: f32 = 0.42;
const PORTRAIT_ASPECT: f32 = 0.8;
/// Portraits that are more of the picture than this are not offered: the visitor framed it so already.
const PORTRAIT_SHARE_MAX: f32 = 0.6;
/// Where the middle of the face is in its frame: hair needs less room than shoulders.
const FACE_FROM_TOP: f32 = 0.42;

/// The part of a picture around a face of which the face is `share` of the height, with sides of
/// `part_aspect`. It is smaller where the picture ends; `None` for a face that is no rectangle. `aspect` is
/// the picture's width by its height.
pub(crate) fn around(
    face: PictureArea,
    share: f32,
    part_aspect: f32,
    aspect: f32,
) -> Option<PictureArea> {
    let is_rectangle = face.width > 0.0 && face.height > 0.0 && aspect > 0.0;
    let sides = [face.left, face.top, face.width, face.height, aspect];
    if !is_rectangle || sides.iter().any(|side| !side.is_finite()) {
        return None;
    }
    // Fractions of the width are `aspect` times as long as those of the height.
    let narrowing = part_aspect / aspect;
    let height = (face.height / share).min(1.0).min(1.0 / narrowing);
    let width = (height * narrowing).min(1.0);
    let place =
        |middle: f32, before: f32, length: f32| (middle - before * length).clamp(0.0, 1.0 - length);
    Some(PictureArea {
        left: place(face.left + face.width / 2.0, 0.5, width),
        top: place(face.top + face.height / 2.0, FACE_FROM_TOP, height),
        width,
        height,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn face(left: f32, top: f32, width: f32, height: f32) -> PictureArea {
        PictureArea {
            left,
            top,
            width,
            height,
        }
    }

    fn portrait(faces: &[PictureArea], aspect: f32) -> Option<PictureArea> {
        let people = People {
            faces: faces.to_vec(),
            persons: Vec::new(),
        };
        people.portrait(aspect)
    }

    #[test]
    fn the_portrait_of_a_small_face_has_its_shape_and_stays_in_the_picture() {
        for aspect in [0.5, 0.75, 1.0, 16.0 / 9.0, 4.0] {
            for (left, top) in [(0.45, 0.3), (0.0, 0.0), (0.8, 0.8)] {
                let one = face(left, top, 0.08 / aspect, 0.1);
                let found = portrait(&[one], aspect).expect("a small face");
                let shape = found.width * aspect / found.height;
                assert!((shape - 0.8).abs() < 1e-3, "{found:?} {shape}");
                assert!(found.left >= 0.0 && found.left + found.width <= 1.0 + 1e-6);
                assert!(found.top >= 0.0 && found.top + found.height <= 1.0 + 1e-6);
                assert!(found.left <= one.left + 1e-6 && found.top <= one.top + 1e-6);
                assert!(
                    one.left + one.width <= found.left + found.width + 0.01,
                    "{found:?}"
                );
            }
        }
    }

    #[test]
    fn none_is_offered_for_no_face_several_or_a_portrait() {
        let small = face(0.4, 0.3, 0.1, 0.15);
        assert_eq!(portrait(&[], 1.0), None);
        assert_eq!(portrait(&[small, small], 1.0), None);
        assert_eq!(portrait(&[face(0.3, 0.2, 0.4, 0.45)], 0.8), None);
        for broken in [face(f32::NAN, 0.1, 0.1, 0.1), face(0.1, 0.1, 0.0, 0.1)] {
            assert_eq!(portrait(&[broken], 1.0), None);
        }
        assert_eq!(portrait(&[small], f32::NAN), None);
    }

    #[test]
    fn the_focus_is_in_the_middle_of_the_large_faces() {
        let focus = |faces: &[PictureArea]| {
            let people = People {
                faces: faces.to_vec(),
                persons: Vec::new(),
            };
            people
                .focus()
                .map(|at| [at.x, at.y].map(|at| (at * 100.0).round()))
        };
        let (left, right) = (face(0.1, 0.2, 0.1, 0.2), face(0.7, 0.3, 0.1, 0.15));
        let far = face(0.95, 0.9, 0.02, 0.05);
        assert_eq!(focus(&[]), None);
        assert_eq!(focus(&[left]), Some([15.0, 30.0]));
        assert_eq!(focus(&[left, right, far]), Some([45.0, 33.0]));
        assert_eq!(focus(&[face(0.9, -0.5, 0.4, 0.2)]), Some([100.0, 0.0]));
        assert_eq!(focus(&[face(f32::NAN, 0.1, 0.1, 0.1)]), None);
    }

    #[test]
    fn areas_are_relative_to_a_part() {
        let part = face(0.5, 0.0, 0.5, 0.5);
        let moved = face(0.6, 0.1, 0.1, 0.2).within(part);
        let expected = face(0.2, 0.2, 0.2, 0.4);
        assert!(
            (moved.left - expected.left).abs() < 1e-6 && (moved.top - expected.top).abs() < 1e-6
        );
        assert!(
            (moved.width - expected.width).abs() < 1e-6
                && (moved.height - expected.height).abs() < 1e-6
        );
    }
}
