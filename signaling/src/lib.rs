//! Frames to viewers: encoder, packetiser, renditions, fan-out, WebRTC peers on one port, WHEP.
//!
//! Speaks HTTP only as text in, text out.
//!
//! Never: knows of detection, models or cameras.

mod audience;
mod candidates;
pub mod demand;
mod demux;
pub mod encoded;
pub mod engine;
pub mod engine_metrics;
mod fanout;
mod identity;
mod interfaces;
mod join;
mod keyframe_gate;
mod negotiation;
mod packet_ring;
mod peer;
pub mod rendition;
mod reports;
mod resend;
mod rtcp;
mod runs;
mod sdp;
mod socket;
mod viewer;
pub mod whep;

pub use demand::{Demand, PictureLease};
pub use encoded::{EncodedFrame, FrameReceiver, FrameSink, Sent, frame_queue};
pub use engine::{Engine, EngineConfig, EngineError, EngineHandle, ViewerSummary};
pub use engine_metrics::EngineMetrics;
pub use rendition::{Rendition, RenditionId, default_renditions};
