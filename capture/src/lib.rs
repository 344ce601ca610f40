//! Sources to [`Frame`]s: webcam, files, RTSP, pipes, MJPEG over HTTP and the built-in test scene.
//!
//! This crate is the floor everything else stands on: the picture ([`I420`]), its pool, the frame and
//! the latest-value [`Slot`] between two stages.
//!
//! The way of a picture: [`spawn`] starts the supervisor, which starts an attempt on a thread of its
//! own; the source there (`webcam.rs`, `video.rs`, ...) converts into a pooled [`I420`] and hands it
//! to its outlet, which numbers it and publishes it in the slot.
//!
//! Never: knows of tokio, models or WebRTC.

mod attempt;
mod backoff;
mod camera_http;
pub mod canvas;
mod clock;
pub mod convert;
mod credentials;
mod devices;
mod error;
mod frame;
mod frame_rate;
mod icy;
pub mod jpeg;
mod jpeg_stream;
mod metrics;
mod mjpeg_http;
mod mode;
mod outlet;
mod pace;
mod patience;
mod picture;
mod pixel_aspect;
mod plan;
mod pool;
mod rhythm;
mod rtsp_answer;
pub mod scale;
pub mod scene;
mod scene_source;
mod slot;
mod spec;
pub mod still;
mod supervisor;
mod switch;
mod threads;
pub mod timecode;
mod v4l2;
mod video;
mod webcam;
mod y4m;
mod y4m_pipe;

pub use clock::WallClock;
pub use devices::{Device, devices};
pub use error::CaptureError;
pub use frame::{Frame, Signal, Truth};
pub use metrics::{CaptureMetrics, SourceLabel};
pub use mode::{Mode, PixelFormat, Wanted, ranked};
pub use picture::{I420, PictureError, Planes, PlanesMut};
pub use pool::{PicturePool, PooledPicture};
pub use slot::{Next, Slot, SlotReader};
pub use spec::{SourceSpec, SpecError, Y4mInput};
pub use supervisor::{CaptureConfig, CaptureHandle, spawn};
pub use switch::{Guest, SourceSwitch};
#[cfg(any(test, debug_assertions))]
pub use threads::InjectedFault;
pub use threads::{Heartbeat, TURN_MAX, ThreadFault, ThreadFaultKind, Threads};
pub use y4m::Y4mError;
