//! Notices that the machine was suspended: one clock counts that time and the other does not. Pure.

use std::time::Duration;

/// The two clocks are read one after the other; a suspension takes longer.
const LEAST: Duration = Duration::from_secs(1);

/// `CLOCK_BOOTTIME` and `CLOCK_MONOTONIC` at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MachineClocks {
    pub(crate) boot: Duration,
    pub(crate) monotonic: Duration,
}

/// Remembers how long the machine had been suspended.
#[derive(Debug)]
pub(crate) struct SuspendWatch {
    suspended: Duration,
}

impl SuspendWatch {
    pub(crate) fn new(clocks: MachineClocks) -> Self {
        Self {
            suspended: clocks.boot.saturating_sub(clocks.monotonic),
        }
    }

    /// For how long the machine was suspended since the last call; `None`: it was not.
    pub(crate) fn check(&mut self, clocks: MachineClocks) -> Option<Duration> {
        let suspended = clocks.boot.saturating_sub(clocks.monotonic);
        let for_so_long = suspended.saturating_sub(self.suspended);
        if for_so_long < LEAST {
            return None;
        }
        self.suspended = suspended;
        Some(for_so_long)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(boot_ms: u64, monotonic_ms: u64) -> MachineClocks {
        MachineClocks {
            boot: Duration::from_millis(boot_ms),
            monotonic: Duration::from_millis(monotonic_ms),
        }
    }

    #[test]
    fn each_suspension_is_noticed_once_with_its_length() {
        let mut watch = SuspendWatch::new(at(90_000, 50_000));
        assert_eq!(watch.check(at(90_500, 50_500)), None);
        let hour = watch.check(at(3_691_000, 51_000));
        assert_eq!(hour, Some(Duration::from_secs(3600)));
        assert_eq!(watch.check(at(3_691_500, 51_500)), None);
        let short = watch.check(at(3_695_000, 52_000));
        assert_eq!(short, Some(Duration::from_secs(3)));
    }

    #[test]
    fn a_busy_machine_and_clocks_that_were_read_apart_are_no_suspension() {
        let mut watch = SuspendWatch::new(at(1000, 1000));
        assert_eq!(watch.check(at(61_000, 61_000)), None);
        assert_eq!(watch.check(at(61_900, 61_050)), None, "850 ms apart");
        assert_eq!(watch.check(at(62_000, 62_000)), None);
        assert_eq!(watch.check(at(62_000, 63_000)), None);
    }
}
