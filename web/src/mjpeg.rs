//! `/stream.mjpg`: pictures as JPEG for clients without WebRTC, in a size and quality that each connection takes.
//!
//! A picture is taken when the one before it has left this machine, so that it is the newest one then. How long
//! pictures take to arrive decides about the next one's size (`adaptation`, pure). Each version of a picture is encoded
//! once for all connections ([`crate::stills`]).

mod adaptation;
mod metrics;
mod viewer;

pub(crate) use self::metrics::MjpegMetrics;
pub(crate) use self::viewer::{BOUNDARY, MjpegViewer};
