//! Frames to viewers: encoder, packetiser, renditions, fan-out, WebRTC peers on one port, WHEP.
//!
//! Speaks HTTP only as text in, text out; painting enters the compose thread as a [`Painter`].
//!
//! Never: knows of detection, models or cameras.

pub mod announce;
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
pub mod fair_share;
mod fanout;
pub mod frame_tap;
mod framing;
mod freeze;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzz;
mod ice;
mod identity;
mod interfaces;
mod join;
pub mod keyframe;
mod keyframe_gate;
mod negotiation;
mod networks;
pub mod openh264_encoder;
mod openh264_raw;
mod own_pause;
pub mod pacing;
mod packet_ring;
pub mod packetise;
pub mod painter;
mod path;
mod peer;
mod pli_patience;
mod precedence;
pub mod publish;
mod rate_cap;
pub mod rendition;
mod reply;
mod reports;
mod resend;
mod rtcp;
pub mod rtp_clock;
mod runs;
mod sdp;
mod send_queue;
mod session;
mod session_patch;
mod socket;
mod stun;
mod tcp_port;
mod viewer;
pub mod whep;
pub mod whip;

pub use announce::Announced;
pub use compose::{ComposeConfig, ComposeHandle, ComposeMetrics, ComposeParts};
pub use demand::{Demand, PictureLease, StreamLease};
pub use encoded::{EncodedFrame, FrameReceiver, FrameSink, Sent, frame_queue};
pub use engine::{Engine, EngineConfig, EngineError, EngineHandle, ViewerSummary};
pub use engine_metrics::EngineMetrics;
pub use interfaces::lan_addresses;
pub use painter::{Composed, Painter, reserved_top_px};
pub use publish::{PublishMetrics, PublishState, PublishStatus, PublishTarget, Publisher};
pub use rendition::{Rendition, RenditionId, default_renditions};
