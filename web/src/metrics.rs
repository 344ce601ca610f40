//! This crate's metrics: one line of a table each. The other crates have tables of their own, which
//! `startup/pipeline.rs` registers.

pub(crate) mod cameras;
pub(crate) mod counting;
pub(crate) mod http;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelValue, EncodeMetric};
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::registry::{Registry, Unit};

pub(crate) type CounterBy<L> = Family<[(&'static str, L); 1], Counter>;

macro_rules! metrics {
    ($($field:ident: $kind:ty = $name:literal, $help:literal;)*) => {
        /// Clones share their values.
        #[derive(Debug, Clone, Default)]
        pub(crate) struct Metrics {
            $(#[doc = $help] pub(crate) $field: $kind,)*
        }

        impl Metrics {
            pub(crate) fn register(&self, registry: &mut Registry) {
                $(registry.register($name, $help, self.$field.clone());)*
                registry.register_collector(Box::new(ProcessCollector));
            }
        }
    };
}

// Field: type = name, help. Label keys are given where a counter is increased.
metrics! {
    http_connections: Gauge = "carrier_http_connections", "Open HTTP and HTTPS connections";
    http_connections_closed: CounterBy<CloseCause> =
        "carrier_http_connections_closed", "HTTP and HTTPS connections that the station closed, by cause";
    tls_handshakes: CounterBy<HandshakeOutcome> =
        "carrier_tls_handshakes", "TLS handshakes, by how they ended";
    token_guesses: CounterBy<GuessOutcome> =
        "carrier_token_guesses", "Tokens that open nothing: looked at, or refused unseen";
    viewers_refused: CounterBy<ViewerRefusal> = "carrier_viewers_refused", "Viewers not let in";
    uploads_refused: CounterBy<UploadRefusal> =
        "carrier_booth_uploads_refused", "Uploads to the photo booth that were not read";
    booth_prints: CounterBy<PrintOutcome> =
        "carrier_booth_prints", "Prints that visitors asked for, by what became of them";
    events_missed: CounterBy<EventFollowerKind> =
        "carrier_events_missed", "Events that a slow follower did not get, by its kind";
    webhook_deliveries: CounterBy<WebhookOutcome> =
        "carrier_webhook_deliveries", "Attempts to deliver an event to the webhook, by outcome";
    mqtt_connected: Gauge = "carrier_mqtt_connected", "1 while there is a connection to the MQTT broker";
    telemetry_spans: CounterBy<SpanOutcome> =
        "carrier_telemetry_spans", "Spans of traces, by what became of them";
    log_lines_dropped: Counter =
        "carrier_log_lines_dropped", "Lines of the log that could not be written in time, or at all";
}

/// Why the station closed a connection or refused it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelValue)]
pub(crate) enum CloseCause {
    /// No request came within the time-out.
    Idle,
    /// It made room for another connection.
    Displaced,
    /// The connection limit was reached and every connection was busy.
    Refused,
}

/// How a TLS handshake ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelValue)]
pub(crate) enum HandshakeOutcome {
    Done,
    /// Not TLS, no common version or cipher, or the browser refused the certificate.
    Failed,
    Late,
    /// It made room for another connection.
    Displaced,
}

/// What happened to a token that gives no right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelValue)]
pub(crate) enum GuessOutcome {
    /// It was compared, and is wrong.
    Wrong,
    /// It was not compared: too many wrong ones came before.
    Refused,
}

/// Why a viewer was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelValue)]
pub(crate) enum ViewerRefusal {
    Full,
    AddressFull,
    NoToken,
    /// It was admitted, did not connect, and lost its place to another viewer.
    NeverConnected,
}

/// Why an upload was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelValue)]
pub(crate) enum UploadRefusal {
    Busy,
    Large,
    Slow,
}

/// What became of a print that a visitor asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelValue)]
pub(crate) enum PrintOutcome {
    /// The print system has it.
    Printed,
    /// By the owner.
    Refused,
    Failed,
}

/// Who follows the station's events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelValue)]
pub(crate) enum EventFollowerKind {
    Sse,
    Webhook,
    Mqtt,
}

/// What became of an attempt to deliver an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelValue)]
pub(crate) enum WebhookOutcome {
    Delivered,
    /// It is not tried again.
    Refused,
    /// It is tried again.
    Failed,
}

/// What became of a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelValue)]
pub(crate) enum SpanOutcome {
    Sent,
    /// By the collector.
    Refused,
    /// The queue was full, or the collector was away for too long.
    Dropped,
}

/// Clock ticks of `/proc`: 100 per second on every Linux that Rust supports (the kernel's USER_HZ).
const TICKS_PER_SECOND: f64 = 100.0;
const KIB: i64 = 1024;

/// CPU time and resident memory of this process.
#[derive(Debug, Clone, Copy, PartialEq)]
struct ProcessUsage {
    cpu_seconds: f64,
    resident_bytes: i64,
}

impl ProcessUsage {
    /// Reads `/proc/self`; `None` if it cannot be read.
    fn now() -> Option<Self> {
        let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
        let status = std::fs::read_to_string("/proc/self/status").ok()?;
        Self::parse(&stat, &status)
    }

    fn parse(stat: &str, status: &str) -> Option<Self> {
        // The process name, in parentheses, may contain spaces: count fields after it (proc(5): utime is
        // the 14th).
        let after_name = stat.rsplit_once(')')?.1;
        let mut fields = after_name.split_whitespace().skip(11);
        let utime: f64 = fields.next()?.parse().ok()?;
        let stime: f64 = fields.next()?.parse().ok()?;
        let resident = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))?;
        let kib: i64 = resident.trim().trim_end_matches(" kB").parse().ok()?;
        Some(Self {
            cpu_seconds: (utime + stime) / TICKS_PER_SECOND,
            resident_bytes: kib * KIB,
        })
    }
}

/// Process figures under the names that every Prometheus client library uses, read at each scrape.
#[derive(Debug)]
struct ProcessCollector;

impl Collector for ProcessCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let Some(usage) = ProcessUsage::now() else {
            return Ok(());
        };
        let cpu = ConstCounter::new(usage.cpu_seconds);
        let help = "User and system CPU time spent";
        cpu.encode(encoder.encode_descriptor(
            "process_cpu",
            help,
            Some(&Unit::Seconds),
            cpu.metric_type(),
        )?)?;
        let memory = ConstGauge::new(usage.resident_bytes);
        let help = "Resident memory size";
        memory.encode(encoder.encode_descriptor(
            "process_resident_memory",
            help,
            Some(&Unit::Bytes),
            memory.metric_type(),
        )?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_counted_after_a_name_with_blanks_and_brackets() {
        let stat = "7 (a b) c) S 1 7 7 0 -1 4194560 5 0 0 0 250 50 0 0 20 0 9 0 1 1 1";
        let usage =
            ProcessUsage::parse(stat, "Name:\tx\nVmRSS:\t    2048 kB\n").expect("both there");
        assert_eq!(
            usage,
            ProcessUsage {
                cpu_seconds: 3.0,
                resident_bytes: 2 * 1024 * 1024
            }
        );
    }

    #[test]
    fn this_process_has_a_size() {
        assert!(ProcessUsage::now().is_none_or(|usage| usage.resident_bytes > 100_000));
    }
}
