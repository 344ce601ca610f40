//! Sends the encoded feed on to another server over WHIP (RFC 9725), for an audience larger than this
//! machine's uplink. In come frames of the main rendition, by a tap, as if it were one more viewer:
//! nothing is encoded for it alone. Out go an offer over HTTP and RTP over an ordinary connection.
//!
//! One thread with a runtime of its own (`publisher`); it is asleep between attempts.

mod course;
mod link;
mod peer;
mod publisher;
mod session;
mod target;
mod whip_client;

pub use self::course::{FailureKind, PublishMetrics, PublishState};
pub use self::publisher::{PublishStatus, Publisher};
pub use self::target::{PublishTarget, TargetError};
