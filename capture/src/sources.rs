//! The kinds of sources. Each has a file below `sources/` with a [`SourceKind`], and a line in the table
//! [`KINDS`]. `spec.rs` names those that have a variant of their own in `SourceSpec`; a new one needs none.
//!
//! In: the address of a source. Out: I420 pictures with their capture times, through
//! [`output::SourceOutput`]. A source runs on a thread of its own, so it may block.

pub(crate) mod camera;
mod camera_http;
pub(crate) mod idle;
pub(crate) mod kind;
mod mjpeg_http;
pub(crate) mod output;
mod pacer;
pub mod scene;
pub(crate) mod stall;
pub(crate) mod video;
pub(crate) mod webcam;
pub(crate) mod y4m;

use kind::SourceKind;

/// Every kind of source, in the order in which error messages list them.
pub(crate) static KINDS: &[&SourceKind] = &[
    &scene::KIND,
    &webcam::KIND,
    &video::FILE,
    &video::URL,
    &mjpeg_http::KIND,
    &y4m::KIND,
];
