//! What the detector saw, as far as it is counted. Pure.

use std::time::Instant;

use stylise::UnixHour;

/// The objects of a class in a zone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Place {
    /// Empty: the whole picture.
    pub(crate) zone: String,
    pub(crate) class: String,
}

/// One result of the detector, as far as it is counted.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct SeenPicture {
    pub(super) captured_at: Instant,
    pub(super) hour: UnixHour,
    /// Empty: a source without a name.
    pub(super) camera: String,
    pub(super) objects: Vec<SeenObject>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct SeenObject {
    pub(super) track: u64,
    pub(super) class: String,
    pub(super) zones: Vec<SeenZone>,
    /// Where it stands, in 0..=1 of the picture; `None`: it is only predicted.
    pub(super) foot: Option<(f32, f32)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SeenZone {
    pub(super) name: String,
    /// After so many seconds its stay is told; 0: never.
    pub(super) dwell_s: u32,
}

/// An object has been in a zone for as long as the owner wants to know of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LongStay {
    pub(super) place: Place,
    pub(super) track: u64,
    pub(super) seconds: u32,
}
