//! Publishing out: sends the encoded feed to another server over WHIP (RFC 9725), for an audience larger than
//! this machine's uplink. In: frames of the main rendition, through a tap like for one more viewer, so that
//! nothing is encoded for it. Out: an offer over HTTP, and RTP over a peer connection.
//!
//! One thread with its own async runtime (`publisher`); it sleeps between attempts.

mod connection;
mod lifecycle;
mod link_header;
mod publisher;
mod session;
mod target;
mod whip_client;

pub use self::lifecycle::{FailureKind, PublishMetrics, PublishState, PublishStatus};
pub use self::publisher::Publisher;
pub use self::target::{PublishTarget, TargetError};
