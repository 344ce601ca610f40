//! Frames to viewers: encoder, packetiser, renditions, fan-out, WebRTC peers on one port, WHEP.
//!
//! Speaks HTTP only as text in, text out.
//!
//! Never: knows of detection, models or cameras.

pub mod demand;
pub mod encoded;
pub mod rendition;

pub use demand::{Demand, PictureLease};
pub use encoded::{EncodedFrame, FrameReceiver, FrameSink, Sent, frame_queue};
pub use rendition::{Rendition, RenditionId, default_renditions};
