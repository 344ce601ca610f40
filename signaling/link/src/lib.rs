//! Simulates a network path with loss, delay, jitter, reordering and a bottleneck, for tests and benches.
//! netem would need root, a kernel with it, and real time.
//!
//! One direction is a [`Link`]. A datagram passes, in this order: the queue (tail drop), the bottleneck rate,
//! random loss, delay, jitter and reordering. A randomly lost datagram has used the rate, as on a radio link. The same seed
//! and input give the same result.
//!
//! Uses no clock and no socket, and does not read datagrams.

mod conditions;
mod link;
mod loss;
mod random;

pub use conditions::{Conditions, Jitter, Queue};
pub use link::{Counters, HEADERS_BYTES, Link};
pub use loss::Loss;
