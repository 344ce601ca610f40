//! Metrics of the compose thread: times, counters, drops.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};

/// 0.1 ms to 1.6 s in steps of a factor 1.6: fine enough to read a median off.
fn stage() -> Histogram {
    Histogram::new(exponential_buckets(0.000_1, 1.6, 21))
}

capture::metrics! {
    /// Clones share the same counters.
    pub struct ComposeMetrics;
    wait: Histogram = stage() =>
        "carrier_compose_wait" Seconds, "Age of a frame when composing begins";
    copy: Histogram = stage() =>
        "carrier_compose_copy" Seconds, "Copying or scaling a frame for painting";
    paint: Histogram = stage() => "carrier_compose_paint" Seconds, "Painting a picture";
    scale: Histogram = stage() => "carrier_encode_scale" Seconds, "Scaling for a lesser rendition";
    encode: Histogram = stage() => "carrier_encode" Seconds, "Encoding a picture";
    packetise: Histogram = stage() =>
        "carrier_packetise" Seconds, "Cutting an access unit into RTP payloads";
    age: Histogram = stage() => "carrier_encoded_age" Seconds, "Age of a frame when packetised";
    frames: Counter => "carrier_compose_frames", "Frames composed";
    cards: Counter => "carrier_compose_cards", "No-signal cards composed";
    repeats: Counter => "carrier_compose_repeats", "Pictures encoded again for a keyframe";
    skipped: Counter => "carrier_compose_skipped", "Frames replaced before being composed";
    capped: Counter => "carrier_compose_capped", "Frames left out as too many a second";
    picture_failures: Counter => "carrier_compose_failures", "Pictures lost to a failure";
    encoded: Counter => "carrier_encode_pictures", "Pictures encoded";
    keyframes: Counter => "carrier_encode_keyframes", "Keyframes encoded";
    bytes: Counter => "carrier_encode_bytes", "RTP payload bytes encoded";
    left_out: Counter => "carrier_encode_left_out", "Pictures the encoder left out";
    dropped: Counter => "carrier_encode_dropped", "Encoded frames the engine did not take";
    encoder_failures: Counter => "carrier_encode_failures", "Encoders replaced after failing";
}

#[cfg(test)]
mod tests {
    use prometheus_client::registry::Registry;

    use super::*;

    #[test]
    fn names_carry_unit_and_total() {
        let (metrics, mut registry) = (ComposeMetrics::default(), Registry::default());
        metrics.register(&mut registry);
        metrics.encode.observe(0.003);
        metrics.dropped.inc();
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).expect("encodes");
        assert!(text.contains("carrier_encode_seconds_count 1"), "{text}");
        assert!(text.contains("carrier_encode_dropped_total 1"), "{text}");
    }
}
