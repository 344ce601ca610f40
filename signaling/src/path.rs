//! One way between this machine and a viewer.

use std::net::{IpAddr, SocketAddr};

/// What carries packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Carriage {
    Udp,
    /// A connection that the viewer opened (RFC 6544), named by its remote end.
    Tcp,
}

/// Where packets of a viewer come from and go to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Path {
    pub(crate) carriage: Carriage,
    /// The address of this machine.
    pub(crate) local: IpAddr,
    pub(crate) remote: SocketAddr,
}
