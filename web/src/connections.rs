//! HTTP and HTTPS connections: accepted, bounded in number and in time, and handed to the router.
//!
//! In: listening sockets. Out: requests, each with the [`Caller`] that sent it. All listeners share
//! one [`ConnectionTable`](table::ConnectionTable), which decides who makes room when it is full.

mod bind;
mod caller;
mod descriptors;
mod metrics;
mod serve;
mod table;

pub(crate) use self::bind::bind;
pub(crate) use self::caller::Caller;
pub(crate) use self::descriptors::raise_limit;
pub(crate) use self::metrics::{ConnectionMetrics, TlsMetrics};
pub(crate) use self::serve::{Connections, Limits};
