//! Publishing out: sends the encoded feed to another server over WHIP (RFC 9725), for an audience larger than
//! this machine's uplink. In: frames of the rendition that the network carries, through a tap like for one more
//! viewer, so that nothing is encoded for it. Out: an offer over HTTP, and RTP over a peer connection. The server's
//! feedback controls the rate as a viewer's does (`feed_sender`).
//!
//! One thread with its own async runtime (`publisher`); it sleeps between attempts.

mod connection;
mod feed_sender;
mod lifecycle;
mod link_header;
mod publisher;
mod server_feedback;
mod session;
mod target;
mod whip_client;

pub use self::feed_sender::SentFeed;
pub use self::lifecycle::{FailureKind, PublishMetrics, PublishState, PublishStatus};
pub use self::publisher::Publisher;
pub use self::target::{PublishTarget, TargetError};
