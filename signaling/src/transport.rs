//! Datagrams between this machine and one viewer or publisher, over one port.
//!
//! In come datagrams of anybody: [`demux`] tells whose they are, [`ice`] (in [`stun`] messages) finds the
//! way to who sent them, [`peer`] takes them through DTLS and SRTP. Out go runs of sealed datagrams
//! ([`runs`]), by UDP ([`socket`]) or TCP ([`tcp_port`]). [`candidates`], [`interfaces`] and [`announce`]
//! say which addresses of this machine others are told.

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
