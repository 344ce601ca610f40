//! Metrics of publishing in.

use std::fmt::{self, Write as _};

use prometheus_client::encoding::{EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;

use super::access_unit::UnitError;
use crate::metrics::Kinds;

/// Why an access unit was not decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UnitDrop {
    /// Packets of it were lost.
    Damaged,
    /// A payload is malformed.
    Malformed,
    /// Its format is not supported, or its pictures are too large.
    Unsupported,
    /// It depends on a picture that was lost.
    NoKeyframe,
    /// The decoder was too slow.
    Behind,
}

impl EncodeLabelValue for UnitDrop {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> fmt::Result {
        match self {
            // Dashboards know it by this word.
            Self::Unsupported => encoder.write_str("Unfit"),
            other => write!(encoder, "{other:?}"),
        }
    }
}

impl From<UnitError> for UnitDrop {
    fn from(reason: UnitError) -> Self {
        match reason {
            UnitError::Damaged => Self::Damaged,
            UnitError::Malformed(_) => Self::Malformed,
            UnitError::Unsupported(_) => Self::Unsupported,
            UnitError::NoKeyframe => Self::NoKeyframe,
        }
    }
}

/// 0.25 ms to 128 ms, doubling.
const DECODE_BUCKETS: [f64; 10] = [
    0.00025, 0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128,
];

capture::metrics! {
    /// Metrics of publishing in.
    pub struct WhipMetrics;
    packets: Counter => "carrier_whip_packets", "Media packets published";
    lost: Counter => "carrier_whip_lost", "Published packets that never came";
    recovered: Counter => "carrier_whip_recovered", "Published packets that came late or again";
    nacks: Counter => "carrier_whip_nacks", "Packets asked of the publisher again";
    plis: Counter => "carrier_whip_plis", "Keyframes asked of the publisher";
    pictures: Counter => "carrier_whip_pictures", "Published pictures decoded";
    decode_failures: Counter =>
        "carrier_whip_decode_failures", "Published access units the decoder refused";
    dropped: Kinds<UnitDrop> =>
        "carrier_whip_dropped_units", "Published access units that never reached the decoder";
    publishers: Gauge => "carrier_whip_publishers", "Publishers now";
    decode: Histogram = Histogram::new(DECODE_BUCKETS) =>
        "carrier_whip_decode" Seconds, "Decoding one published access unit";
}
