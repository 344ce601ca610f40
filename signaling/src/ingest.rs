//! Publishing in: receives the media of a publisher over WHIP.
//!
//! In: RTP packets, on the engine's thread ([`publisher`]). They are put in order, with retransmission requests
//! for lost ones ([`reception`], [`reorder`]), depacketised ([`depacketise`]) and assembled to access units
//! ([`access_unit`]) whose parameters a decoder may be given ([`parameter_sets`]). Out: pictures, decoded on a
//! separate thread ([`decode_worker`]), to the [`capture::SourceSwitch`], where they replace the source's.

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
