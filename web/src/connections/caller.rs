//! Who is at the other end of an HTTP connection.

use std::net::IpAddr;

/// The other end of a connection, as the system tells; never from a header, which anybody can write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Caller {
    pub(crate) ip: IpAddr,
    /// It came over HTTPS.
    pub(crate) tls: bool,
}
