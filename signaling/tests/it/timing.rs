//! Time in tests: when a wait counts as a hang, and claims about speed.

use std::time::Duration;

use crate::clip::eprint_line;

/// Ends a test that hangs; nothing else depends on it.
pub(crate) const HANG_TIMEOUT: Duration = Duration::from_secs(60);

/// Prints how long something took. `scripts/bench-times.sh` runs the tests on a machine that does nothing else,
/// with `CARRIER_CHECK_TIMES` set: then more than `limit` fails. A test itself never depends on speed.
pub(crate) fn expect_within(what: &str, took: Duration, limit: Duration) {
    eprint_line(&format!("{what}: {took:?}, at most {limit:?} when idle"));
    let is_checked = std::env::var_os("CARRIER_CHECK_TIMES").is_some();
    assert!(!is_checked || took < limit, "{what}: {took:?} of {limit:?}");
}
