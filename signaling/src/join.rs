//! How a viewer's picture starts: from the cache, or with a new keyframe.

use std::time::{Duration, Instant};

/// How long a keyframe serves those who join after it. It bounds what a joiner is sent at once:
/// half a second of stream, decoded in a few frame times.
pub(crate) const FRESH: Duration = Duration::from_millis(500);
/// A viewer who asked within [`FRESH`] and took long to connect is still served from the cache up
/// to this age, so that a slow crowd costs no further keyframes.
const HELD: Duration = Duration::from_millis(1200);

/// How to start a viewer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Start {
    /// With the newest keyframe and everything since.
    Replay,
    /// With the next keyframe, which must be asked for.
    Await,
}

/// Decides for a viewer that asked at `offered_at` and can be sent to `now`, when the newest
/// keyframe in the cache came at `keyframe_at`.
pub(crate) fn start(offered_at: Instant, now: Instant, keyframe_at: Option<Instant>) -> Start {
    let Some(keyframe_at) = keyframe_at else {
        return Start::Await;
    };
    let age = now.saturating_duration_since(keyframe_at);
    let age_when_offered = offered_at.saturating_duration_since(keyframe_at);
    if age <= FRESH || (age_when_offered <= FRESH && age <= HELD) {
        Start::Replay
    } else {
        Start::Await
    }
}

/// Whether an offer should ask for a keyframe already, so that one is there when the viewer has
/// connected.
pub(crate) fn needs_keyframe(offered_at: Instant, keyframe_at: Option<Instant>) -> bool {
    keyframe_at.is_none_or(|at| offered_at.saturating_duration_since(at) > FRESH)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn a_fresh_keyframe_is_replayed_and_an_old_one_is_not() {
        let key = Instant::now();
        let started = |offered: u32, now: u32| start(key + offered * MS, key + now * MS, Some(key));
        assert_eq!(started(0, 60), Start::Replay);
        assert_eq!(started(499, 500), Start::Replay);
        assert_eq!(started(501, 560), Start::Await);
        assert_eq!(
            started(480, 1100),
            Start::Replay,
            "asked in time, connected slowly"
        );
        assert_eq!(started(480, 1300), Start::Await);
        assert_eq!(start(key, key, None), Start::Await);
        let early = key.checked_sub(50 * MS).unwrap_or(key);
        assert_eq!(
            start(early, key + 10 * MS, Some(key)),
            Start::Replay,
            "its own keyframe"
        );
    }

    #[test]
    fn offers_ask_only_when_the_cache_is_stale() {
        let key = Instant::now();
        assert!(needs_keyframe(key, None));
        assert!(!needs_keyframe(key + 400 * MS, Some(key)));
        assert!(needs_keyframe(key + 600 * MS, Some(key)));
    }
}
