//! Frames to viewers: encoder, packetiser, renditions, fan-out, WebRTC peers on one port, WHEP.
//!
//! Speaks HTTP only as text in, text out; painting enters the compose thread as a [`Painter`].
//!
//! The way of a picture: [`compose`] paints it, [`encode`] and [`rtp`] make packets of it once for all,
//! `fanout` numbers and paces them for each viewer with `congestion` as its guide, `transport` seals and
//! sends them. `engine` is the threads on which that happens, `session` and `sdp` are how viewers
//! come to it. The ways beside it: `ingest` (pictures published to this station) and [`publish`]
//! (the feed sent on to another server). [`mp4`] keeps encoded pictures in a file.
//!
//! Never: knows of detection, models or cameras.

pub mod compose;
mod congestion;
pub mod encode;
mod engine;
pub mod fair_share;
mod fanout;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzz;
mod ingest;
pub mod metrics;
pub mod mp4;
pub mod publish;
pub mod rtp;
mod sdp;
mod session;
#[cfg(test)]
mod simulation;
mod transport;

pub use compose::{ComposeConfig, ComposeHandle, ComposeMetrics, ComposeParts};
pub use compose::{Composed, Painter, PictureFilter, reserved_top_px};
pub use encode::demand::{Demand, PictureLease, StreamLease};
pub use encode::encoder::{NewEncoder, Rendition, RenditionId, default_renditions};
pub use encode::frame_queue::{EncodedFrame, FrameReceiver, FrameSink, Sent, frame_queue};
pub use engine::{Engine, EngineConfig, EngineError, EngineHandle, ViewerSummary};
pub use metrics::EngineMetrics;
pub use publish::{PublishMetrics, PublishState, PublishStatus, PublishTarget, Publisher};
pub use session::{whep, whip};
pub use transport::announce::{self, Announced};
pub use transport::interfaces::{HostAddress, host_addresses};
