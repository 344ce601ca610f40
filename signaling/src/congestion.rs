//! Congestion control: which rendition the network of each viewer carries. Pure: time is an argument.
//!
//! In: transport-wide feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01), receiver reports and
//! the time. Out: the transport-wide sequence numbers, the bandwidth estimate, the rendition to send, a playout
//! delay and padding packets to send.
//!
//! The design follows LiveKit's `congestion_detector.go`, mediasoup and libwebrtc's GCC, adapted to a sender
//! that has a few fixed renditions. A growing queueing delay lowers the bandwidth estimate to the delivered
//! rate; probes (bursts of padding) find out whether the path carries more.
//!
//! Feedback costs both sides: it is requested at the start of a session and while the network shows problems; no
//! feedback is requested from a viewer without problems.

mod allocation;
mod backlog;
mod bandwidth_estimate;
mod control;
mod first_flight;
mod media_share;
mod monitoring;
mod packet_train;
mod path_estimator;
mod playout;
mod probe;
mod reported_path;
mod sent_log;
mod shared_path;
mod shortfall;
mod too_large;

pub(crate) use allocation::{RenditionChoice, Rung, ladder, parse_choice, targets};
pub(crate) use backlog::SendRoom;
pub(crate) use control::{Control, Decision};
pub(crate) use shared_path::share_bps;

#[cfg(test)]
mod tests;
