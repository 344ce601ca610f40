//! Metrics of publishing in.

use prometheus_client::encoding::EncodeLabelValue;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use super::access_unit::UnitError;
use crate::metrics::Kinds;

/// Why an access unit was not decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelValue)]
pub enum UnitDrop {
    /// Packets of it were lost.
    Damaged,
    /// A payload is malformed.
    Malformed,
    /// Its format is not supported, or its pictures are too large.
    Unfit,
    /// It depends on a picture that was lost.
    NoKeyframe,
    /// The decoder was too slow.
    Behind,
}

impl From<UnitError> for UnitDrop {
    fn from(reason: UnitError) -> Self {
        match reason {
            UnitError::Damaged => Self::Damaged,
            UnitError::Malformed(_) => Self::Malformed,
            UnitError::Unsupported(_) => Self::Unfit,
            UnitError::NoKeyframe => Self::NoKeyframe,
        }
    }
}

/// Metrics of publishing in.
#[derive(Debug, Clone)]
pub struct WhipMetrics {
    /// Current publishers: none or one.
    pub publishers: Gauge,
    /// Received media packets, including retransmissions.
    pub packets: Counter,
    /// Packets lost in spite of retransmission requests.
    pub lost: Counter,
    /// Packets that arrived after they were counted as missing.
    pub recovered: Counter,
    /// Requested retransmissions; a repeated request counts again.
    pub nacks: Counter,
    /// Requested keyframes.
    pub plis: Counter,
    /// Decoded pictures.
    pub pictures: Counter,
    /// Time to decode one access unit, in seconds.
    pub decode: Histogram,
    /// Access units that the decoder rejected.
    pub decode_failures: Counter,
    /// Access units dropped before decoding, by cause.
    pub dropped: Kinds<UnitDrop>,
}

/// 0.25 ms to 128 ms, doubling.
const DECODE_BUCKETS: [f64; 10] = [
    0.00025, 0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128,
];

impl Default for WhipMetrics {
    fn default() -> Self {
        Self {
            publishers: Gauge::default(),
            packets: Counter::default(),
            lost: Counter::default(),
            recovered: Counter::default(),
            nacks: Counter::default(),
            plis: Counter::default(),
            pictures: Counter::default(),
            decode: Histogram::new(DECODE_BUCKETS),
            decode_failures: Counter::default(),
            dropped: Family::default(),
        }
    }
}

impl WhipMetrics {
    /// Registers all metrics.
    pub fn register(&self, registry: &mut Registry) {
        let mut counter = |name: &str, help: &str, metric: &Counter| {
            registry.register(name, help, metric.clone());
        };
        counter(
            "carrier_whip_packets",
            "Media packets published",
            &self.packets,
        );
        let help = "Published packets that never came";
        counter("carrier_whip_lost", help, &self.lost);
        let help = "Published packets that came late or again";
        counter("carrier_whip_recovered", help, &self.recovered);
        let help = "Packets asked of the publisher again";
        counter("carrier_whip_nacks", help, &self.nacks);
        counter(
            "carrier_whip_plis",
            "Keyframes asked of the publisher",
            &self.plis,
        );
        counter(
            "carrier_whip_pictures",
            "Published pictures decoded",
            &self.pictures,
        );
        let help = "Published access units the decoder refused";
        counter("carrier_whip_decode_failures", help, &self.decode_failures);
        let help = "Published access units that never reached the decoder";
        registry.register("carrier_whip_dropped_units", help, self.dropped.clone());
        registry.register(
            "carrier_whip_publishers",
            "Publishers now",
            self.publishers.clone(),
        );
        registry.register_with_unit(
            "carrier_whip_decode",
            "Decoding one published access unit",
            Unit::Seconds,
            self.decode.clone(),
        );
    }
}
