//! What publishing costs and loses.

use prometheus_client::encoding::EncodeLabelValue;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use super::access_unit::Unusable;
use crate::metrics::Kinds;

/// Why an access unit was not decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelValue)]
pub enum UnitDrop {
    /// Packets of it are lost.
    Damaged,
    /// Its payloads make no sense.
    Malformed,
    /// Its pictures are too large, or of a kind that is not decoded.
    Unfit,
    /// It builds upon a picture that was lost.
    NoKeyframe,
    /// The decoder was too far behind.
    Behind,
}

impl From<Unusable> for UnitDrop {
    fn from(reason: Unusable) -> Self {
        match reason {
            Unusable::Damaged => Self::Damaged,
            Unusable::Malformed(_) => Self::Malformed,
            Unusable::Unfit(_) => Self::Unfit,
            Unusable::NoKeyframe => Self::NoKeyframe,
        }
    }
}

/// Metrics of whoever publishes.
#[derive(Debug, Clone)]
pub struct WhipMetrics {
    /// Publishers now: none or one.
    pub publishers: Gauge,
    /// Media packets that came, retransmissions included.
    pub packets: Counter,
    /// Packets that never came, even asked for again.
    pub lost: Counter,
    /// Packets that came after they were missed.
    pub recovered: Counter,
    /// Packets asked for again; one that is asked for twice counts twice.
    pub nacks: Counter,
    /// Keyframes asked for.
    pub plis: Counter,
    /// Pictures decoded.
    pub pictures: Counter,
    /// Decoding one access unit, in seconds.
    pub decode: Histogram,
    /// Access units the decoder refused.
    pub decode_failures: Counter,
    /// Access units that never reached the decoder, by cause.
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
    /// Adds everything to a registry.
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
