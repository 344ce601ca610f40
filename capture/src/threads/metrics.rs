//! How often threads panicked and were restarted, by name.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ThreadLabel {
    thread: String,
}

#[derive(Debug, Default)]
pub(super) struct ThreadMetrics {
    panics: Family<ThreadLabel, Counter>,
    restarts: Family<ThreadLabel, Counter>,
}

impl ThreadMetrics {
    pub(super) fn panicked(&self, thread: &str) {
        self.panics.get_or_create(&label(thread)).inc();
    }

    pub(super) fn restarted(&self, thread: &str) {
        self.restarts.get_or_create(&label(thread)).inc();
    }

    #[cfg(any(test, debug_assertions))]
    pub(super) fn restarts_of(&self, thread: &str) -> u64 {
        self.restarts.get_or_create(&label(thread)).get()
    }

    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "carrier_thread_panics",
            "Panics in any thread, caught or not",
            self.panics.clone(),
        );
        registry.register(
            "carrier_thread_restarts",
            "Times a thread of the program was restarted after a panic",
            self.restarts.clone(),
        );
    }
}

/// Without a number at the end: `source-webcam-12` is the twelfth attempt, and there may be thousands.
fn label(thread: &str) -> ThreadLabel {
    let plain = thread.trim_end_matches(|c: char| c.is_ascii_digit());
    let plain = plain.strip_suffix('-').unwrap_or(thread);
    ThreadLabel {
        thread: plain.to_owned(),
    }
}

#[test]
fn numbers_of_attempts_are_no_labels() {
    for (name, wanted) in [
        ("source-webcam-12", "source-webcam"),
        ("media-engine", "media-engine"),
        ("h264", "h264"),
    ] {
        assert_eq!(label(name).thread, wanted);
    }
}
