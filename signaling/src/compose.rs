//! The compose thread: filters, paints, publishes and encodes the newest frame while somebody watches.
//!
//! In come frames and the state of the source, through slots. Out go [`Composed`] pictures, through a
//! slot, for MJPEG and still pictures, and encoded frames to the engine. Each frame passes the
//! [`PictureFilter`]s, then the [`Painter`], then one encoder for each rendition that is watched.

mod composer;
mod filters;
mod metrics;
pub mod pacing;
pub mod picture;
mod streams;

pub use composer::{ComposeConfig, ComposeHandle, ComposeParts, spawn};
pub use filters::PictureFilter;
pub use metrics::ComposeMetrics;
pub use picture::{Composed, Painter, reserved_top_px};
