//! The bytes in a socket's send queue (SIOCOUTQ, tcp(7)).
//!
//! Invariant: the call writes one C integer.
#![allow(unsafe_code)]

use std::ffi::c_int;
use std::io;
use std::os::fd::AsFd;

use rustix::ioctl::{Getter, Opcode, ioctl};

const SIOCOUTQ: Opcode = 0x5411;

/// Bytes that the peer has not acknowledged, sent or not.
pub(super) fn unacknowledged_bytes(socket: impl AsFd) -> io::Result<u64> {
    // SAFETY: SIOCOUTQ writes one C integer.
    let queued = unsafe { ioctl(socket, Getter::<SIOCOUTQ, c_int>::new()) }?;
    Ok(u64::try_from(queued).unwrap_or(0))
}
