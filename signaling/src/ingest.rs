//! Publishing in: the media of whoever publishes to this station over WHIP.
//!
//! In come RTP packets, on the engine's thread ([`publisher`]): in order and with retransmissions
//! ([`reception`], [`reorder`]), out of their payloads ([`depacketise`]) to whole pictures
//! ([`access_unit`]) that a decoder can be given ([`parameter_sets`]). Out go decoded pictures, from a
//! thread of their own ([`decode_worker`]), to the [`capture::SourceSwitch`], where they take the place
//! of the source's.

pub(crate) mod access_unit;
pub(crate) mod decode_worker;
mod depacketise;
pub(crate) mod inbox;
pub(crate) mod metrics;
mod parameter_sets;
pub(crate) mod publisher;
pub(crate) mod reception;
mod reorder;
pub(crate) mod unit_queue;
