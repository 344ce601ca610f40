//! Parameters of a simulated path.

use std::time::Duration;

use crate::loss::Loss;

/// The parameters of one direction. The default passes everything at once.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Conditions {
    /// Random loss after the bottleneck.
    pub loss: Loss,
    /// Minimum one-way delay.
    pub delay: Duration,
    /// Random additional delay.
    pub jitter: Jitter,
    /// Bottleneck rate in bits per second of IP packets (datagram and
    /// [`HEADERS_BYTES`](crate::HEADERS_BYTES)). `None`: no bottleneck; 0: an outage.
    pub rate_bps: Option<u64>,
    /// The queue before the bottleneck.
    pub queue: Queue,
}

/// Jitter: an additional delay per datagram, uniform from zero to `most`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Jitter {
    /// Maximum additional delay.
    pub most: Duration,
    /// Whether a datagram waits for earlier ones, as on most networks; otherwise it may overtake them.
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

/// Limit of the queue before the bottleneck (tail drop). A datagram that finds the bottleneck idle always
/// passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Queue {
    /// Maximum waiting time.
    Time(Duration),
    /// Maximum bytes of waiting IP packets.
    Bytes(usize),
}

impl Default for Queue {
    /// 300 ms: more than in a good router, less than with bufferbloat.
    fn default() -> Self {
        Self::Time(Duration::from_millis(300))
    }
}
