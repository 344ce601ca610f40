//! Several carriers at one event.
//!
//! Carriers that their owners have paired find each other on the network, say who is here, play rounds together and
//! share scores and pictures that visitors agreed to show. No video crosses. The engine is iroh: QUIC with TLS between
//! keys, its mDNS lookup, and a relay only if one is configured.
//!
//! `protocol` (pure) decides everything: messages and time in, messages and changes out, on signed `record`s and
//! `announcement`s. `node` moves bytes between it and the network.

mod announcement;
mod clock_offset;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzz;
mod handshake_limit;
mod identity;
mod members;
mod node;
mod pairing;
mod protocol;
mod rate_limit;
mod record;
mod rounds;
mod shared_log;
mod slug;
mod storage;
mod token_bucket;
mod wire;

pub use announcement::Presence;
pub use iroh::{EndpointId as CarrierId, RelayUrl};
pub use members::{MEMBERS_MAX, MembersFull, NAME_BYTES_MAX};
pub use node::thumbnails::Thumbnails;
pub use node::{JoinError, Mesh, MeshError, MeshSettings};
pub use pairing::{CODE_VALID, PairingCode, PairingCodeError, PairingLink, WORDS};
pub use protocol::view::{CarrierState, CarrierStatus, GalleryItem, RoundView, SharedScore};
pub use record::{EventId, PictureHash, RecordBody};
pub use rounds::{HostedRound, RoundError, RoundKind, Win};
pub use shared_log::{LogFull, RECORDS_PER_OWNER_MAX};
pub use slug::{Slug, SlugError};
pub use wire::THUMBNAIL_BYTES_MAX;
