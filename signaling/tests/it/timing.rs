//! Timeouts of tests, and optional checks of durations.

use std::time::Duration;

use crate::clip::eprint_line;

/// Ends a test that hangs.
pub(crate) const HANG_TIMEOUT: Duration = Duration::from_secs(60);

/// Prints a duration. It is only checked with `CARRIER_CHECK_TIMES`, which `scripts/bench-times.sh` sets on an
/// idle machine, because a test must not depend on speed.
pub(crate) fn expect_within(what: &str, took: Duration, limit: Duration) {
    eprint_line(&format!("{what}: {took:?}, at most {limit:?} when idle"));
    let is_checked = std::env::var_os("CARRIER_CHECK_TIMES").is_some();
    assert!(!is_checked || took < limit, "{what}: {took:?} of {limit:?}");
}
