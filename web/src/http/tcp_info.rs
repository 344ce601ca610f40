//! What the kernel knows of a TCP connection (`TCP_INFO`), for which no crate in the tree has a safe call.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::time::Duration;

/// The part of `struct tcp_info` that is read. Linux only ever appends to it.
const BYTES: usize = 152;
const ACKNOWLEDGED_AT: usize = 120;
const UNSENT_AT: usize = 144;
const ROUND_TRIP_MIN_AT: usize = 148;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TcpInfo {
    /// Of all that was sent since the connection was opened.
    pub(super) acknowledged_bytes: u64,
    /// Written to the socket and not sent once.
    pub(super) unsent_bytes: u32,
    /// The shortest round trip of late.
    pub(super) round_trip_min: Duration,
}

impl TcpInfo {
    pub(super) fn read(socket: &impl AsFd) -> io::Result<Self> {
        let mut info = [0_u8; BYTES];
        let mut length = BYTES as libc::socklen_t;
        // SAFETY: `info` is writable and `length` long, and the kernel writes no more than that. The descriptor is
        // open, because `socket` is borrowed.
        let result = unsafe {
            libc::getsockopt(
                socket.as_fd().as_raw_fd(),
                libc::IPPROTO_TCP,
                libc::TCP_INFO,
                info.as_mut_ptr().cast(),
                &raw mut length,
            )
        };
        if result != 0 {
            return Err(io::Error::last_os_error());
        }
        if (length as usize) < BYTES {
            return Err(io::ErrorKind::Unsupported.into());
        }
        let u32_at = |at: usize| info[at..at + 4].try_into().map(u32::from_ne_bytes);
        let u64_at = |at: usize| info[at..at + 8].try_into().map(u64::from_ne_bytes);
        let round_trip_us = u32_at(ROUND_TRIP_MIN_AT).unwrap_or(u32::MAX);
        Ok(Self {
            acknowledged_bytes: u64_at(ACKNOWLEDGED_AT).unwrap_or(0),
            unsent_bytes: u32_at(UNSENT_AT).unwrap_or(0),
            // All ones until the first measurement.
            round_trip_min: match round_trip_us {
                u32::MAX => Duration::ZERO,
                us => Duration::from_micros(us.into()),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn bytes_are_acknowledged_or_unsent() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("bound");
        let mut reader = TcpStream::connect(address).expect("connected");
        let (mut writer, _) = listener.accept().expect("a connection");
        writer.write_all(&[7; 1000]).expect("sent");
        reader.read_exact(&mut [0; 1000]).expect("received");
        let info = TcpInfo::read(&writer).expect("Linux");
        assert!((1000..=1001).contains(&info.acknowledged_bytes), "{info:?}");
        assert_eq!(info.unsent_bytes, 0);
        assert!(info.round_trip_min < Duration::from_secs(1), "{info:?}");
        // Far more than a receiver takes that reads nothing.
        writer.set_nonblocking(true).expect("a plain socket");
        let mut written = 1000;
        while let Ok(bytes) = writer.write(&[7; 1 << 20]) {
            written += bytes as u64;
        }
        let info = TcpInfo::read(&writer).expect("Linux");
        assert!(info.unsent_bytes > 0, "{info:?}");
        let known = info.acknowledged_bytes + u64::from(info.unsent_bytes);
        assert!(known <= written + 1, "{info:?} of {written}");
    }
}
