//! When a wait counts as a hang, claims about speed, and pictures compared without printing them.

use std::fmt::Debug;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

/// Ends a test that hangs; nothing else depends on it.
pub(crate) const HANG_TIMEOUT: Duration = Duration::from_secs(60);

/// Prints how long something took. `scripts/bench-times.sh` runs the tests on a machine that does nothing else,
/// with `CARRIER_CHECK_TIMES` set: then more than `limit` fails. A test itself never depends on speed.
pub(crate) fn expect_within(what: &str, took: Duration, limit: Duration) {
    eprintln!("{what}: {took:?}, at most {limit:?} when idle");
    let is_checked = std::env::var_os("CARRIER_CHECK_TIMES").is_some();
    assert!(!is_checked || took < limit, "{what}: {took:?} of {limit:?}");
}

/// What an assertion prints of a picture: its length and a hash.
fn digest(bytes: &[u8]) -> String {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    format!("{} bytes, hash {:016x}", bytes.len(), hasher.finish())
}

/// Compares what a stylist gave, or why it gave nothing.
#[track_caller]
pub(crate) fn assert_made<E: Debug + PartialEq>(
    made: &Result<Vec<u8>, E>,
    wanted: &Result<Vec<u8>, E>,
) {
    let words = |result: &Result<Vec<u8>, E>| match result {
        Ok(bytes) => digest(bytes),
        Err(error) => format!("{error:?}"),
    };
    assert!(
        made == wanted,
        "{} instead of {}",
        words(made),
        words(wanted)
    );
}

/// There is no such picture.
#[track_caller]
pub(crate) fn assert_no_picture(picture: Option<Vec<u8>>) {
    assert_eq!(picture.as_deref().map(digest), None);
}
