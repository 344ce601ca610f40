//! The compose thread: newest frame, painted, published, encoded for whoever watches.
//!
//! In come frames and the state of the source, through slots, and a [`Painter`]. Out go [`Composed`]
//! pictures, through a slot, for everything but viewers, and encoded frames to the engine.

mod composer;
mod metrics;
pub mod pacing;
pub mod picture;
mod streams;

pub use composer::{ComposeConfig, ComposeHandle, ComposeParts, spawn};
pub use metrics::ComposeMetrics;
pub use picture::{Composed, Painter, reserved_top_px};
