//! Datagrams between this machine and one viewer or publisher, over one port.
//!
//! In: datagrams from anybody. [`demux`] finds the viewer they belong to, [`ice`] (with [`stun`] messages)
//! finds and validates a network path, [`peer`] runs DTLS and SRTP. Out: [`runs`] of encrypted datagrams by
//! UDP ([`socket`]) or TCP ([`tcp_port`]). [`candidates`], [`interfaces`] and [`announce`] decide which
//! addresses of this machine are offered to the other side.

pub mod announce;
pub(crate) mod candidates;
pub(crate) mod demux;
pub(crate) mod ice;
pub(crate) mod interfaces;
pub(crate) mod peer;
pub(crate) mod runs;
pub(crate) mod session;
pub(crate) mod socket;
pub(crate) mod stun;
pub(crate) mod tcp_port;
