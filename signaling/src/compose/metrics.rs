//! Metrics of the compose thread: times, counters, drops.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

/// Clones share the same counters.
#[derive(Debug, Clone)]
pub struct ComposeMetrics {
    /// Age of a frame when composing begins.
    pub wait: Histogram,
    /// Copying or scaling a frame into a picture that may be painted on.
    pub copy: Histogram,
    /// Painting over a picture.
    pub paint: Histogram,
    /// Scaling a painted picture for a smaller rendition.
    pub scale: Histogram,
    /// Encoding one picture.
    pub encode: Histogram,
    /// Packetising one access unit.
    pub packetise: Histogram,
    /// Age of a frame when it is encoded and packetised.
    pub age: Histogram,
    /// Frames composed.
    pub frames: Counter,
    /// Cards composed.
    pub cards: Counter,
    /// Pictures encoded again for a keyframe.
    pub repeats: Counter,
    /// Frames replaced by newer ones before composing took them, while somebody watched.
    pub skipped: Counter,
    /// Frames left out because the source is faster than the renditions.
    pub capped: Counter,
    /// Encoded pictures, all renditions.
    pub encoded: Counter,
    /// Encoded keyframes, all renditions.
    pub keyframes: Counter,
    /// RTP payload bytes, all renditions, each once.
    pub bytes: Counter,
    /// Pictures that the encoder's rate control skipped.
    pub left_out: Counter,
    /// Encoded frames the engine did not take.
    pub dropped: Counter,
    /// Encoders that failed and were replaced.
    pub encoder_failures: Counter,
    /// Pictures lost to a failing painter or an impossible size.
    pub picture_failures: Counter,
}

impl Default for ComposeMetrics {
    fn default() -> Self {
        // 0.1 ms to 1.6 s in steps of a factor 1.6: fine enough to read a median off.
        let histogram = || Histogram::new(exponential_buckets(0.000_1, 1.6, 21));
        Self {
            wait: histogram(),
            copy: histogram(),
            paint: histogram(),
            scale: histogram(),
            encode: histogram(),
            packetise: histogram(),
            age: histogram(),
            frames: Counter::default(),
            cards: Counter::default(),
            repeats: Counter::default(),
            skipped: Counter::default(),
            capped: Counter::default(),
            encoded: Counter::default(),
            keyframes: Counter::default(),
            bytes: Counter::default(),
            left_out: Counter::default(),
            dropped: Counter::default(),
            encoder_failures: Counter::default(),
            picture_failures: Counter::default(),
        }
    }
}

impl ComposeMetrics {
    /// Registers everything, as `carrier_compose_*` and `carrier_encode_*`.
    pub fn register(&self, registry: &mut Registry) {
        self.register_costs(registry);
        self.register_composing(registry);
        self.register_encoding(registry);
    }

    fn register_costs(&self, registry: &mut Registry) {
        for (name, help, histogram) in [
            (
                "carrier_compose_wait",
                "Age of a frame when composing begins",
                &self.wait,
            ),
            (
                "carrier_compose_copy",
                "Copying or scaling a frame for painting",
                &self.copy,
            ),
            ("carrier_compose_paint", "Painting a picture", &self.paint),
            (
                "carrier_encode_scale",
                "Scaling for a lesser rendition",
                &self.scale,
            ),
            ("carrier_encode", "Encoding a picture", &self.encode),
            (
                "carrier_packetise",
                "Cutting an access unit into RTP payloads",
                &self.packetise,
            ),
            (
                "carrier_encoded_age",
                "Age of a frame when packetised",
                &self.age,
            ),
        ] {
            registry.register_with_unit(name, help, Unit::Seconds, histogram.clone());
        }
    }

    fn register_composing(&self, registry: &mut Registry) {
        for (name, help, counter) in [
            ("carrier_compose_frames", "Frames composed", &self.frames),
            (
                "carrier_compose_cards",
                "No-signal cards composed",
                &self.cards,
            ),
            (
                "carrier_compose_repeats",
                "Pictures encoded again for a keyframe",
                &self.repeats,
            ),
            (
                "carrier_compose_skipped",
                "Frames replaced before being composed",
                &self.skipped,
            ),
            (
                "carrier_compose_capped",
                "Frames left out as too many a second",
                &self.capped,
            ),
            (
                "carrier_compose_failures",
                "Pictures lost to a failure",
                &self.picture_failures,
            ),
        ] {
            registry.register(name, help, counter.clone());
        }
    }

    fn register_encoding(&self, registry: &mut Registry) {
        for (name, help, counter) in [
            ("carrier_encode_pictures", "Pictures encoded", &self.encoded),
            (
                "carrier_encode_keyframes",
                "Keyframes encoded",
                &self.keyframes,
            ),
            (
                "carrier_encode_bytes",
                "RTP payload bytes encoded",
                &self.bytes,
            ),
            (
                "carrier_encode_left_out",
                "Pictures the encoder left out",
                &self.left_out,
            ),
            (
                "carrier_encode_dropped",
                "Encoded frames the engine did not take",
                &self.dropped,
            ),
            (
                "carrier_encode_failures",
                "Encoders replaced after failing",
                &self.encoder_failures,
            ),
        ] {
            registry.register(name, help, counter.clone());
        }
    }
}

#[cfg(test)]
mod tests {
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
