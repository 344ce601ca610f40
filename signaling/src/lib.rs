//! Frames to viewers: encoder, packetiser, renditions, fan-out, WebRTC peers on one port, WHEP.
//!
//! Speaks HTTP only as text in, text out; painting enters the compose thread as a closure of its own.
//!
//! Never: knows of detection, models or cameras.

pub mod demand;
pub mod encoded;
pub mod encoder;
pub mod keyframe;
pub mod openh264_encoder;
mod openh264_raw;
pub mod packetise;
pub mod rendition;
pub mod rtp_clock;

pub use demand::{Demand, PictureLease};
pub use encoded::{EncodedFrame, FrameReceiver, FrameSink, Sent, frame_queue};
pub use rendition::{Rendition, RenditionId, default_renditions};
