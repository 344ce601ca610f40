//! Metrics of the sources, and the macro with which each crate declares its table of metrics.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};

/// Declares a struct of metrics with `Default` and `register`: one line for each metric.
///
/// A line reads `field: type = initial value => "name" Unit, "help";`. The initial value may be left
/// out where the type has a default, and the unit where the metric has none.
#[macro_export]
macro_rules! metrics {
    (
        $(#[$meta:meta])* $vis:vis struct $Metrics:ident;
        $($field:ident: $kind:ty $(= $initial:expr)? => $name:literal $($unit:ident)?, $help:literal;)*
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone)]
        $vis struct $Metrics {
            $(#[doc = $help] $vis $field: $kind,)*
        }

        impl Default for $Metrics {
            fn default() -> Self {
                Self { $($field: $crate::metrics!(@initial $($initial)?),)* }
            }
        }

        impl $Metrics {
            /// Registers all metrics.
            $vis fn register(&self, registry: &mut ::prometheus_client::registry::Registry) {
                $($crate::metrics!(@register registry, $name, $help, self.$field, $($unit)?);)*
            }
        }
    };
    (@initial) => { ::std::default::Default::default() };
    (@initial $initial:expr) => { $initial };
    (@register $registry:ident, $name:literal, $help:literal, $metric:expr,) => {
        $registry.register($name, $help, $metric.clone())
    };
    (@register $registry:ident, $name:literal, $help:literal, $metric:expr, $unit:ident) => {{
        let unit = ::prometheus_client::registry::Unit::$unit;
        $registry.register_with_unit($name, $help, unit, $metric.clone())
    }};
}

/// Which kind of source, e.g. `webcam`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct SourceLabel {
    pub source: &'static str,
}

/// 0.1 ms to 0.8 s, doubling.
const STAGE: fn() -> Histogram = || Histogram::new(exponential_buckets(1e-4, 2.0, 14));

metrics! {
    /// Metrics of the capture thread. Clones share their values.
    pub struct CaptureMetrics;
    frames: Counter => "carrier_capture_frames", "Pictures taken from the source";
    undecoded: Counter =>
        "carrier_capture_undecoded", "Pictures taken from the source and not decoded: nobody watched, or fewer are wanted to save power";
    stalls: Counter => "carrier_capture_stalls", "Times the source gave no picture for 1.5 s";
    reopenings: Counter => "carrier_capture_reopenings", "Times the source was opened again";
    abandoned_threads: Counter =>
        "carrier_capture_abandoned_threads",
        "Source threads left behind because they hang in a driver";
    convert_seconds: Family<SourceLabel, Histogram, fn() -> Histogram> =
        Family::new_with_constructor(STAGE) =>
        "carrier_capture_convert" Seconds, "Time from the source's bytes to I420";
    bad_pictures: Family<SourceLabel, Counter> =>
        "carrier_capture_bad_pictures",
        "Pictures thrown away: truncated, corrupt or of an impossible size";
}

#[cfg(test)]
mod tests {
    use prometheus_client::registry::Registry;

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
