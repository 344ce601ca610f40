//! Sources to [`Frame`]s: webcam, files, RTSP, pipes, MJPEG over HTTP and the built-in test scene.
//!
//! This crate is the floor everything else stands on: the picture ([`I420`]), its pool, the frame and
//! the latest-value [`Slot`] between two stages.
//!
//! Never: knows of tokio, models or WebRTC.

pub mod canvas;
mod clock;
pub mod convert;
mod frame;
pub mod jpeg;
mod picture;
mod pool;
pub mod scale;
pub mod scene;
mod slot;
pub mod timecode;

pub use clock::WallClock;
pub use frame::{Frame, Signal, Truth};
pub use picture::{I420, PictureError, Planes, PlanesMut};
pub use pool::{PicturePool, PooledPicture};
pub use slot::{Next, Slot, SlotReader};
