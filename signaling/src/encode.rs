//! Encoding: what there is to watch, who watches it, what encodes it, and the way from there to the
//! threads that send it.
//!
//! In come composed pictures, and requests for keyframes and bitrates. Out go H.264 access units, cut
//! into RTP payloads, as [`frame_queue::EncodedFrame`].

pub mod demand;
pub mod encoder;
pub mod frame_queue;
pub mod keyframes;
pub mod openh264_encoder;
mod openh264_raw;
