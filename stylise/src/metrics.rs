//! What the booth counts. Nothing of a visitor is in it.

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelValue;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

use crate::job::State;
use crate::style::MadeBy;

/// Why a submission was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum RefusedFor {
    QueueFull,
    AddressFull,
    TooManyOfVisitor,
    KeyReused,
    UnknownStyle,
    NoStylist,
}

impl RefusedFor {
    const ALL: [Self; 6] = [
        Self::QueueFull,
        Self::AddressFull,
        Self::KeyReused,
        Self::TooManyOfVisitor,
        Self::UnknownStyle,
        Self::NoStylist,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::QueueFull => "queue_full",
            Self::AddressFull => "address_full",
            Self::KeyReused => "key_reused",
            Self::TooManyOfVisitor => "too_many_of_visitor",
            Self::UnknownStyle => "unknown_style",
            Self::NoStylist => "no_stylist",
        }
    }
}

/// What a stylist gave and nobody sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelValue)]
pub(crate) enum Discarded {
    /// A result that came after its job was cancelled.
    LateResult,
    /// A preview that cannot be read.
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
    /// Under `carrier_stylise_...`, with the kinds of stylists that there are.
    pub fn register(registry: &mut Registry, kinds: &[MadeBy]) -> Self {
        let metrics = Self {
            jobs: Family::default(),
            waiting: Family::default(),
            // 0.25 s .. 8.5 min, doubling.
            duration: Family::new_with_constructor(|| {
                Histogram::new(exponential_buckets(0.25, 2.0, 12))
            }),
            refused: Family::default(),
            discarded: Family::default(),
            orphans: Counter::default(),
        };
        for reason in RefusedFor::ALL {
            drop(metrics.refused.get_or_create(&[("reason", reason.name())]));
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

    /// A job came to that state.
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

    pub(crate) fn refused(&self, reason: RefusedFor) {
        self.refused
            .get_or_create(&[("reason", reason.name())])
            .inc();
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
    fn names_and_labels_come_out_as_promised() {
        let mut registry = Registry::default();
        let metrics = BoothMetrics::register(&mut registry, &[MadeBy::Laptop]);
        metrics.count(MadeBy::Comfyui, State::Done);
        metrics.took(MadeBy::Comfyui, Duration::from_millis(300));
        metrics.refused(RefusedFor::QueueFull);
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
