//! Below the router: sockets, TLS, connections and their limits, and parsing that needs no other state.
//!
//! In: TCP connections. Out: requests, each with the [`Caller`] that sent it. All listeners share one
//! [`ConnectionTable`](table::ConnectionTable), which chooses the connection to close when it is full.

use std::net::IpAddr;

pub(crate) mod addresses;
pub(crate) mod bodies;
pub(crate) mod conditional;
pub(crate) mod connections;
pub(crate) mod host_names;
pub(crate) mod request_head;
pub(crate) mod send_progress;
mod silence;
pub(crate) mod sockets;
mod table;
mod tcp_info;
mod timed_stream;
pub(crate) mod tls;

/// The client's end of a connection, from the socket; never from a header, which a client can forge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Caller {
    pub(crate) ip: IpAddr,
    /// It came over HTTPS.
    pub(crate) tls: bool,
}
