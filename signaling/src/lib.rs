//! Frames to viewers: encoder, packetiser, renditions, fan-out, WebRTC peers on one port, WHEP.
//!
//! Speaks HTTP only as text in, text out; painting enters the compose thread as a [`Painter`].
//!
//! Never: knows of detection, models or cameras.

pub mod compose;
pub mod demand;
pub mod encoded;
pub mod encoder;
pub mod keyframe;
pub mod openh264_encoder;
mod openh264_raw;
pub mod pacing;
pub mod packetise;
pub mod painter;
pub mod rendition;
pub mod rtp_clock;

pub use compose::{ComposeConfig, ComposeHandle, ComposeMetrics, ComposeParts};
pub use demand::{Demand, PictureLease};
pub use encoded::{EncodedFrame, FrameReceiver, FrameSink, Sent, frame_queue};
pub use painter::{Composed, Painter, reserved_top_px};
pub use rendition::{Rendition, RenditionId, default_renditions};
