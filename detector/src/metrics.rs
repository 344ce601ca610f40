//! Metrics of the detector.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};

/// 0.1 ms to 1.6 s, doubling.
fn stage() -> Histogram {
    Histogram::new(exponential_buckets(1e-4, 2.0, 15))
}

capture::metrics! {
    /// Shared by the worker, the status page and `/metrics`.
    pub struct DetectorMetrics;
    preprocess: Histogram = stage() =>
        "carrier_detector_preprocess" Seconds, "Scaling and normalising one frame";
    inference: Histogram = stage() =>
        "carrier_detector_inference" Seconds, "The bare run of the network";
    postprocess: Histogram = stage() =>
        "carrier_detector_postprocess" Seconds, "Decoding and suppression";
    track: Histogram = stage() => "carrier_detector_track" Seconds, "The tracker's update";
    total: Histogram = stage() =>
        "carrier_detector_total" Seconds, "Frame in hand to tracks published";
    inferred: Counter => "carrier_detector_inferred", "Frames that went through the network";
    overtaken: Counter =>
        "carrier_detector_overtaken", "Frames replaced by newer ones before their turn";
    paced_out: Counter =>
        "carrier_detector_paced_out", "Frames left out because nobody watches or by a cap";
    unmoved: Counter =>
        "carrier_detector_unmoved", "Frames left out because nothing had moved since the last detection";
    failures: Counter => "carrier_detector_failures", "Runs of the network that failed";
    rate_fps: Gauge<f64, AtomicU64> =>
        "carrier_detector_rate_fps", "Frames inferred per second, smoothed";
    recent_inference: Gauge<f64, AtomicU64> =>
        "carrier_detector_recent_inference" Seconds, "The bare run of the network, smoothed";
    second: Histogram = stage() =>
        "carrier_detector_second" Seconds, "One detection by the second model, with its pre- and postprocessing";
    recent_second: Gauge<f64, AtomicU64> =>
        "carrier_detector_recent_second" Seconds, "One detection by the second model, smoothed";
}

impl DetectorMetrics {
    /// Counts one run of the network.
    pub(crate) fn inferred_in(&self, took: Duration) {
        let seconds = took.as_secs_f64();
        self.inference.observe(seconds);
        smooth(&self.recent_inference, seconds);
    }

    /// Counts one detection by the second model.
    pub(crate) fn second_detected_in(&self, took: Duration) {
        let seconds = took.as_secs_f64();
        self.second.observe(seconds);
        smooth(&self.recent_second, seconds);
    }
}

/// An exponential moving average over about ten values, which starts at the first one.
fn smooth(gauge: &Gauge<f64, AtomicU64>, value: f64) {
    let before = gauge.get();
    let smoothed = if before > 0.0 {
        before + (value - before) * 0.1
    } else {
        value
    };
    gauge.set(smoothed);
}

#[cfg(test)]
mod tests {
    use prometheus_client::registry::Registry;

    use super::*;

    #[test]
    fn names_and_units_are_as_the_dashboards_expect() {
        let (metrics, mut registry) = (DetectorMetrics::default(), Registry::default());
        metrics.register(&mut registry);
        metrics.inference.observe(0.012);
        metrics.inferred.inc();
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).expect("a string");
        for wanted in [
            "carrier_detector_inference_seconds_bucket{le=\"0.0128\"} 1",
            "carrier_detector_inferred_total 1",
            "carrier_detector_overtaken_total 0",
            "carrier_detector_rate_fps 0.0",
        ] {
            assert!(text.contains(wanted), "{wanted} is not in\n{text}");
        }
    }
}
