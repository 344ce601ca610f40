//! Privacy: hides persons, faces or parts of the room in the frame itself, before anything shows it.
//!
//! In: each picture with its capture time, the raw detections of the detect thread ([`Sighting`]) and
//! the owner's settings ([`PrivacyControl`]). Out: the same picture with what must not be seen replaced
//! ([`PrivacyFilter`]).
//!
//! It fails closed: without a sighting that is near in time the whole picture is blurred, and what has
//! moved since the last sighting without a box that explains it is hidden too. It works on raw
//! detections at a threshold of its own, so that nothing that limits which boxes are shown un-hides a
//! person.

mod cover;
mod filter;
mod motion;
mod pixels;
mod settings;
mod sighting;
mod silhouette;

pub use filter::{Hidden, PrivacyFilter};
pub use settings::{
    Mask, PrivacyControl, PrivacyError, PrivacyMode, PrivacySettings, PrivacyStats,
};
pub use sighting::{SIGHTING_SCORE, Sighted, SightedKind, Sighting, Sightings};
