//! How much may be sent to addresses that have not shown to be the viewer's: no more than the session
//! has brought. Whoever names, or writes as its source, the address of somebody else sends that one no
//! more by way of this machine than directly. Pure.

use crate::path::{Carriage, Path};

/// What the network adds to a datagram.
const HEADERS_V4_BYTES: usize = 20 + 8;
const HEADERS_V6_BYTES: usize = 40 + 8;

#[derive(Debug, Clone, Copy)]
pub(super) struct Allowance {
    bytes: usize,
    /// The allowance after an address has proved to be the viewer's.
    full_bytes: usize,
}

impl Allowance {
    /// Of a session that brought this many bytes.
    pub(super) fn new(bytes: usize) -> Self {
        Self {
            bytes,
            full_bytes: bytes,
        }
    }

    /// A check of the viewer's has come from there.
    pub(super) fn earn(&mut self, path: Path, bytes: usize) {
        self.bytes += bytes + headers_bytes(path);
    }

    /// Takes what a datagram costs. `false`: there is too little left.
    pub(super) fn spend(&mut self, path: Path, bytes: usize) -> bool {
        // Who completes a TCP handshake has shown that the address is its own.
        if path.carriage == Carriage::Tcp {
            return true;
        }
        let left = self.bytes.checked_sub(bytes + headers_bytes(path));
        self.bytes = left.unwrap_or(self.bytes);
        left.is_some()
    }

    pub(super) fn refill(&mut self) {
        self.bytes = self.bytes.max(self.full_bytes);
    }
}

fn headers_bytes(path: Path) -> usize {
    if path.remote.is_ipv4() {
        HEADERS_V4_BYTES
    } else {
        HEADERS_V6_BYTES
    }
}
