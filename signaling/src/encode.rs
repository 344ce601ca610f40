//! Encoding: the renditions, who watches them, the encoder, and the queue to the threads that send.
//!
//! In come composed pictures, and requests for keyframes and bitrates. Out go H.264 access units, packetised
//! into RTP payloads, as [`frame_queue::EncodedFrame`].

pub mod demand;
pub mod encoder;
pub mod frame_queue;
#[cfg(feature = "vaapi")]
mod gstreamer_encoder;
pub(crate) mod keyframes;
pub mod openh264_encoder;
mod openh264_raw;
pub(crate) mod pace;
pub mod selection;
