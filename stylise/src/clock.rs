//! The machine's clocks, read together.

use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::time::{ClockId, clock_gettime};
use uuid::Uuid;

use crate::station_time::Reading;

pub(crate) fn read() -> Reading {
    Reading {
        boot: boot_id().to_owned(),
        since_boot_ms: since_boot_ms(),
        unix_ms: unix_ms(),
    }
}

fn unix_ms() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| {
            u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
        })
}

/// Never set by anybody, and goes on while the machine sleeps (clock_gettime(2)).
fn since_boot_ms() -> u64 {
    let now = clock_gettime(ClockId::Boottime);
    let (seconds, nanoseconds) = (now.tv_sec.unsigned_abs(), now.tv_nsec.unsigned_abs());
    seconds
        .saturating_mul(1000)
        .saturating_add(nanoseconds / 1_000_000)
}

/// Another one after each boot (random(4)). Where the system tells none, each start counts as a boot.
fn boot_id() -> &'static str {
    static BOOT: OnceLock<String> = OnceLock::new();
    BOOT.get_or_init(|| {
        let told = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        match told.trim() {
            "" => Uuid::new_v4().to_string(),
            told => told.to_owned(),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_readings_of_one_boot_grow() {
        let (first, second) = (read(), read());
        assert!(!first.boot.is_empty());
        assert_eq!(first.boot, second.boot);
        assert!(first.since_boot_ms > 0 && second.since_boot_ms >= first.since_boot_ms);
    }
}
