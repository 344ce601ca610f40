//! RTP and RTCP (RFC 3550) for H.264, the same for all viewers. In: access units, capture times and received
//! RTCP. Out: RTP payloads, timestamps and parsed feedback.

pub mod clock;
pub(crate) mod feedback_gap;
pub mod packetise;
pub(crate) mod rtcp;
