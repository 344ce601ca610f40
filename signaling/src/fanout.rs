//! From one rendition to each of its viewers.
//!
//! In come encoded frames, once for all ([`packet_ring`]). Out go packets with each viewer's own header
//! ([`outlet`]), at the pace that its network takes ([`send_queue`]), again where one was lost
//! ([`resend`]). [`viewer`] holds together what one viewer has of all this.

pub(crate) mod outlet;
pub(crate) mod packet_ring;
pub(crate) mod resend;
pub(crate) mod send_queue;
pub(crate) mod viewer;
