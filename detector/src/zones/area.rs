//! A zone: a polygon with a name, and which point of a box lies in it.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::detection::BBox;

/// [`ZoneMarks`](super::ZoneMarks) has a bit for each.
pub(super) const ZONES_MAX: usize = 16;
const NAME_CHARS_MAX: usize = 40;
const POINTS_MIN: usize = 3;
const POINTS_MAX: usize = 64;
/// Boxes are clipped to the picture: points on its edge count as this far inside, where polygons reach.
const EDGE: f32 = 1e-4;

/// What a zone is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ZoneKind {
    /// Objects in it are marked with its name.
    #[default]
    Named,
    /// What is detected in it is dropped before tracking.
    Ignore,
}

/// The point of a box that has to lie in the polygon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Anchor {
    /// The middle of the lower edge: where somebody stands.
    Foot,
    Centre,
}

/// A part of the picture.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Zone {
    /// 1 to 40 characters, each name once.
    pub name: String,
    #[serde(default)]
    pub kind: ZoneKind,
    /// The corners of a polygon: x and y in 0..=1 of the picture, from the upper left.
    pub points: Vec<[f32; 2]>,
    /// The camera of `[[cameras]]` that it is for; `None`: every picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub camera: Option<String>,
    /// `None`: the foot for named zones, the centre for ignored ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anchor: Option<Anchor>,
    /// After so many seconds in it, an object's stay is told; 0: never.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub dwell_s: u32,
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// Zones that cannot be used. The message names the zone and what is allowed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ZoneError {
    #[error("there are {0} zones, at most {ZONES_MAX} are allowed")]
    TooMany(usize),
    #[error("the name of zone {number} must have 1 to {NAME_CHARS_MAX} characters on one line")]
    Name {
        /// Counts from 1.
        number: usize,
    },
    #[error("two zones have the name `{0}`")]
    SameName(String),
    #[error("the zone `{name}` has {found} points, {POINTS_MIN} to {POINTS_MAX} are allowed")]
    PointCount { name: String, found: usize },
    #[error("point {number} of the zone `{name}` lies outside the picture: both must be in 0..=1")]
    PointOutside {
        name: String,
        /// Counts from 1.
        number: usize,
    },
}

/// Checks a list of zones as a whole.
pub fn check_zones(zones: &[Zone]) -> Result<(), ZoneError> {
    if zones.len() > ZONES_MAX {
        return Err(ZoneError::TooMany(zones.len()));
    }
    for (index, zone) in zones.iter().enumerate() {
        zone.check(index + 1)?;
        if zones[..index].iter().any(|other| other.name == zone.name) {
            return Err(ZoneError::SameName(zone.name.clone()));
        }
    }
    Ok(())
}

impl Zone {
    /// Checks the zone that is the `number`th of its list, counted from 1.
    fn check(&self, number: usize) -> Result<(), ZoneError> {
        let is_length = (1..=NAME_CHARS_MAX).contains(&self.name.chars().count());
        let is_plain = self.name.trim() == self.name && !self.name.chars().any(char::is_control);
        if !is_length || !is_plain {
            return Err(ZoneError::Name { number });
        }
        let (name, found) = (self.name.clone(), self.points.len());
        if !(POINTS_MIN..=POINTS_MAX).contains(&found) {
            return Err(ZoneError::PointCount { name, found });
        }
        // NaN is in no range.
        let is_outside = |point: &[f32; 2]| !point.iter().all(|side| (0.0..=1.0).contains(side));
        match self.points.iter().position(is_outside) {
            Some(index) => Err(ZoneError::PointOutside {
                name,
                number: index + 1,
            }),
            None => Ok(()),
        }
    }

    /// Whether it is for pictures of this camera; `None`: of a source without a name.
    #[must_use]
    pub fn is_for(&self, camera: Option<&str>) -> bool {
        self.camera.as_deref().is_none_or(|own| Some(own) == camera)
    }

    /// Whether a box, in pixels of a picture of this size, counts as in it.
    pub(super) fn holds(&self, bbox: &BBox, (width, height): (f32, f32)) -> bool {
        let of_kind = match self.kind {
            ZoneKind::Named => Anchor::Foot,
            ZoneKind::Ignore => Anchor::Centre,
        };
        let (x, centre_y) = bbox.centre();
        let y = match self.anchor.unwrap_or(of_kind) {
            Anchor::Foot => bbox.y2,
            Anchor::Centre => centre_y,
        };
        let inside = |part: f32| part.clamp(EDGE, 1.0 - EDGE);
        polygon_contains(&self.points, [inside(x / width), inside(y / height)])
    }
}

/// Whether a point lies in a polygon, by the even-odd rule. Nothing lies in one with fewer than three corners.
#[must_use]
pub fn polygon_contains(points: &[[f32; 2]], [x, y]: [f32; 2]) -> bool {
    let next = points.iter().cycle().skip(1);
    let crossings = points.iter().zip(next).filter(|(from, to)| {
        // From the upper end, so that polygons with a common edge agree about it.
        let ([x1, y1], [x2, y2]) = if from[1] < to[1] {
            (from, to)
        } else {
            (to, from)
        };
        // A ray to the right crosses the edge; each corner belongs to one of its edges.
        (*y1 > y) != (*y2 > y) && x < (x2 - x1) * (y - y1) / (y2 - y1) + x1
    });
    crossings.count() % 2 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: (f32, f32) = (1280.0, 720.0);

    fn zone(kind: ZoneKind, points: &[[f32; 2]]) -> Zone {
        Zone {
            name: "door".to_owned(),
            kind,
            points: points.to_vec(),
            camera: None,
            anchor: None,
            dwell_s: 0,
        }
    }

    #[test]
    fn points_of_a_concave_polygon() {
        // An L: the upper right quarter is missing.
        let bent = [
            [0.2, 0.2],
            [0.5, 0.2],
            [0.5, 0.5],
            [0.8, 0.5],
            [0.8, 0.8],
            [0.2, 0.8],
        ];
        for (point, is_inside) in [
            ([0.3, 0.3], true),
            ([0.7, 0.7], true),
            ([0.7, 0.3], false),
            ([0.1, 0.5], false),
            ([0.9, 0.7], false),
            ([0.3, 0.9], false),
            // In line with corners.
            ([0.1, 0.2], false),
            ([0.3, 0.5], true),
            ([0.9, 0.5], false),
        ] {
            assert_eq!(polygon_contains(&bent, point), is_inside, "{point:?}");
        }
        assert!(!polygon_contains(&bent[..2], [0.3, 0.2]));
        assert!(!polygon_contains(&[], [0.3, 0.2]));
    }

    #[test]
    fn each_point_belongs_to_one_of_two_zones_with_a_common_edge() {
        let left = [[0.0, 0.0], [0.4, 0.0], [0.6, 1.0], [0.0, 1.0]];
        let right = [[0.4, 0.0], [1.0, 0.0], [1.0, 1.0], [0.6, 1.0]];
        for step in 1..1000 {
            let y = step as f32 / 1000.0;
            for x in [0.1, 0.4 + y * 0.2, 0.9] {
                let owners = [left, right].map(|one| polygon_contains(&one, [x, y]));
                assert_ne!(owners[0], owners[1], "({x}, {y})");
            }
        }
    }

    #[test]
    fn a_person_stands_in_a_zone_and_a_poster_hangs_in_one() {
        let floor = [[0.0, 0.7], [1.0, 0.7], [1.0, 1.0], [0.0, 1.0]];
        let standing = BBox::new(600.0, 100.0, 700.0, 600.0);
        let above = BBox::new(600.0, 100.0, 700.0, 400.0);
        let cut_off = BBox::new(600.0, 100.0, 700.0, 720.0);
        let named = zone(ZoneKind::Named, &floor);
        assert!(named.holds(&standing, SIZE) && named.holds(&cut_off, SIZE));
        assert!(!named.holds(&above, SIZE));
        let ignored = zone(ZoneKind::Ignore, &floor);
        assert!(!ignored.holds(&standing, SIZE), "its centre is above");
        let by_foot = Zone {
            anchor: Some(Anchor::Foot),
            ..ignored
        };
        assert!(by_foot.holds(&standing, SIZE));
    }

    #[test]
    fn a_zone_holds_at_any_resolution() {
        let right = zone(
            ZoneKind::Named,
            &[[0.5, 0.0], [1.0, 0.0], [1.0, 1.0], [0.5, 1.0]],
        );
        for (width, height) in [(1280.0, 720.0), (640.0, 360.0), (720.0, 1280.0)] {
            let at = |x: f32| BBox::around(width * x, height * 0.5, 20.0, 40.0);
            assert!(right.holds(&at(0.6), (width, height)));
            assert!(!right.holds(&at(0.4), (width, height)));
        }
    }

    #[test]
    fn a_zone_is_for_every_picture_or_for_one_camera() {
        let every = zone(ZoneKind::Named, &[]);
        assert!(every.is_for(None) && every.is_for(Some("front")));
        let own = Zone {
            camera: Some("front".to_owned()),
            ..every
        };
        assert!(own.is_for(Some("front")));
        assert!(!own.is_for(Some("back")) && !own.is_for(None));
    }

    #[test]
    fn what_cannot_be_is_refused_and_named() {
        const FINE: [[f32; 2]; 3] = [[0.0, 0.0], [1.0, 0.0], [0.5, 1.0]];
        let named = |name: &str, points: &[[f32; 2]]| Zone {
            name: name.to_owned(),
            ..zone(ZoneKind::Named, points)
        };
        assert_eq!(
            check_zones(&[named("a", &FINE), named("ä b", &FINE)]),
            Ok(())
        );
        for (zones, told) in [
            (vec![named("", &FINE)], "zone 1"),
            (vec![named("a", &FINE), named(" b", &FINE)], "zone 2"),
            (vec![named("a\nb", &FINE)], "one line"),
            (vec![named(&"x".repeat(41), &FINE)], "1 to 40"),
            (
                vec![named("a", &FINE), named("a", &FINE)],
                "two zones have the name `a`",
            ),
            (vec![named("a", &FINE[..2])], "`a` has 2 points"),
            (vec![named("a", &[[0.5; 2]; 65])], "65 points"),
            (
                vec![named("a", &[[0.0, 0.0], [1.0, 1.1], [0.5, 1.0]])],
                "point 2 of the zone `a`",
            ),
            (vec![named("a", &[[f32::NAN, 0.0]; 3])], "point 1"),
            (
                (0..17).map(|n| named(&format!("{n}"), &FINE)).collect(),
                "17 zones",
            ),
        ] {
            let error = check_zones(&zones).expect_err(told).to_string();
            assert!(error.contains(told), "{error}");
        }
    }
}
