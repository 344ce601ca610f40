//! Congestion control of one viewer: which rendition its network carries. Pure: the caller passes every time.
//!
//! In: transport-wide feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01), receiver reports and
//! the time. Out: the rendition to send, a playout delay and padding packets to send.
//!
//! The design follows LiveKit's `congestion_detector.go`, mediasoup and libwebrtc's GCC, adapted to a sender
//! that has a few fixed renditions. A growing queueing delay lowers the bandwidth estimate to the delivered
//! rate; probes (bursts of padding) find out whether the path carries more.
//!
//! Feedback costs both sides, so it is only requested at the start of a session and while the network
//! shows problems; a healthy viewer costs nothing here.

mod allocation;
mod bandwidth_estimate;
mod control;
mod path_estimator;
mod probe;
mod sent_log;
mod watch;

pub(crate) use allocation::{Choice, Rung, choice, ladder, targets};
pub(crate) use control::{Control, Decision};

#[cfg(test)]
mod tests;
