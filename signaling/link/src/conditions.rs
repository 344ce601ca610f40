//! What a path is like.

use std::time::Duration;

use crate::loss::Loss;

/// What one direction of a path is like. The default carries everything at once.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Conditions {
    /// Loss by chance, behind the bottleneck.
    pub loss: Loss,
    /// Each datagram takes at least this long.
    pub delay: Duration,
    /// What is added to it.
    pub jitter: Jitter,
    /// Bits a second of IP packets (datagram and [`HEADERS_BYTES`](crate::HEADERS_BYTES)) through
    /// the bottleneck. `None`: no bottleneck; 0: nothing passes, as in an outage.
    pub rate_bps: Option<u64>,
    /// The queue in front of the bottleneck.
    pub queue: Queue,
}

/// Delay that varies, evenly from zero to `most`, drawn for each datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Jitter {
    /// The most that is added.
    pub most: Duration,
    /// A datagram waits for those before it, as on most networks; otherwise it may overtake them.
    pub keeps_order: bool,
}

impl Default for Jitter {
    fn default() -> Self {
        Self {
            most: Duration::ZERO,
            keeps_order: true,
        }
    }
}

/// Where the queue in front of the bottleneck ends. What comes when it is full is dropped; a
/// datagram that finds the bottleneck free always passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Queue {
    /// A datagram that would wait longer is dropped.
    Time(Duration),
    /// Bytes of waiting IP packets.
    Bytes(usize),
}

impl Default for Queue {
    /// 300 ms: more than a good router's, less than a bloated one's.
    fn default() -> Self {
        Self::Time(Duration::from_millis(300))
    }
}
