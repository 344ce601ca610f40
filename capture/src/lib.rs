//! Sources of pictures and what every stage needs: pictures, frames, slots, threads.
//!
//! In: the text of `--source`. Out: [`Frame`]s and [`Signal`]s in two [`Slot`]s.
//!
//! The way of a picture: [`spawn`] starts the supervisor (`supervisor.rs`), which starts each attempt
//! to read the source on a thread of its own. The source (a file below `sources/`) converts each
//! picture into a pooled [`I420`] (`convert.rs`, `jpeg.rs`) and gives it to its output
//! (`sources/output.rs`); the [`SourceSwitch`] numbers it and publishes it in the slot.
//!
//! This crate never names tokio, models or WebRTC.

mod backoff;
mod camera_settings;
pub mod canvas;
mod controls;
pub mod convert;
mod device_claims;
mod error;
mod frame;
pub mod jpeg;
mod lock;
mod metrics;
mod mounting;
mod picture;
mod rate_cap;
pub mod scale;
mod slot;
mod sources;
mod spec;
pub mod still;
mod supervisor;
mod switch;
mod threads;
pub mod timecode;
pub mod trace;

pub use backoff::Backoff;
pub use camera_settings::{CameraReport, CameraSettings};
pub use controls::{
    CameraControl, ControlError, ControlKind, ControlValue, ControlValues, camera_controls,
    check_control_keys,
};
pub use error::{CaptureError, Y4mError};
pub use frame::{Frame, Signal, SourceNumber, Truth, WallClock};
pub use lock::lock;
pub use metrics::{CaptureMetrics, SourceLabel};
pub use mounting::Mounting;
pub use picture::{I420, PictureError, PicturePool, Planes, PlanesMut, PooledPicture};
pub use rate_cap::RateCap;
pub use slot::{Next, Slot, SlotReader};
pub use sources::camera::{Mode, PixelFormat, Wanted, ranked};
pub use sources::idle::{CaptureLimit, PictureDemand};
pub use sources::kind::SourceKind;
pub use sources::scene;
pub use sources::video::VideoReader;
pub use sources::webcam::{Device, devices, named as device_named};
pub use spec::{SourceSpec, SpecError, Y4mInput};
pub use supervisor::{
    CaptureConfig, CaptureHandle, NamedCamera, SelectedSource, ShutterControl, SourceControl, spawn,
};
pub use switch::{CameraState, CameraStatus, Guest, SourceSwitch};
#[cfg(any(test, debug_assertions))]
pub use threads::InjectedFault;
pub use threads::{Heartbeat, TURN_MAX, ThreadFault, ThreadFaultKind, Threads};
