//! Traces for operators: spans that the stages record go to an OpenTelemetry collector, if one is configured.
//!
//! In: [`TraceSpan`](capture::trace::TraceSpan)s of every thread, through a bounded queue. Out: OTLP over HTTP in
//! JSON, in batches, by a thread of its own. A slow or absent collector costs spans, and nothing else.

mod blocking;
pub(crate) mod collector;
mod delivery;
mod encoding;
mod exporter;
#[cfg(test)]
mod tests;
pub(crate) mod traceparent;

pub(crate) use self::blocking::spawn_blocking;
pub(crate) use self::exporter::{Telemetry, check_reachable};
