//! The media engine: a few threads that serve all viewers through one port.
//!
//! In come encoded frames, datagrams of viewers and of the publisher, and requests of the HTTP side through
//! [`EngineHandle`]. Out go datagrams; published access units go to their decoder.
//!
//! Each thread ([`worker`]) serves a shard of the viewers ([`audience`]); the first one reads the media
//! port ([`ports`]) for all of them.

mod audience;
mod handle;
mod ports;
mod start;
mod worker;

pub(crate) use handle::Shared;
pub use handle::{EngineHandle, ViewerSummary};
pub use start::{Engine, EngineConfig, EngineError};
