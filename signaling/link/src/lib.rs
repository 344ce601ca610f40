//! Simulates a network path with loss, delay, jitter, reordering and a bottleneck, for tests and benches.
//! Many kernels lack netem, and a virtual clock is exact.
//!
//! One direction is a [`Link`]. A datagram passes, in this order: the queue (tail drop), the bottleneck rate,
//! random loss, delay, jitter. A randomly lost datagram has used the rate, as on a radio link. The same seed
//! and input give the same result.
//!
//! Never: uses a clock or a socket, or looks into a datagram.

mod conditions;
mod link;
mod loss;
mod random;

pub use conditions::{Conditions, Jitter, Queue};
pub use link::{Counters, HEADERS_BYTES, Link};
pub use loss::Loss;
