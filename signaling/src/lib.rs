//! Frames to viewers: encoder, packetiser, renditions, fan-out, WebRTC peers on one port, WHEP.
//!
//! Speaks HTTP only as text in, text out; painting enters the compose thread as a [`Painter`].
//!
//! Never: knows of detection, models or cameras.

mod audience;
mod candidates;
pub mod compose;
mod congestion;
pub mod demand;
mod demux;
pub mod encoded;
pub mod encoder;
pub mod engine;
pub mod engine_metrics;
mod fanout;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzz;
