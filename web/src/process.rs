//! What the process costs, under the names every Prometheus client library uses.

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;

/// Clock ticks of `/proc`: 100 a second on every Linux that Rust supports (the kernel's USER_HZ).
const TICKS_PER_SECOND: f64 = 100.0;
const KIB: i64 = 1024;

/// CPU time in seconds and resident memory in bytes of this process.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Usage {
    pub(crate) cpu_seconds: f64,
    pub(crate) resident_bytes: i64,
}

impl Usage {
    /// Reads `/proc/self`; `None` where there is no such thing.
    pub(crate) fn now() -> Option<Self> {
        let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
        let status = std::fs::read_to_string("/proc/self/status").ok()?;
        Self::parse(&stat, &status)
    }

    fn parse(stat: &str, status: &str) -> Option<Self> {
        // The name, in brackets, may hold blanks: count fields after it (proc(5): utime is 14th).
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

/// Reads the figures when somebody asks for the metrics.
#[derive(Debug)]
pub(crate) struct ProcessCollector;

impl Collector for ProcessCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let Some(usage) = Usage::now() else {
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
        let usage = Usage::parse(stat, "Name:\tx\nVmRSS:\t    2048 kB\n").expect("both there");
        assert_eq!(
            usage,
            Usage {
                cpu_seconds: 3.0,
                resident_bytes: 2 * 1024 * 1024
            }
        );
    }

    #[test]
    fn this_process_has_a_size() {
        assert!(Usage::now().is_none_or(|usage| usage.resident_bytes > 100_000));
    }
}
