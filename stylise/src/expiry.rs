//! What becomes of a job as time passes.

use crate::job::State;

/// How long the bare name of an expired job is kept, so that its page can say what happened.
pub(crate) const TOMBSTONE_MS: u64 = 24 * 60 * 60 * 1000;

/// What is due for a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Due {
    /// Nothing.
    Nothing,
    /// Everything but its name and state is erased.
    Erase,
    /// The rest is erased too.
    Remove,
}

/// What is due at `now_ms`.
pub(crate) fn due(state: State, expires_at_ms: u64, now_ms: u64) -> Due {
    let is_erased = state == State::Expired;
    if now_ms >= expires_at_ms.saturating_add(TOMBSTONE_MS) && is_erased {
        Due::Remove
    } else if now_ms >= expires_at_ms && !is_erased {
        Due::Erase
    } else {
        Due::Nothing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_go_first_and_the_name_a_day_later() {
        assert_eq!(due(State::Done, 1000, 999), Due::Nothing);
        for state in [State::Done, State::Failed, State::Queued, State::Running] {
            assert_eq!(due(state, 1000, 1000), Due::Erase, "{state:?}");
        }
        assert_eq!(due(State::Expired, 1000, 5000), Due::Nothing);
        let removed = due(State::Expired, 1000, 1000 + TOMBSTONE_MS);
        assert_eq!(removed, Due::Remove);
    }

    #[test]
    fn after_long_sleep_what_was_never_erased_is_erased_first() {
        let now = 1000 + 3 * TOMBSTONE_MS;
        assert_eq!(due(State::Done, 1000, now), Due::Erase);
    }
}
