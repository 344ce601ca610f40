//! What RTP and RTCP (RFC 3550) need of H.264 video, the same for all who receive it: access units to
//! payloads, capture time to timestamps, reports and requests out of control packets.

pub mod clock;
pub mod packetise;
pub(crate) mod rtcp;
