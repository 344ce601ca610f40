//! Which picture one viewer's network carries. Pure: every time comes from the caller.
//!
//! The sum of what the leading SFUs do (LiveKit `congestion_detector.go`, mediasoup, libwebrtc's GCC),
//! fitted to a sender with a few fixed renditions: packets are numbered transport-wide
//! (draft-holmer-rmcat-transport-wide-cc-extensions-01), the receiver tells when each arrived, a queue
//! that builds up lowers the ceiling to what gets through, and bursts of padding find out whether more
//! would.
//!
//! Feedback costs both sides, so a viewer is only watched closely at its beginning and while something
//! is wrong: a healthy audience costs nothing here.

mod allocation;
mod ceiling;
mod control;
mod path;
mod probe;
mod sent_log;
mod watch;

pub(crate) use allocation::{Choice, Rung, choice, ladder, targets};
pub(crate) use control::{Control, Decision};

#[cfg(test)]
mod tests;
