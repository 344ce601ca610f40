//! From one rendition to each of its viewers.
//!
//! In come encoded frames, kept once for all viewers ([`packet_ring`]). Out go packets with each viewer's
//! own header ([`rtp_stream`]), paced for its network ([`send_queue`]), and retransmissions ([`resend`]).
//! [`media_sender`] combines them for one viewer, [`encoder_targets`] says what the encoders are to aim at;
//! [`viewer`] adds a viewer's transport, [`join`] what it needs until its first picture.

pub(crate) mod encoder_targets;
pub(crate) mod join;
pub(crate) mod media_sender;
pub(crate) mod packet_ring;
pub(crate) mod resend;
pub(crate) mod rtp_stream;
pub(crate) mod send_queue;
pub(crate) mod viewer;
