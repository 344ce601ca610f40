//! The booth's metrics: one line of a table each. They contain nothing about visitors.

use std::ops::Deref;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

use crate::api::SubmitError;
use crate::stylist::MadeBy;

/// A histogram of durations from 0.25 s to 8.5 min.
type Seconds = Histogram;

/// Each metric becomes a method that takes the values of its labels.
macro_rules! metrics {
    ($($name:ident ( $($label:ident),* ): $kind:ident = $full_name:literal, $help:literal;)*) => {
        /// Registered once, however often the booth is opened. Clones share their values.
        #[derive(Debug, Clone)]
        pub struct BoothMetrics {
            $($name: metrics!(@type $kind $($label)*),)*
        }

        impl BoothMetrics {
            fn new(registry: &mut Registry) -> Self {
                let metrics = Self { $($name: metrics!(@new $kind $($label)*),)* };
                $(metrics!(@register registry $kind $full_name, $help, metrics.$name.clone());)*
                metrics
            }

            $(pub(crate) fn $name(&self, $($label: &'static str),*) -> impl Deref<Target = $kind> {
                metrics!(@get self.$name, $($label)*)
            })*
        }
    };
    (@type $kind:ident) => { $kind };
    (@type $kind:ident $($label:ident)+) => {
        Family<[(&'static str, &'static str); [$(stringify!($label)),+].len()], $kind, fn() -> $kind>
    };
    (@new Seconds $($label:ident)+) => {
        Family::new_with_constructor(|| Histogram::new(exponential_buckets(0.25, 2.0, 12)))
    };
    (@new $kind:ident) => { $kind::default() };
    (@new $kind:ident $($label:ident)+) => { Family::new_with_constructor($kind::default) };
    (@register $registry:ident Seconds $name:literal, $help:literal, $metric:expr) => {
        $registry.register_with_unit($name, $help, Unit::Seconds, $metric);
    };
    (@register $registry:ident $kind:ident $name:literal, $help:literal, $metric:expr) => {
        $registry.register($name, $help, $metric);
    };
    (@get $metric:expr,) => { &$metric };
    (@get $metric:expr, $($label:ident)+) => {
        $metric.get_or_create(&[$((stringify!($label), $label)),+])
    };
}

// Method (labels): kind = name, help.
metrics! {
    jobs(made_by, state): Counter = "carrier_stylise_jobs", "Jobs by what became of them";
    waiting(made_by): Gauge = "carrier_stylise_waiting", "Jobs that wait for their stylist";
    duration(made_by): Seconds = "carrier_stylise_duration", "From a job's turn to its kept result";
    refused(reason): Counter = "carrier_stylise_refused", "Submissions that were not taken";
    discarded(what): Counter = "carrier_stylise_discarded", "Pictures of stylists that nobody sees";
    orphans(): Counter = "carrier_stylise_orphans", "Pictures without a job, found and erased at the start";
}

impl BoothMetrics {
    /// Registers the metrics, for stylists of these kinds.
    pub fn register(registry: &mut Registry, kinds: &[MadeBy]) -> Self {
        let metrics = Self::new(registry);
        for reason in SubmitError::REASONS {
            metrics.refused(reason);
        }
        for kind in kinds {
            metrics.waiting(kind.name());
        }
        metrics
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metric_names_and_labels_are_stable() {
        let mut registry = Registry::default();
        let metrics = BoothMetrics::register(&mut registry, &[MadeBy::BuiltIn]);
        metrics.jobs("comfyui", "done").inc();
        metrics.duration("comfyui").observe(0.3);
        metrics.refused("queue_full").inc();
        metrics.orphans().inc_by(2);
        let mut text = String::new();
        metrics.waiting("comfyui").set(3);
        metrics.discarded("LateResult").inc();
        metrics.discarded("BadPreview").inc();
        prometheus_client::encoding::text::encode(&mut text, &registry).expect("a string");
        for wanted in [
            "carrier_stylise_jobs_total{made_by=\"comfyui\",state=\"done\"} 1",
            "carrier_stylise_waiting{made_by=\"laptop\"} 0",
            "carrier_stylise_duration_seconds_bucket{le=\"0.5\",made_by=\"comfyui\"} 1",
            "carrier_stylise_refused_total{reason=\"queue_full\"} 1",
            "carrier_stylise_refused_total{reason=\"no_stylist\"} 0",
            "carrier_stylise_orphans_total 2",
        ] {
            assert!(text.contains(wanted), "{wanted} is not in\n{text}");
        }
    }
}
