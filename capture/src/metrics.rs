//! Metrics of the sources.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

/// Which kind of source, e.g. `webcam`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct SourceLabel {
    pub source: &'static str,
}

/// Metrics of the capture thread. Cheap to clone; clones share their values.
#[derive(Debug, Clone)]
pub struct CaptureMetrics {
    pub frames: Counter,
    /// Durations of the conversion to I420.
    pub convert_seconds: Family<SourceLabel, Histogram, fn() -> Histogram>,
    /// Pictures discarded: truncated, corrupt, of an impossible size.
    pub bad_pictures: Family<SourceLabel, Counter>,
    /// Silences longer than 1.5 s.
    pub stalls: Counter,
    /// Times a source was opened again after an end, failure or stall.
    pub reopenings: Counter,
    /// Threads left behind because they hang in a driver. They may still end later.
    pub abandoned_threads: Counter,
}

/// 0.1 ms to 0.8 s, doubling.
fn stage_histogram() -> Histogram {
    Histogram::new(prometheus_client::metrics::histogram::exponential_buckets(
        0.0001, 2.0, 14,
    ))
}

impl Default for CaptureMetrics {
    fn default() -> Self {
        Self {
            frames: Counter::default(),
            convert_seconds: Family::new_with_constructor(stage_histogram),
            bad_pictures: Family::default(),
            stalls: Counter::default(),
            reopenings: Counter::default(),
            abandoned_threads: Counter::default(),
        }
    }
}

impl CaptureMetrics {
    /// Registers all metrics.
    pub fn register(&self, registry: &mut Registry) {
        let registry = registry.sub_registry_with_prefix("carrier_capture");
        let counters = [
            ("frames", "Pictures taken from the source", &self.frames),
            (
                "stalls",
                "Times the source gave no picture for 1.5 s",
                &self.stalls,
            ),
            (
                "reopenings",
                "Times the source was opened again",
                &self.reopenings,
            ),
            (
                "abandoned_threads",
                "Source threads left behind because they hang in a driver",
                &self.abandoned_threads,
            ),
        ];
        for (name, help, counter) in counters {
            registry.register(name, help, counter.clone());
        }
        registry.register_with_unit(
            "convert",
            "Time from the source's bytes to I420",
            Unit::Seconds,
            self.convert_seconds.clone(),
        );
        registry.register(
            "bad_pictures",
            "Pictures thrown away: truncated, corrupt or of an impossible size",
            self.bad_pictures.clone(),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_units_are_as_the_dashboards_expect() {
        let metrics = CaptureMetrics::default();
        let mut registry = Registry::default();
        metrics.register(&mut registry);
        metrics.frames.inc();
        metrics
            .convert_seconds
            .get_or_create(&SourceLabel { source: "file" })
            .observe(0.002);
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).expect("to a string");
        assert!(text.contains("carrier_capture_frames_total 1"), "{text}");
        assert!(
            text.contains("carrier_capture_convert_seconds_count{source=\"file\"} 1"),
            "{text}"
        );
    }
}
