//! Metrics of the detector.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

/// Shared by the worker, the status page and `/metrics`.
#[derive(Debug)]
pub struct DetectorMetrics {
    /// Seconds for scaling, colour conversion and normalisation of one frame.
    pub preprocess: Histogram,
    /// Seconds for the run of the network alone.
    pub inference: Histogram,
    /// Seconds for decoding and suppression.
    pub postprocess: Histogram,
    /// Seconds for the tracker's update.
    pub track: Histogram,
    /// Seconds from taking a frame to publishing its tracks.
    pub total: Histogram,
    /// Frames that went through the network.
    pub inferred: Counter,
    /// Frames replaced by newer ones before the detector took them.
    pub overtaken: Counter,
    /// Frames skipped on purpose: nobody watches, or the rate is limited.
    pub paced_out: Counter,
    pub failures: Counter,
    /// Frames inferred per second, smoothed.
    pub rate_fps: Gauge<f64, AtomicU64>,
    /// Seconds for the run of the network alone, smoothed.
    pub recent_inference: Gauge<f64, AtomicU64>,
}

impl Default for DetectorMetrics {
    fn default() -> Self {
        // 0.1 ms .. 1.6 s, doubling.
        let stage = || Histogram::new(exponential_buckets(1e-4, 2.0, 15));
        Self {
            preprocess: stage(),
            inference: stage(),
            postprocess: stage(),
            track: stage(),
            total: stage(),
            inferred: Counter::default(),
            overtaken: Counter::default(),
            paced_out: Counter::default(),
            failures: Counter::default(),
            rate_fps: Gauge::default(),
            recent_inference: Gauge::default(),
        }
    }
}

impl DetectorMetrics {
    /// Counts one run of the network.
    pub(crate) fn inferred_in(&self, took: Duration) {
        let seconds = took.as_secs_f64();
        self.inference.observe(seconds);
        let before = self.recent_inference.get();
        // An exponential moving average over about ten values, which starts at the first one.
        let smoothed = if before > 0.0 {
            before + (seconds - before) * 0.1
        } else {
            seconds
        };
        self.recent_inference.set(smoothed);
    }

    /// Registers all metrics with the prefix `carrier_detector`.
    pub fn register(&self, registry: &mut Registry) {
        let registry = registry.sub_registry_with_prefix("carrier_detector");
        let stages = [
            (
                "preprocess",
                "Scaling and normalising one frame",
                &self.preprocess,
            ),
            ("inference", "The bare run of the network", &self.inference),
            ("postprocess", "Decoding and suppression", &self.postprocess),
            ("track", "The tracker's update", &self.track),
            ("total", "Frame in hand to tracks published", &self.total),
        ];
        for (name, help, histogram) in stages {
            registry.register_with_unit(name, help, Unit::Seconds, histogram.clone());
        }
        let counters = [
            (
                "inferred",
                "Frames that went through the network",
                &self.inferred,
            ),
            (
                "overtaken",
                "Frames replaced by newer ones before their turn",
                &self.overtaken,
            ),
            (
                "paced_out",
                "Frames left out because nobody watches or by a cap",
                &self.paced_out,
            ),
            (
                "failures",
                "Runs of the network that failed",
                &self.failures,
            ),
        ];
        for (name, help, counter) in counters {
            registry.register(name, help, counter.clone());
        }
        let rate = self.rate_fps.clone();
        registry.register("rate_fps", "Frames inferred per second, smoothed", rate);
        let recent = self.recent_inference.clone();
        let help = "The bare run of the network, smoothed";
        registry.register_with_unit("recent_inference", help, Unit::Seconds, recent);
    }
}

#[cfg(test)]
mod tests {
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
