//! Zones: parts of the picture that the owner names, or in which nothing is detected. Pure.
//!
//! Coordinates are 0..=1 of the upright picture, as viewers see it, so that they hold at any resolution.

mod area;
mod marks;
mod membership;

pub use area::{Anchor, Zone, ZoneError, ZoneKind, check_zones, polygon_contains};
pub use marks::ZoneMarks;
pub(crate) use membership::{Picture, ZoneMembership};
