//! Frames to tracks: model manifest, ONNX Runtime, heads, tracker and the overlay painter.
//!
//! Never: knows of tokio, cameras or WebRTC.

mod bbox;
mod detection;
mod overlay;
mod text;
mod tracker;
mod tracks;

pub use bbox::BBox;
pub use detection::Detection;
pub use overlay::{ACCENT, Card, OverlayPainter};
pub use tracker::{Tracker, TrackerConfig};
pub use tracks::{Track, Tracks};
