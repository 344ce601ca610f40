//! A network path that loses, delays, shuffles and slows datagrams, for tests and benches: many
//! kernels lack netem, and a virtual clock is exact.
//!
//! One direction is a [`Link`]. A datagram passes, in this order: the queue in front of the
//! bottleneck (tail drop), the bottleneck's rate, chance loss, delay, jitter. A datagram lost by
//! chance has used the rate, as on a radio. The same seed and the same offers give the same fate.
//!
//! Never: looks at a clock, a socket or at what is in a datagram.

mod chance;
mod conditions;
mod link;
mod loss;

pub use conditions::{Conditions, Jitter, Queue};
pub use link::{Counters, HEADERS_BYTES, Link};
pub use loss::Loss;
