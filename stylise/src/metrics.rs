//! The booth's metrics. They contain nothing about visitors.

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelValue;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

use crate::api::SubmitError;
use crate::job::State;
use crate::stylist::MadeBy;

/// A picture of a stylist that nobody sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelValue)]
pub(crate) enum Discarded {
    /// A result that arrived after its job was cancelled.
    LateResult,
    /// A preview that cannot be decoded.
    BadPreview,
}

type Label = (&'static str, &'static str);

/// Registered once, however often the booth is opened.
#[derive(Debug, Clone)]
pub struct BoothMetrics {
    jobs: Family<[Label; 2], Counter>,
    waiting: Family<[Label; 1], Gauge>,
    duration: Family<[Label; 1], Histogram, fn() -> Histogram>,
    refused: Family<[Label; 1], Counter>,
    discarded: Family<[(&'static str, Discarded); 1], Counter>,
    orphans: Counter,
}

impl BoothMetrics {
    /// Registers the metrics as `carrier_stylise_...`.
    pub fn register(registry: &mut Registry, kinds: &[MadeBy]) -> Self {
        let metrics = Self {
            jobs: Family::default(),
            waiting: Family::default(),
            // 0.25 s to 8.5 min.
            duration: Family::new_with_constructor(|| {
                Histogram::new(exponential_buckets(0.25, 2.0, 12))
            }),
            refused: Family::default(),
            discarded: Family::default(),
            orphans: Counter::default(),
        };
        for reason in SubmitError::REASONS {
            drop(metrics.refused.get_or_create(&[("reason", reason)]));
        }
        for kind in kinds {
            metrics.waiting(*kind, 0);
        }
        let registry = registry.sub_registry_with_prefix("carrier_stylise");
        registry.register("jobs", "Jobs by what became of them", metrics.jobs.clone());
        let help = "Jobs that wait for their stylist";
        registry.register("waiting", help, metrics.waiting.clone());
        let help = "From a job's turn to its kept result";
        registry.register_with_unit("duration", help, Unit::Seconds, metrics.duration.clone());
        let help = "Submissions that were not taken";
        registry.register("refused", help, metrics.refused.clone());
        let help = "Pictures of stylists that nobody sees";
        registry.register("discarded", help, metrics.discarded.clone());
        let help = "Pictures without a job, found and erased at the start";
        registry.register("orphans", help, metrics.orphans.clone());
        metrics
    }

    /// Counts a job that reached a state.
    pub(crate) fn count(&self, made_by: MadeBy, state: State) {
        let labels = [("made_by", made_by.name()), ("state", state.name())];
        self.jobs.get_or_create(&labels).inc();
    }

    pub(crate) fn waiting(&self, made_by: MadeBy, jobs: usize) {
        let waiting = self.waiting.get_or_create(&[("made_by", made_by.name())]);
        waiting.set(i64::try_from(jobs).unwrap_or(i64::MAX));
    }

    pub(crate) fn took(&self, made_by: MadeBy, took: Duration) {
        let duration = self.duration.get_or_create(&[("made_by", made_by.name())]);
        duration.observe(took.as_secs_f64());
    }

    /// Counts a rejected submission.
    pub(crate) fn refused(&self, error: &SubmitError) {
        if let Some(reason) = error.reason() {
            self.refused.get_or_create(&[("reason", reason)]).inc();
        }
    }

    pub(crate) fn discarded(&self, what: Discarded) {
        self.discarded.get_or_create(&[("what", what)]).inc();
    }

    pub(crate) fn orphans(&self, swept: usize) {
        self.orphans
            .inc_by(u64::try_from(swept).unwrap_or(u64::MAX));
    }
}

#[cfg(test)]
mod tests {

    use super::*;

    #[test]
    fn metric_names_and_labels_are_stable() {
        let mut registry = Registry::default();
        let metrics = BoothMetrics::register(&mut registry, &[MadeBy::Laptop]);
        metrics.count(MadeBy::Comfyui, State::Done);
        metrics.took(MadeBy::Comfyui, Duration::from_millis(300));
        metrics.refused(&SubmitError::Full {
            retry_after: Duration::ZERO,
        });
        metrics.orphans(2);
        let mut text = String::new();
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
